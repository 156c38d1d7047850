//! Starting children as barely as it can be done.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::ptr;

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// Room for a child that runs in this process's memory until it executes.
const STACK: usize = 64 * 1024;

struct Child {
    argv: Vec<*const c_char>,
    outputs: [RawFd; 2],
}

/// Starts a program with these outputs by vfork and exec. A child that cannot execute ends with 127.
pub(crate) fn vfork(words: &[CString], outputs: [RawFd; 2]) -> io::Result<i32> {
    let child = Child {
        argv: pointers(words),
        outputs,
    };
    let mut stack = Vec::<u8>::with_capacity(STACK);
    let argument: *const Child = &child;
    // SAFETY: this thread sleeps until the child has executed or ended, so its stack and its argument outlive it; the
    // stack grows down from an end that is aligned.
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
    // SAFETY: it is the `Child` that `vfork` holds; only system calls are made, on descriptors that are open.
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

/// Starts a program with these outputs by `posix_spawn`.
pub(crate) fn posix_spawn(words: &[CString], outputs: [RawFd; 2]) -> io::Result<i32> {
    let argv = pointers(words);
    let mut pid = 0;
    // SAFETY: the actions are made before they are used and freed after it; all pointers are to what outlives the call.
    let error = unsafe {
        let mut actions = std::mem::zeroed();
        libc::posix_spawn_file_actions_init(&mut actions);
        for (from, to) in outputs.into_iter().zip(1..) {
            libc::posix_spawn_file_actions_adddup2(&mut actions, from, to);
        }
        let error = libc::posix_spawn(
            &mut pid,
            argv[0],
            &actions,
            ptr::null(),
            argv.as_ptr().cast(),
            environ.cast(),
        );
        libc::posix_spawn_file_actions_destroy(&mut actions);
        error
    };
    match error {
        0 => Ok(pid),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// A file that is in memory alone.
pub(crate) fn memory_file() -> io::Result<OwnedFd> {
    // SAFETY: the name is a constant with its end; the descriptor is new and belongs to nobody else.
    unsafe {
        match libc::memfd_create(c"output".as_ptr(), libc::MFD_CLOEXEC) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

fn pointers(words: &[CString]) -> Vec<*const c_char> {
    let words = words.iter().map(|word| word.as_ptr());
    words.chain([ptr::null()]).collect()
}
