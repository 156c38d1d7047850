//! Starting children as barely as it can be done. There is no safe vfork here: `posix_spawn` is what the system has.
//! Not run by its authors yet.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char};
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::ptr;

unsafe extern "C" {
    static environ: *const *mut c_char;
}

/// Starts a program with these outputs.
pub(crate) fn vfork(words: &[CString], outputs: [RawFd; 2]) -> io::Result<i32> {
    posix_spawn(words, outputs)
}

/// Starts a program with these outputs by `posix_spawn`.
pub(crate) fn posix_spawn(words: &[CString], outputs: [RawFd; 2]) -> io::Result<i32> {
    let words = words.iter().map(|word| word.as_ptr().cast_mut());
    let argv: Vec<*mut c_char> = words.chain([ptr::null_mut()]).collect();
    let mut pid = 0;
    // SAFETY: the actions are made before they are used and freed after it; all pointers are to what outlives the call.
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

/// A file that nobody else can open.
pub(crate) fn memory_file() -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}
