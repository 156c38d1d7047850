//! Hangs, and signals that the process sends to itself.
#![allow(unsafe_code)]

use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::unistd::Pid;

use super::{FAILED, SURVIVED};

/// Longer than every time limit of the self-test; a process that is not killed ends eventually.
const HANG: Duration = Duration::from_secs(120);

pub(super) fn hang() -> i32 {
    thread::sleep(HANG);
    SURVIVED
}

pub(super) fn hang_ignoring_sigterm() -> i32 {
    // SAFETY: ignoring a signal runs no code.
    match unsafe { signal(Signal::SIGTERM, SigHandler::SigIgn) } {
        Ok(_) => hang(),
        Err(_) => FAILED,
    }
}

pub(super) fn kill_self() -> i32 {
    send(Signal::SIGKILL)
}

pub(super) fn stop_self() -> i32 {
    send(Signal::SIGSTOP)
}

fn send(signal: Signal) -> i32 {
    match kill(Pid::this(), signal) {
        Ok(()) => SURVIVED,
        Err(_) => FAILED,
    }
}
