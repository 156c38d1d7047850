//! System calls that a signal interrupts only because the process is traced.
//!
//! Untraced, the kernel drops a signal that a process ignores. Traced, it wakes the process first, so that its tracer hears
//! of the signal, and calls that are never restarted (signal(7): epoll_wait, sigtimedwait, semtimedop, sockets with a time
//! limit) return EINTR. They are issued again here: with their whole time limit, since nobody knows how much of it was left.

#[cfg(target_arch = "aarch64")]
#[path = "aarch64.rs"]
mod arch;
#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
mod arch;

use std::collections::HashMap;
use std::fs;

/// The signals whose default is to be ignored.
const IGNORED_BY_DEFAULT: [i32; 4] = [libc::SIGCHLD, libc::SIGCONT, libc::SIGURG, libc::SIGWINCH];
/// How often the calls of a thread are issued again: a call with a time limit that is always interrupted would never end.
const MOST: u32 = 10_000;

/// Issues interrupted calls again.
#[derive(Default)]
pub(super) struct Reissue {
    /// How often, by thread.
    times: HashMap<i32, u32>,
    /// A call that was interrupted and could not be issued again.
    missed: bool,
}

impl Reissue {
    /// A thread is about to be delivered a signal.
    pub(super) fn check(&mut self, tid: i32, signal: i32) {
        let Some(call) = arch::interrupted_call(tid) else {
            return;
        };
        if !is_ignored(tid, signal) {
            return;
        }
        let times = self.times.entry(tid).or_default();
        *times += 1;
        self.missed |= *times > MOST || !call.issue_again();
    }

    /// What is to be said of it.
    pub(super) fn note(&self) -> Option<String> {
        self.missed.then(|| {
            "a system call returned EINTR for a signal that the process ignores, because it was traced".to_owned()
        })
    }
}

/// Whether the process ignores a signal, and none that it handles is about to interrupt the same call.
fn is_ignored(tid: i32, signal: i32) -> bool {
    let Ok(status) = fs::read(format!("/proc/{tid}/status")) else {
        return false;
    };
    let status = String::from_utf8_lossy(&status);
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .unwrap_or(0)
    };
    let bit = 1u64 << (signal - 1);
    let caught = mask("SigCgt:");
    let is_ignored =
        mask("SigIgn:") & bit != 0 || IGNORED_BY_DEFAULT.contains(&signal) && caught & bit == 0;
    let pending = (mask("SigPnd:") | mask("ShdPnd:")) & !mask("SigBlk:");
    is_ignored && pending & caught == 0
}
