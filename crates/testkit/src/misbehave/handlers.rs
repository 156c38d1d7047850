//! Faults that the program handles itself. They are not crashes, although an observer sees the
//! signal.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use super::{Done, arch, write_to_null};

const PAGE: usize = 65_536;
/// The address of the page that faults.
static FAULTING: AtomicUsize = AtomicUsize::new(0);

pub(super) fn mend(_: &[String]) -> Done {
    // SAFETY: a new mapping at an address that the kernel chooses touches no memory in use.
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
        return Err(format!("mmap: {}", std::io::Error::last_os_error()));
    }
    FAULTING.store(page as usize, Ordering::SeqCst);
    handle(open_the_page);
    arch::store(page as usize);
    // SAFETY: the page is ours, the handler made it readable, and the store wrote its first 4
    // bytes.
    let written = unsafe { page.cast::<u32>().read_volatile() };
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

pub(super) fn exit_42(_: &[String]) -> Done {
    extern "C" fn leave(_: libc::c_int) {
        // SAFETY: `_exit` is async-signal-safe.
        unsafe { libc::_exit(42) }
    }
    handle(leave);
    write_to_null();
    Ok(70)
}

pub(super) fn fault_again(_: &[String]) -> Done {
    extern "C" fn fault(_: libc::c_int) {
        write_to_null();
    }
    handle(fault);
    write_to_null();
    Ok(70)
}

pub(super) fn strange_name(_: &[String]) -> Done {
    let named = std::thread::Builder::new().name("\u{1b}[2J) R 1\n\"".into());
    let thread = named.spawn(write_to_null).map_err(|e| e.to_string())?;
    let _ = thread.join();
    Ok(70)
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
