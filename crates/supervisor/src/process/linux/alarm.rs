//! Waiting for the end of a child, and not for longer than that is wanted: waitid(2) has no limit of its own.
//!
//! Short attempts end here. A descriptor to poll for the end costs more than all of this (pidfd_open(2) and its close), and
//! the end of a child's pipes comes before its own: who is woken by that has to wait once more.

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use nix::sys::signal::{SigEvent, SigevNotify, Signal};
use nix::sys::time::TimeSpec;
use nix::sys::timer::{Expiration, Timer, TimerSetTimeFlags};
use nix::time::ClockId;
use nix::unistd::{Pid, gettid};

use super::super::wait::{Blocking, has_ended};
use super::{calls, probe};

/// How often a thread is interrupted once its time is over: it may not have begun to wait the first time.
const AGAIN: Duration = Duration::from_millis(1);

thread_local! {
    /// What interrupts this thread; nothing where that cannot be had.
    static ALARM: Option<RefCell<Timer>> = alarm();
}

fn alarm() -> Option<RefCell<Timer>> {
    if !probe::has_alarms() {
        return None;
    }
    calls::can_be_woken();
    let this_thread = SigevNotify::SigevThreadId {
        signal: Signal::SIGURG,
        thread_id: gettid().as_raw(),
        si_value: 0,
    };
    let timer = Timer::new(ClockId::CLOCK_MONOTONIC, SigEvent::new(this_thread));
    timer.map(RefCell::new).ok()
}

/// Waits for the end of a child, at most so long and perhaps less. Whether it has ended.
pub(in super::super) fn ends_within(pid: Pid, most: Duration) -> io::Result<bool> {
    ALARM.with(|alarm| {
        let Some(alarm) = alarm else {
            return Ok(false);
        };
        let set = |expiration| {
            (alarm.borrow_mut())
                .set(expiration, TimerSetTimeFlags::empty())
                .map_err(io::Error::from)
        };
        set(Expiration::IntervalDelayed(most.into(), AGAIN.into()))?;
        let ended = has_ended(pid, Blocking::Yes);
        // Zero: never.
        set(Expiration::OneShot(TimeSpec::new(0, 0)))?;
        match ended {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            ended => ended,
        }
    })
}
