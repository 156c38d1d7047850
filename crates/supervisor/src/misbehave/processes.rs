//! Descendants, output and the terminal.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, setsid};

use super::{FAILED, faults};

/// Lifetime of the daemon if nothing kills it; macOS has no way to find it.
const DAEMON: Duration = Duration::from_secs(20);
/// Bytes of output: far more than crashrate keeps.
const FLOOD: usize = 64 << 20;

/// A child dies by SIGSEGV; the parent exits with 128 plus the signal number, as shells do.
pub(super) fn descendant() -> i32 {
    // SAFETY: this process has one thread, so its child may do anything.
    match unsafe { fork() } {
        Ok(ForkResult::Child) => faults::segfault(),
        Ok(ForkResult::Parent { child }) => match waitpid(child, None) {
            Ok(WaitStatus::Signaled(_, signal, _)) => 128 + signal as i32,
            _ => FAILED,
        },
        Err(_) => FAILED,
    }
}

/// Leaves a daemon behind, in a new session and without open descriptors.
pub(super) fn daemon() -> i32 {
    // SAFETY: this process has one thread, so its child may do anything.
    match unsafe { fork() } {
        Ok(ForkResult::Parent { child }) => match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, code)) => code,
            _ => FAILED,
        },
        Ok(ForkResult::Child) => {
            let left = setsid().is_ok();
            // SAFETY: as above; the child has one thread as well.
            if left && let Ok(ForkResult::Child) = unsafe { fork() } {
                for descriptor in 0..256 {
                    // SAFETY: nothing in this process uses a descriptor any more.
                    unsafe { libc::close(descriptor) };
                }
                thread::sleep(DAEMON);
            }
            // SAFETY: ends the process without the exit handlers, which belong to the parent.
            unsafe { libc::_exit(if left { 0 } else { FAILED }) }
        }
        Err(_) => FAILED,
    }
}

/// Writes far more to standard output than crashrate keeps.
pub(super) fn flood() -> i32 {
    let block = [b'x'; 1 << 16];
    let mut out = io::stdout().lock();
    for _ in 0..FLOOD / block.len() {
        if out.write_all(&block).is_err() {
            return FAILED;
        }
    }
    i32::from(out.flush().is_err())
}

/// Fails if the process has a controlling terminal, where it could read what the user types.
pub(super) fn terminal() -> i32 {
    i32::from(File::open("/dev/tty").is_ok())
}
