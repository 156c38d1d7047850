//! Starts children with the least possible work. macOS has no safe vfork, so both use
//! `posix_spawn`. Not run on a Mac yet.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char};
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::ptr;

unsafe extern "C" {
    static environ: *const *mut c_char;
}

/// Starts a program.
pub(crate) fn vfork(words: &[CString], outputs: [RawFd; 2]) -> io::Result<i32> {
    posix_spawn(words, outputs)
}

/// Starts a program by `posix_spawn`.
pub(crate) fn posix_spawn(words: &[CString], outputs: [RawFd; 2]) -> io::Result<i32> {
    let words = words.iter().map(|word| word.as_ptr().cast_mut());
    let argv: Vec<*mut c_char> = words.chain([ptr::null_mut()]).collect();
    let mut pid = 0;
    // SAFETY: the actions are initialised before use and destroyed after it; all pointers outlive
    // the call.
    let error = unsafe {
        let mut actions = ptr::null_mut();
        libc::posix_spawn_file_actions_init(&mut actions);
        for (from, to) in outputs.into_iter().zip(1..) {
            libc::posix_spawn_file_actions_adddup2(&mut actions, from, to);
        }
        let error = libc::posix_spawn(
            &mut pid,
            argv[0],
            &actions,
            ptr::null(),
            argv.as_ptr(),
            environ,
        );
        libc::posix_spawn_file_actions_destroy(&mut actions);
        error
    };
    match error {
        0 => Ok(pid),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// Creates an unlinked temporary file.
pub(crate) fn memory_file() -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}
