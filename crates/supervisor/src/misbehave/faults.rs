//! CPU faults: in the main thread, in another, at exit, and one that its handler repairs.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use super::{FAILED, SURVIVED};

/// At least one page on every system.
const PAGE: usize = 65_536;
/// The page that faults.
static FAULTING: AtomicPtr<libc::c_void> = AtomicPtr::new(ptr::null_mut());

/// Writes into the null page. Not to address 0: builds with debug assertions check for null.
#[inline(never)]
pub(super) fn segfault() -> i32 {
    let null = black_box(8usize as *mut u32);
    // SAFETY: unsound on purpose. No system maps the first page, so the write faults.
    unsafe { null.write_volatile(1) };
    SURVIVED
}

pub(super) fn segfault_thread() -> i32 {
    thread::spawn(segfault).join().unwrap_or(FAILED)
}

/// A thread faults while the main thread is in `exit(0)`.
pub(super) fn segfault_at_exit() -> i32 {
    extern "C" fn at_exit() {
        thread::spawn(segfault);
        thread::sleep(Duration::from_secs(30));
    }
    // SAFETY: the handler takes and returns nothing.
    match unsafe { libc::atexit(at_exit) } {
        0 => 0,
        _ => FAILED,
    }
}

/// Writes to a protected page; the handler of the fault makes it writable.
pub(super) fn segfault_handled() -> i32 {
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory that is in use.
    let page = unsafe {
        libc::mmap(
            ptr::null_mut(),
            PAGE,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANON,
            -1,
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return FAILED;
    }
    FAULTING.store(page, Ordering::SeqCst);
    let handler = SigHandler::Handler(permit);
    let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
    // Systems differ in which of the two signals a protected page raises.
    for signal in [Signal::SIGSEGV, Signal::SIGBUS] {
        // SAFETY: the handler makes one system call, which is allowed in a signal handler.
        if unsafe { sigaction(signal, &action) }.is_err() {
            return FAILED;
        }
    }
    let word = page.cast::<u32>();
    // SAFETY: the page is this function's mapping; the handler makes it writable before the retry.
    let read = unsafe {
        word.write_volatile(1);
        word.read_volatile()
    };
    i32::from(read != 1)
}

extern "C" fn permit(_: libc::c_int) {
    let page = FAULTING.load(Ordering::SeqCst);
    // SAFETY: the page is the mapping above. Neither call allocates or locks anything in this
    // process.
    unsafe {
        if libc::mprotect(page, PAGE, libc::PROT_READ | libc::PROT_WRITE) != 0 {
            libc::_exit(FAILED);
        }
    }
}

/// Recurses endlessly in a thread, whose stack is limited even where the main thread's is not.
pub(super) fn stack_overflow() -> i32 {
    let thread = thread::Builder::new().stack_size(1 << 20);
    let depth = thread.spawn(|| recurse(1)).map(thread::JoinHandle::join);
    black_box(depth.is_ok());
    SURVIVED
}

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if black_box(depth) == 0 {
        return 0;
    }
    recurse(depth + 1) + black_box(&frame)[0]
}

pub(super) fn illegal_instruction() -> i32 {
    // SAFETY: the instruction traps and changes nothing.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("ud2", options(nomem, nostack));
    }
    // SAFETY: the instruction traps and changes nothing.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        std::arch::asm!("udf #0", options(nomem, nostack));
    }
    let _ = nix::sys::signal::raise(Signal::SIGILL);
    SURVIVED
}
