//! The attempts of a run one by one, for the forms that list them.

use crashrate_model::{DiedIn, Exit, Outcome};

/// One attempt that ended, or that was lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Its unit's place in [`super::View::units`].
    pub unit: u32,
    /// From 1.
    pub round: u32,
    /// From 1; 1 is the measurement.
    pub attempt: u32,
    /// How it ended: of the chapter in isolated mode, of the sequence as a whole in sequential mode.
    pub outcome: Outcome,
    /// Whether its round had been measured before: then it is in no count.
    pub repeated: bool,
    /// From start to end of the process, seconds.
    pub secs: Option<f64>,
    /// How the process ended.
    pub exit: Option<Exit>,
    /// Where a sequence died.
    pub died_in: Option<DiedIn>,
    /// Why, where the record says it.
    pub reason: Option<String>,
    /// The signature of its crash, or of its hang.
    pub signature: Option<String>,
    /// Where the kept output is, relative to the run folder.
    pub output: Option<String>,
    /// The chapters of its unit, in their order.
    pub chapters: Vec<AttemptChapter>,
}

/// A chapter of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptChapter {
    /// How it ended.
    pub outcome: Outcome,
    /// From its start to its end, seconds.
    pub secs: Option<f64>,
    /// Why, where the record says it.
    pub reason: Option<String>,
}

impl Attempt {
    /// Whether it is one of those that the first-attempt rate is over.
    pub fn in_rate(&self, outcome: Outcome) -> bool {
        self.attempt == 1 && !self.repeated && outcome.counts()
    }

    /// How its process ended by itself. A kill by crashrate is no end of the process's own.
    pub fn own_exit(&self) -> Option<&Exit> {
        let killed = matches!(self.outcome, Outcome::TimedOut | Outcome::Interrupted);
        self.exit.as_ref().filter(|_| !killed)
    }

    /// The signature, as far as it is about a chapter that ended so: of a sequence only that in which it died.
    pub fn signature_of(&self, outcome: Outcome) -> Option<&str> {
        self.signature.as_deref().filter(|_| is_death(outcome))
    }
}

/// Whether the process did not end by itself.
pub(crate) fn is_death(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Crashed | Outcome::TimedOut | Outcome::OutOfMemory
    )
}
