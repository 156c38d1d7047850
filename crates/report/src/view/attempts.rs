//! Single attempts of a run, for formats that list them.

use crashrate_model::{DiedIn, Ended, Exit, Mode, Outcome, Unit};

/// An attempt's place in the journal. A long run has millions of attempts, so the view keeps only
/// this, and formats that list attempts read the records again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptPlace {
    /// Its unit's place in [`super::View::units`].
    pub unit: u32,
    /// From 1.
    pub round: u32,
    /// From 1; 1 is the measurement.
    pub attempt: u32,
    end: u64,
}

/// Marks an attempt without a recorded end.
const LOST: u64 = u64::MAX;

impl AttemptPlace {
    pub(crate) fn new([unit, round, attempt]: [u32; 3], end: Option<u64>) -> AttemptPlace {
        AttemptPlace {
            unit,
            round,
            attempt,
            end: end.unwrap_or(LOST),
        }
    }

    /// The place of its end record, as counted by the builder's caller; `None` if it was lost.
    pub fn end(&self) -> Option<u64> {
        (self.end != LOST).then_some(self.end)
    }
}

/// An attempt that ended or was lost.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    /// Its unit's place in [`super::View::units`].
    pub(crate) unit: u32,
    /// From 1.
    pub(crate) round: u32,
    /// From 1; 1 is the measurement.
    pub(crate) attempt: u32,
    /// How it ended: of the chapter in isolated mode, of the sequence as a whole in sequential
    /// mode.
    pub(crate) outcome: Outcome,
    /// From start to end of the process, seconds.
    pub(crate) secs: Option<f64>,
    /// How the process ended.
    pub(crate) exit: Option<Exit>,
    /// Where a sequence died.
    pub(crate) died_in: Option<DiedIn>,
    /// The recorded reason, if any.
    pub(crate) reason: Option<String>,
    /// The signature of its crash, or of its hang.
    pub(crate) signature: Option<String>,
    /// The file of its crash, relative to the run folder.
    pub(crate) crash: Option<String>,
    /// The kept output, relative to the run folder.
    pub(crate) output: Option<String>,
    /// The chapters of its unit, in their order.
    pub(crate) chapters: Vec<AttemptChapter>,
}

/// A chapter of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttemptChapter {
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// From its start to its end, seconds.
    pub(crate) secs: Option<f64>,
    /// The recorded reason, if any.
    pub(crate) reason: Option<String>,
}

impl Attempt {
    /// An attempt of this unit from its end record; without one it is lost.
    pub(crate) fn of(unit: &Unit, at: &AttemptPlace, end: Option<Ended>) -> Attempt {
        let end = end.unwrap_or_else(|| Ended::of(at.unit, at.round, at.attempt, Outcome::Lost));
        Attempt {
            unit: at.unit,
            round: at.round,
            attempt: at.attempt,
            outcome: end.outcome,
            secs: end.secs,
            exit: end.exit().cloned(),
            chapters: chapters(unit, &end),
            died_in: end.died_in,
            reason: end.reason,
            crash: end.crash.as_ref().and_then(|crash| crash.file.clone()),
            signature: end.crash.map(|crash| crash.signature),
            output: end.output,
        }
    }

    /// Whether it counts in the first-attempt rate.
    pub(crate) fn in_rate(&self, outcome: Outcome) -> bool {
        self.attempt == 1 && outcome.counts()
    }

    /// How the process ended by itself; `None` if crashrate killed it.
    pub(crate) fn own_exit(&self) -> Option<&Exit> {
        let killed = matches!(self.outcome, Outcome::TimedOut | Outcome::Interrupted);
        self.exit.as_ref().filter(|_| !killed)
    }

    /// The signature, if it belongs to a chapter that ended this way. In a sequence, that is only
    /// the chapter in which it died.
    pub(crate) fn signature_of(&self, outcome: Outcome) -> Option<&str> {
        let signature = self.signature.as_deref().filter(|_| is_death(outcome))?;
        (outcome != Outcome::TimedOut || is_hang(signature)).then_some(signature)
    }
}

fn chapters(unit: &Unit, end: &Ended) -> Vec<AttemptChapter> {
    let none = |outcome: Outcome| AttemptChapter {
        outcome,
        secs: None,
        reason: None,
    };
    match (unit.mode, end.outcome.counts()) {
        (Mode::Sequential, true) => (0..unit.chapters.len())
            .map(|place| match end.chapters.get(place) {
                Some(end) => AttemptChapter {
                    outcome: end.outcome,
                    secs: end.secs,
                    reason: end.reason.clone(),
                },
                None => none(Outcome::Unreached),
            })
            .collect(),
        (Mode::Isolated, true) => vec![AttemptChapter {
            outcome: end.outcome,
            secs: end.secs,
            reason: end.reason.clone(),
        }],
        // A lost round is run again as a whole.
        (_, false) => vec![none(end.outcome); unit.chapters.len()],
    }
}

/// Whether a signature describes a hang and not a crash.
pub(crate) fn is_hang(signature: &str) -> bool {
    signature.split(" | ").nth(1) == Some("HANG")
}

/// Whether the process crashed or had to be killed.
pub(crate) fn is_death(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Crashed | Outcome::TimedOut | Outcome::OutOfMemory
    )
}
