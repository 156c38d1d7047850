//! Processor faults, and aborts by a runtime library.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::ptr;

use super::{Done, arch};

/// The exit code when a fault did not happen.
const SURVIVED: i32 = 70;

pub(super) fn segfault(_: &[String]) -> Done {
    write_to_null();
    Ok(SURVIVED)
}

pub(super) fn segfault_thread(_: &[String]) -> Done {
    in_a_thread(write_to_null);
    Ok(SURVIVED)
}

/// Writes to the null address. `raise` would not do: Rust's runtime ignores one SIGSEGV that was
/// sent.
#[inline(never)]
pub(crate) fn write_to_null() {
    arch::store(black_box(0));
}

pub(super) fn segfault_wild(_: &[String]) -> Done {
    write_wild();
    Ok(SURVIVED)
}

#[inline(never)]
fn write_wild() {
    arch::store(black_box(0x5eed_0000));
}

pub(super) fn segfault_non_canonical(_: &[String]) -> Done {
    write_non_canonical();
    Ok(SURVIVED)
}

#[inline(never)]
fn write_non_canonical() {
    arch::store(black_box(0x5eed_5eed_5eed_5eed));
}

pub(super) fn jump_to_nowhere(_: &[String]) -> Done {
    jump_nowhere();
    Ok(SURVIVED)
}

#[inline(never)]
fn jump_nowhere() {
    // SAFETY: deliberately unsound: nothing is mapped at that address, so the call faults at once.
    let nothing: extern "C" fn() = unsafe { std::mem::transmute(black_box(1usize)) };
    nothing();
    // Prevents a tail call, which would leave no frame on the stack.
    black_box(());
}

/// Runs `act` in another thread and waits for it.
pub(crate) fn in_a_thread(act: fn()) {
    let thread = std::thread::Builder::new().name("misbehaving".to_owned());
    thread
        .spawn(act)
        .expect("a thread can be started")
        .join()
        .expect("the act does not panic");
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
        .open(&path)
        .map_err(|e| format!("{}: {e}", path.display()))?;
    let removed = std::fs::remove_file(&path);
    removed.map_err(|e| format!("{}: {e}", path.display()))?;
    // SAFETY: a new mapping at an address that the kernel chooses touches no memory in use.
    let page = unsafe {
        libc::mmap(
            ptr::null_mut(),
            4096,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED,
            std::os::fd::AsRawFd::as_raw_fd(&file),
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return Err(format!("mmap: {}", std::io::Error::last_os_error()));
    }
    write_beyond_the_file(page as usize);
    Ok(SURVIVED)
}

#[inline(never)]
fn write_beyond_the_file(address: usize) {
    arch::store(black_box(address));
}

pub(super) fn illegal_instruction(_: &[String]) -> Done {
    arch::illegal_instruction();
    Ok(SURVIVED)
}

pub(super) fn divide(_: &[String]) -> Done {
    if !arch::DIVISION_TRAPS {
        return Err("this processor does not trap a division by zero".to_owned());
    }
    arch::divide_by_zero();
    Ok(SURVIVED)
}

pub(super) fn stack_overflow(_: &[String]) -> Done {
    overflow();
    Ok(SURVIVED)
}

pub(super) fn stack_overflow_plain(_: &[String]) -> Done {
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the default action runs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    overflow();
    Ok(SURVIVED)
}

/// Overflows in a thread, whose stack is limited whatever the limit of the main thread.
fn overflow() {
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

pub(super) fn uncaught_exception(_: &[String]) -> Done {
    unsafe extern "C" {
        fn crashrate_testkit_throw();
    }
    // SAFETY: the declaration matches `uncaught.cpp`; no exception escapes, because it does not
    // return.
    unsafe { crashrate_testkit_throw() };
    Ok(SURVIVED)
}

pub(super) fn double_free(_: &[String]) -> Done {
    // SAFETY: the allocator must detect the second `free`; the memory is not used.
    unsafe {
        let memory = black_box(libc::malloc(black_box(40)));
        libc::free(black_box(memory));
        libc::free(black_box(memory));
    }
    Ok(SURVIVED)
}
