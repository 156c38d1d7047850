//! Notices that the supervisor itself was stopped (SIGTSTP, SIGSTOP, a sleeping machine). Time
//! limits do not run meanwhile.

use std::time::{Duration, Instant};

/// The longest that a slot waits before it reads the clock again.
pub(super) const TICK: Duration = Duration::from_millis(500);
/// A wait that is longer than expected by this much was a stop of the process.
const LATE: Duration = Duration::from_millis(250);
/// A stop of at least this length gets a note. A shorter one may be the load of the machine.
const NOTABLE: Duration = Duration::from_secs(1);

/// Accounts for the time of a slot. Covers all of it, not only the waits: a stop can come at any
/// moment.
#[derive(Debug)]
pub(super) struct Pace {
    accounted_until: Instant,
    stopped: Duration,
}

impl Pace {
    pub(super) fn from(start: Instant) -> Self {
        Self {
            accounted_until: start,
            stopped: Duration::ZERO,
        }
    }

    /// The time since the last call was a wait of `expected`. Returns for how long the process was
    /// stopped beyond that.
    pub(super) fn waited(&mut self, expected: Duration, now: Instant) -> Duration {
        let over = (now - self.accounted_until).saturating_sub(expected);
        self.accounted_until = now;
        if over < LATE {
            return Duration::ZERO;
        }
        self.stopped += over;
        over
    }

    /// The time since the last call was work, however long it took.
    pub(super) fn worked(&mut self) {
        self.accounted_until = Instant::now();
    }

    /// A note for the attempt, if the supervisor was stopped for long.
    pub(super) fn note(&self) -> Option<String> {
        (self.stopped >= NOTABLE).then(|| {
            let secs = self.stopped.as_secs_f64();
            format!("crashrate stood still for {secs:.1} s meanwhile: no time limit ran then")
        })
    }
}
