//! Tells the threads of the slots that crashrate itself got a stop signal.
//!
//! An engine sends SIGTERM to all processes of a job at once, and an attempt often dies before
//! crashrate has handled its own signal. Such a death is no crash.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::process::Observed;
use crate::signals::StopSignal;

/// How long before crashrate's own signal an attempt may die of one and still be interrupted by
/// the same stop. Slurm's steps signal the processes of a node one after another.
const GRACE: Duration = Duration::from_millis(500);

/// The stop signal of crashrate, once it has one.
#[derive(Default)]
pub(super) struct StopNotice {
    signal: Mutex<Option<StopSignal>>,
    changed: Condvar,
}

impl StopNotice {
    /// Crashrate got a stop signal, and has handled it.
    pub(super) fn received(&self, signal: StopSignal) {
        *self.signal.lock().unwrap_or_else(PoisonError::into_inner) = Some(signal);
        self.changed.notify_all();
    }

    /// Waits for crashrate's own signal if an attempt died of a stop signal that crashrate did not
    /// send, and notes it in what was observed.
    pub(super) fn attribute(&self, observed: &mut Observed) {
        let seen = &mut observed.seen;
        let died = seen.exit.as_ref().and_then(StopSignal::killed).is_some();
        if died && seen.killed.is_none() {
            seen.stopped_with_run = self.within(GRACE);
        }
    }

    fn within(&self, limit: Duration) -> Option<StopSignal> {
        let signal = self.signal.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = (self.changed).wait_timeout_while(signal, limit, |signal| signal.is_none());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
