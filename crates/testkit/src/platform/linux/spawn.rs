//! Starts children with the least possible work.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::ptr;

use nix::sys::memfd::{MFdFlags, memfd_create};

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// The stack of a child that shares this process's memory until it execs.
const STACK: usize = 64 * 1024;

struct Child {
    argv: Vec<*const c_char>,
    outputs: [RawFd; 2],
}

/// Starts a program by vfork and exec. A child that cannot exec exits with 127.
pub(crate) fn vfork(words: &[CString], outputs: [RawFd; 2]) -> io::Result<i32> {
    let words = words.iter().map(|word| word.as_ptr());
    let child = Child {
        argv: words.chain([ptr::null()]).collect(),
        outputs,
    };
    let mut stack = Vec::<u8>::with_capacity(STACK);
    let argument: *const Child = &child;
    // SAFETY: this thread sleeps until the child has execed or exited, so its stack and argument
    // outlive the child; the stack grows down from an aligned end.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(STACK);
        let top = top.sub(top as usize % 16).cast::<c_void>();
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        libc::clone(execute, top, flags, argument.cast_mut().cast())
    };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        pid => Ok(pid),
    }
}

extern "C" fn execute(child: *mut c_void) -> c_int {
    // SAFETY: points to the `Child` in `vfork`; only system calls on open descriptors follow.
    unsafe {
        let child = &*child.cast_const().cast::<Child>();
        for (from, to) in child.outputs.into_iter().zip(1..) {
            if from != to {
                libc::dup2(from, to);
            }
        }
        libc::execve(child.argv[0], child.argv.as_ptr(), environ);
        libc::_exit(127)
    }
}

/// Creates a file that exists only in memory.
pub(crate) fn memory_file() -> io::Result<OwnedFd> {
    Ok(memfd_create(c"output", MFdFlags::MFD_CLOEXEC)?)
}
