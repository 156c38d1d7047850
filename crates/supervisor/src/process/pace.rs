//! Noticing that the supervisor itself was stopped (SIGTSTP, SIGSTOP, a machine asleep): time in which no limit runs.

use std::time::{Duration, Instant};

/// The longest that a slot waits before it looks at the clock again.
pub(super) const TICK: Duration = Duration::from_millis(500);
/// A wait that took longer than asked for by this much was no wait: the process was stopped.
const LATE: Duration = Duration::from_millis(250);
/// A stop that is worth a note; below it, a busy machine may have been the reason.
const NOTABLE: Duration = Duration::from_secs(1);

/// Watches the waits of a slot.
#[derive(Debug, Default)]
pub(super) struct Pace {
    stopped: Duration,
}

impl Pace {
    /// A wait that was to end after `asked` began at `begun` and has ended now: for how long the process was stopped.
    pub(super) fn waited(&mut self, begun: Instant, asked: Duration) -> Duration {
        let over = begun.elapsed().saturating_sub(asked);
        if over < LATE {
            return Duration::ZERO;
        }
        self.stopped += over;
        over
    }

    /// What is to be said of it.
    pub(super) fn note(&self) -> Option<String> {
        (self.stopped >= NOTABLE).then(|| {
            let secs = self.stopped.as_secs_f64();
            format!("crashrate was stopped for {secs:.1} s meanwhile: no time limit ran then")
        })
    }
}
