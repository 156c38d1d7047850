//! Noticing that the supervisor itself stood still (SIGTSTP, SIGSTOP, a machine asleep): time in which no limit runs.

use std::time::{Duration, Instant};

/// The longest that a slot waits before it looks at the clock again.
pub(super) const TICK: Duration = Duration::from_millis(500);
/// What takes longer than asked for by this much was no wait: the process was stopped.
const LATE: Duration = Duration::from_millis(250);
/// A halt that is worth a note; below it, a busy machine may have been the reason.
const NOTABLE: Duration = Duration::from_secs(1);

/// Watches the time of a slot. All of it is watched, not the waits alone: a stop may come at any moment.
#[derive(Debug)]
pub(super) struct Pace {
    /// Until then all time is accounted for.
    watched: Instant,
    stood: Duration,
}

impl Pace {
    pub(super) fn from(begun: Instant) -> Self {
        Self {
            watched: begun,
            stood: Duration::ZERO,
        }
    }

    /// From the last call until `now` there was a reason to wait for `asked`: for how long the process stood still beyond
    /// that.
    pub(super) fn waited(&mut self, asked: Duration, now: Instant) -> Duration {
        let over = (now - self.watched).saturating_sub(asked);
        self.watched = now;
        if over < LATE {
            return Duration::ZERO;
        }
        self.stood += over;
        over
    }

    /// Since the last call there was work to do, however long it took.
    pub(super) fn worked(&mut self) {
        self.watched = Instant::now();
    }

    /// What is to be said of it.
    pub(super) fn note(&self) -> Option<String> {
        (self.stood >= NOTABLE).then(|| {
            let secs = self.stood.as_secs_f64();
            format!("crashrate stood still for {secs:.1} s meanwhile: no time limit ran then")
        })
    }
}
