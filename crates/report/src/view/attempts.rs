//! Single attempts of a run: their places in the journal, and the ends of their chapters.

use std::num::NonZeroU64;

use crashrate_model::{ChapterEnd, Ended, Exit, Measure, Outcome};

/// An attempt's place in the journal. A long run has millions of attempts, so the view keeps only
/// this, and formats that list attempts read the records again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AttemptPlace {
    /// Its unit's place in [`super::View::units`].
    pub(crate) unit: u32,
    /// From 1.
    pub(crate) round: u32,
    /// From 1; 1 is the measurement.
    pub(crate) attempt: u32,
    /// The place of its end record, as counted by the builder's caller; `None` if it was lost. The
    /// first place is always that of an `opened` record.
    pub(crate) end: Option<NonZeroU64>,
}

impl AttemptPlace {
    pub(crate) fn without_end(unit: u32, round: u32, attempt: u32) -> AttemptPlace {
        AttemptPlace {
            unit,
            round,
            attempt,
            end: None,
        }
    }
}

/// The end of a chapter in an attempt, or of the attempt as a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End<'a> {
    pub(crate) attempt: &'a Ended,
    pub(crate) outcome: Outcome,
    /// From its start to its end, seconds.
    pub(crate) secs: Option<f64>,
    /// The recorded reason, if any.
    pub(crate) reason: Option<&'a str>,
    pub(crate) measures: &'a [Measure],
}

impl<'a> End<'a> {
    pub(crate) fn whole(attempt: &'a Ended) -> End<'a> {
        End {
            attempt,
            outcome: attempt.outcome,
            secs: attempt.secs,
            reason: attempt.reason.as_deref(),
            measures: &attempt.measures,
        }
    }

    pub(crate) fn chapter(attempt: &'a Ended, end: &'a ChapterEnd) -> End<'a> {
        End {
            attempt,
            outcome: end.outcome,
            secs: end.secs,
            reason: end.reason.as_deref(),
            measures: &end.measures,
        }
    }

    /// How the process ended by itself; `None` if crashrate killed it.
    pub(crate) fn own_exit(&self) -> Option<&'a Exit> {
        let killed = matches!(
            self.attempt.outcome,
            Outcome::TimedOut | Outcome::Interrupted
        );
        self.attempt.exit().filter(|_| !killed)
    }

    /// What an exit says about why it did not pass.
    pub(crate) fn exit_words(&self, exit: Option<&Exit>) -> Option<String> {
        match self.outcome {
            Outcome::TimedOut => Some("killed after its time limit".to_owned()),
            outcome if is_bad_end(outcome) => exit.map(Exit::to_string),
            _ => None,
        }
    }

    /// The signature of the crash or hang, if this is where the process died.
    pub(crate) fn signature(&self) -> Option<&'a str> {
        let crash = (self.attempt.crash.as_ref()).filter(|_| self.outcome.is_death())?;
        let is_own = self.outcome != Outcome::TimedOut || is_hang(&crash.signature);
        is_own.then_some(&crash.signature)
    }
}

/// Whether a signature describes a hang and not a crash.
pub(crate) fn is_hang(signature: &str) -> bool {
    signature.split(" | ").nth(1) == Some("HANG")
}

/// Whether an attempt counts and did not pass.
pub(crate) fn is_bad_end(outcome: Outcome) -> bool {
    outcome.counts() && outcome != Outcome::Passed
}
