//! The catalogue: every way to misbehave with the outcome that crashrate must find, as data.

mod cases;
mod suite;

use std::time::Duration;

use crashrate_model::{DiedIn, Exit, Outcome};

pub use cases::catalogue;
pub use suite::{FIRST, GRACE, LAST, Size, isolated_suite, sequence_suite};

/// One way to misbehave, run once: as round 1, attempt 1.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name: unique, and fit to be a chapter's or a sequence's id.
    pub name: String,
    /// The arguments of `misbehave`, in full size.
    pub args: Vec<String>,
    /// The arguments of `misbehave` for the same thing in small, where its size is all that is large.
    pub small: Vec<String>,
    /// The outcome of the chapter in isolated mode.
    pub outcome: Outcome,
    /// How the process ends, let alone or stopped at the time limit by SIGTERM and, [`GRACE`] later, by SIGKILL. Any of
    /// these.
    pub exits: Vec<Exit>,
    /// The time limit to give it: short for what must run into it, ample for everything else.
    pub time_limit: Duration,
    /// What it sends on the events descriptor cannot all be read, which must be noted beside the outcome.
    pub garbage: bool,
    /// It leaves processes behind, which must be gone when its attempt is over.
    pub leaves_processes: bool,
    /// How the same thing goes as a chapter of a sequence, if it can be one.
    pub sequence: Option<InSequence>,
    /// Why it is here.
    pub comment: &'static str,
}

/// A case as the chapter in the middle of a sequence: one that passes, this one, and another one that would pass.
#[derive(Clone, Debug)]
pub struct InSequence {
    /// The parameter `act` of the chapter, for `sequence-runner`.
    pub act: String,
    /// The parameter `args`, in full size.
    pub args: Vec<String>,
    /// The parameter `args`, in small.
    pub small: Vec<String>,
    /// The outcome of the chapter.
    pub outcome: Outcome,
    /// The outcome of the last chapter.
    pub last: Outcome,
    /// The outcome of the sequence.
    pub whole: Outcome,
    /// Where it died, if its outcome is a death. A chapter is named as the case is.
    pub died_in: Option<DiedIn>,
}

impl Case {
    /// Whether a process that ended so did as expected.
    pub fn ends_with(&self, exit: &Exit) -> bool {
        self.exits.contains(exit)
    }

    /// Whether it runs into its time limit.
    pub fn hangs(&self) -> bool {
        self.outcome == Outcome::TimedOut
    }
}
