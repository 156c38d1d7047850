//! Interrupting a thread that waits for a child: waitid(2) has no timeout.
//!
//! Short attempts end within such a wait, which costs less than opening a pidfd to poll. To poll
//! the child's pipes is no substitute: they close before the child has ended.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::io;
use std::sync::Once;
use std::time::{Duration, Instant};

use nix::sys::signal::{
    SaFlags, SigAction, SigEvent, SigHandler, SigSet, SigevNotify, Signal, sigaction,
};
use nix::sys::time::TimeSpec;
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use nix::unistd::{Pid, gettid};
use rustix::process::WaitIdOptions;

use super::probe;
use crate::process::child::peek_end;

/// How often a thread is interrupted after its timeout. The first interrupt may come before it has
/// begun to wait.
const REPEAT: Duration = Duration::from_millis(1);
/// The same, where times are shorter.
const SHORT_REPEAT: Duration = Duration::from_micros(100);

thread_local! {
    /// The timer that interrupts this thread. `None` where the system refuses it.
    static ALARM: Option<RefCell<Timer>> = new_alarm();
}

fn new_alarm() -> Option<RefCell<Timer>> {
    if !probe::has_alarms() {
        return None;
    }
    allow_wake();
    let this_thread = SigevNotify::SigevThreadId {
        signal: Signal::SIGURG,
        thread_id: gettid().as_raw(),
        si_value: 0,
    };
    let timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(this_thread));
    timer.map(RefCell::new).ok()
}

/// Blocks until a child has ended, at most for `limit` and perhaps shorter. Returns whether it has.
pub(in crate::process) fn ends_within(pid: Pid, limit: Duration) -> io::Result<bool> {
    ALARM.with(|alarm| {
        let Some(alarm) = alarm else {
            return Ok(false);
        };
        let set = |expiration| {
            (alarm.borrow_mut())
                .set(expiration, TimerSetTimeFlags::empty())
                .map_err(io::Error::from)
        };
        set(Expiration::IntervalDelayed(limit.into(), REPEAT.into()))?;
        let ended = peek_end(pid, WaitIdOptions::empty());
        // Zero disarms it.
        set(Expiration::OneShot(TimeSpec::new(0, 0)))?;
        match ended {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            ended => ended,
        }
    })
}

/// Makes a blocking call that fails with [`io::ErrorKind::Interrupted`] if it has not returned at
/// this time.
pub(super) fn interrupted_at<T>(
    due: Instant,
    call: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let limit = due.saturating_duration_since(Instant::now());
    if limit.is_zero() {
        return Err(io::ErrorKind::Interrupted.into());
    }
    ALARM.with(|alarm| {
        let Some(alarm) = alarm else {
            return call();
        };
        let mut alarm = alarm.borrow_mut();
        let repeated = Expiration::IntervalDelayed(limit.into(), SHORT_REPEAT.into());
        alarm.set(repeated, TimerSetTimeFlags::empty())?;
        let result = call();
        // Zero disarms it.
        alarm.set(
            Expiration::OneShot(TimeSpec::new(0, 0)),
            TimerSetTimeFlags::empty(),
        )?;
        result
    })
}

/// Lets [`wake`] interrupt a blocking call of this thread. Unblocks the signal, which this program
/// may have inherited blocked.
pub(super) fn allow_wake() {
    extern "C" fn nothing(_: libc::c_int) {}
    static HANDLED: Once = Once::new();
    HANDLED.call_once(|| {
        let handler = SigHandler::Handler(nothing);
        let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
        // SAFETY: the handler does nothing. Nothing else in this program uses the signal, and exec
        // resets it in children.
        if let Err(error) = unsafe { sigaction(Signal::SIGURG, &action) } {
            tracing::warn!("threads cannot be woken: {error}");
        }
    });
    let mut urgent = SigSet::empty();
    urgent.add(Signal::SIGURG);
    // It fails only for an invalid signal.
    let _ = urgent.thread_unblock();
}

/// Interrupts a thread of this process that waits.
pub(super) fn wake(tid: i32) {
    // SAFETY: a system call on numbers; the signal's handler does nothing.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), tid, libc::SIGURG) };
}
