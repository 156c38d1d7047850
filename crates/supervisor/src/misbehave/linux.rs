//! Linux only: real-time signals, and system calls that a tracer could interrupt.
#![allow(unsafe_code)]

use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{ForkResult, fork};

use super::{FAILED, SURVIVED};

/// Raises a real-time signal; its default action ends the process.
pub(super) fn realtime_signal() -> i32 {
    // SAFETY: the signal has its default action, so no code of this process runs.
    unsafe { libc::raise(libc::SIGRTMIN() + 3) };
    SURVIVED
}

/// Waits in `epoll_wait`(2) while a child ends and SIGCHLD is ignored: the call must not return
/// EINTR.
pub(super) fn ignored_sigchld() -> i32 {
    let Ok(epoll) = Epoll::new(EpollCreateFlags::empty()) else {
        return FAILED;
    };
    // SAFETY: ignoring a signal runs no code.
    if unsafe { signal(Signal::SIGCHLD, SigHandler::SigIgn) }.is_err() {
        return FAILED;
    }
    // SAFETY: this process has one thread, so its child may do anything.
    match unsafe { fork() } {
        Ok(ForkResult::Child) => {
            thread::sleep(Duration::from_millis(100));
            // SAFETY: ends the process without the exit handlers, which belong to the parent.
            unsafe { libc::_exit(0) }
        }
        Ok(ForkResult::Parent { .. }) => match epoll.wait(&mut [EpollEvent::empty()], 500u16) {
            Ok(0) => 0,
            Err(Errno::EINTR) => 4,
            _ => FAILED,
        },
        Err(_) => FAILED,
    }
}
