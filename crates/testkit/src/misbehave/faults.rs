//! Processor faults, also handled or only in some rounds, and aborts by a runtime library.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use crashrate_protocol::env;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use super::{Done, Problem, SURVIVED, arch, number};

const PAGE: usize = 65_536;

/// Writes to the null address. `raise` would not do: Rust's runtime ignores one SIGSEGV that was
/// sent.
#[inline(never)]
pub(crate) fn write_to_null() {
    arch::store(black_box(0));
}

#[inline(never)]
pub(super) fn write_wild() {
    arch::store(black_box(0x5eed_0000));
}

#[inline(never)]
pub(super) fn write_non_canonical() {
    arch::store(black_box(0x5eed_5eed_5eed_5eed));
}

#[inline(never)]
pub(super) fn jump_nowhere() {
    // SAFETY: deliberately unsound: nothing is mapped at that address, so the call faults at once.
    let nothing: extern "C" fn() = unsafe { std::mem::transmute(black_box(1usize)) };
    nothing();
    // Prevents a tail call, which would leave no frame on the stack.
    black_box(());
}

/// Writes to the null address in another thread.
pub(crate) fn segfault_in_thread() {
    segfault_in("misbehaving");
}

/// The name of the thread would confuse a terminal and a reader of /proc.
pub(super) fn segfault_in_strange_thread() {
    segfault_in("\u{1b}[2J) R 1\n\"");
}

fn segfault_in(name: &str) {
    let thread = std::thread::Builder::new().name(name.to_owned());
    let thread = thread
        .spawn(write_to_null)
        .expect("a thread can be started");
    thread.join().expect("it does not panic");
}

/// Makes the process fault when it exits.
pub(crate) fn segfault_at_exit() {
    extern "C" fn at_exit() {
        write_to_null();
    }
    // SAFETY: the handler is a plain function without arguments or result.
    let refused = unsafe { libc::atexit(at_exit) };
    assert_eq!(refused, 0, "the exit handler was refused");
}

pub(super) fn bus_error(_: &[String]) -> Done {
    let path = std::env::temp_dir().join(format!("misbehave-{}", std::process::id()));
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    std::fs::remove_file(&path)?;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    write_beyond_the_file(map(access, libc::MAP_SHARED, file.as_raw_fd())?);
    Ok(SURVIVED)
}

/// Maps a page of memory and returns its address.
fn map(access: libc::c_int, flags: libc::c_int, file: RawFd) -> Result<usize, Problem> {
    // SAFETY: a new mapping at an address that the kernel chooses touches no memory in use.
    let page = unsafe { libc::mmap(ptr::null_mut(), PAGE, access, flags, file, 0) };
    if page == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(page as usize)
}

#[inline(never)]
fn write_beyond_the_file(address: usize) {
    arch::store(black_box(address));
}

#[inline(never)]
pub(super) fn illegal_instruction() {
    arch::illegal_instruction();
}

#[inline(never)]
pub(super) fn divide() {
    arch::divide_by_zero();
}

pub(super) fn overflow_plain() {
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the default action runs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    overflow();
}

/// Overflows in a thread, whose stack is limited whatever the limit of the main thread.
pub(super) fn overflow() {
    let thread = std::thread::Builder::new()
        .name("overflowing".to_owned())
        .stack_size(1 << 20);
    let depth = thread
        .spawn(|| recurse(1))
        .expect("a thread can be started")
        .join();
    black_box(depth.unwrap_or_default());
}

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if black_box(depth) == 0 {
        return 0;
    }
    recurse(depth + 1) + black_box(&frame)[0]
}

pub(super) fn uncaught_exception() {
    unsafe extern "C" {
        fn crashrate_testkit_throw();
    }
    // SAFETY: the declaration matches `uncaught.cpp`; no exception escapes, because it does not
    // return.
    unsafe { crashrate_testkit_throw() };
}

#[inline(never)]
pub(super) fn double_free() {
    // SAFETY: the allocator must detect the second `free`; the memory is not used.
    unsafe {
        let memory = black_box(libc::malloc(black_box(40)));
        libc::free(black_box(memory));
        libc::free(black_box(memory));
    }
    // Prevents a tail call, which would leave no frame on the stack.
    black_box(());
}

/// The address of the page that faults.
static FAULTING: AtomicUsize = AtomicUsize::new(0);

pub(super) fn mend(_: &[String]) -> Done {
    let page = map(libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANON, -1)?;
    FAULTING.store(page, Ordering::SeqCst);
    handle(open_the_page);
    arch::store(page);
    // SAFETY: the page is ours, the handler made it readable, and the store wrote its first 4
    // bytes.
    let written = unsafe { (page as *const u32).read_volatile() };
    println!("faulted, mended, wrote {written}");
    Ok(i32::from(written != 1))
}

extern "C" fn open_the_page(_: libc::c_int) {
    let page = FAULTING.load(Ordering::SeqCst) as *mut libc::c_void;
    // SAFETY: the page is our own mapping, and the call neither allocates nor locks.
    if unsafe { libc::mprotect(page, PAGE, libc::PROT_READ | libc::PROT_WRITE) } != 0 {
        // SAFETY: `_exit` is async-signal-safe.
        unsafe { libc::_exit(71) }
    }
}

pub(super) fn exit_42() {
    extern "C" fn leave(_: libc::c_int) {
        // SAFETY: `_exit` is async-signal-safe.
        unsafe { libc::_exit(42) }
    }
    handle(leave);
    write_to_null();
}

pub(super) fn fault_again() {
    extern "C" fn fault(_: libc::c_int) {
        write_to_null();
    }
    handle(fault);
    write_to_null();
}

/// Handles both signals: systems differ in which one a protected page raises.
fn handle(handler: extern "C" fn(libc::c_int)) {
    let action = SigAction::new(
        SigHandler::Handler(handler),
        SaFlags::empty(),
        SigSet::empty(),
    );
    for signal in [Signal::SIGSEGV, Signal::SIGBUS] {
        // SAFETY: both handlers are async-signal-safe.
        unsafe { sigaction(signal, &action) }.expect("a handler can be set");
    }
}

/// `N M`: faults when the round modulo N is M, else exits with 0.
pub(super) fn crash_when(args: &[String]) -> Done {
    let (n, m) = (number(args, 0, None)?, number(args, 1, None)?);
    if n == 0 {
        return Err("the divisor must not be 0".into());
    }
    if number_from(env::ROUND)? % n == m {
        write_to_null();
    }
    Ok(0)
}

pub(super) fn crash_first_attempt(_: &[String]) -> Done {
    if number_from(env::ATTEMPT)? == 1 && number_from(env::ROUND)? % 2 == 0 {
        write_to_null();
    }
    Ok(0)
}

/// Reads a number from the child's environment.
fn number_from(name: &str) -> Result<u64, Problem> {
    let text = std::env::var(name).map_err(|_| format!("{name} is not set"))?;
    Ok(text.parse()?)
}
