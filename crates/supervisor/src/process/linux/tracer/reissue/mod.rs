//! Restarts system calls that a signal interrupts only because the process is traced.
//!
//! The kernel drops a signal that an untraced process ignores. It wakes a traced process for the
//! signal-delivery stop. Then the calls that are never restarted return EINTR (signal(7):
//! epoll_wait, sigtimedwait, semtimedop, sockets with a timeout). They are issued again with their
//! full timeout, because the remaining time is not known.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use std::collections::HashMap;
use std::fs;

#[cfg(target_arch = "aarch64")]
use aarch64 as arch;
#[cfg(target_arch = "x86_64")]
use x86_64 as arch;

use super::super::proc::field;

pub(in super::super) use arch::EPOLL_WAIT;

/// The signals that are ignored by default.
const IGNORED_BY_DEFAULT: [i32; 4] = [libc::SIGCHLD, libc::SIGCONT, libc::SIGURG, libc::SIGWINCH];
/// The most calls of a thread that are issued again: one with a timeout that is always interrupted
/// would never end.
const MAX_REISSUED: u32 = 10_000;

#[derive(Default)]
pub(super) struct Reissue {
    /// How many calls were issued again, by thread.
    times: HashMap<i32, u32>,
    /// Whether a call was interrupted and could not be issued again.
    missed: bool,
}

impl Reissue {
    /// Checks a thread that is about to be delivered a signal.
    pub(super) fn check(&mut self, tid: i32, signal: i32) {
        self.check_call(tid, || is_ignored(tid, signal));
    }

    /// Checks a thread that the tracer has interrupted.
    pub(super) fn interrupted(&mut self, tid: i32) {
        self.check_call(tid, || {
            Signals::of(tid).is_some_and(|it| !it.interrupt_anyway())
        });
    }

    fn check_call(&mut self, tid: i32, is_by_tracer: impl FnOnce() -> bool) {
        let Some(call) = arch::interrupted_call(tid) else {
            return;
        };
        if !is_by_tracer() {
            return;
        }
        let times = self.times.entry(tid).or_default();
        *times += 1;
        self.missed |= *times > MAX_REISSUED || !call.issue_again();
    }

    /// A note for the report, if a call was missed.
    pub(super) fn note(&self) -> Option<String> {
        self.missed.then(|| {
            "a system call returned EINTR for a signal that the process ignores, \
             because it was traced"
                .to_owned()
        })
    }
}

/// The signals of a thread, a bit each.
struct Signals {
    ignored: u64,
    caught: u64,
    /// Not blocked, and waiting to be delivered.
    pending: u64,
}

impl Signals {
    fn of(tid: i32) -> Option<Signals> {
        let status = fs::read(format!("/proc/{tid}/status")).ok()?;
        let status = String::from_utf8_lossy(&status);
        let mask = |name: &str| {
            let mask = field(&status, name).and_then(|mask| u64::from_str_radix(mask, 16).ok());
            mask.unwrap_or(0)
        };
        Some(Signals {
            ignored: mask("SigIgn:"),
            caught: mask("SigCgt:"),
            pending: (mask("SigPnd:") | mask("ShdPnd:")) & !mask("SigBlk:"),
        })
    }

    /// Whether a signal that the process handles is pending, which would interrupt the same call.
    fn interrupt_anyway(&self) -> bool {
        self.pending & self.caught != 0
    }
}

/// Whether the process ignores the signal, and no other interrupts the same call.
fn is_ignored(tid: i32, signal: i32) -> bool {
    let Some(signals) = Signals::of(tid) else {
        return false;
    };
    let bit = 1u64 << (signal - 1);
    let is_ignored = signals.ignored & bit != 0
        || IGNORED_BY_DEFAULT.contains(&signal) && signals.caught & bit == 0;
    is_ignored && !signals.interrupt_anyway()
}
