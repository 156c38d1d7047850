//! The catalogue: every kind of misbehaviour with the outcome that crashrate must report, as data.

mod cases;
mod suite;

use std::time::Duration;

use crashrate_model::{DiedIn, Exit, Outcome};

pub use cases::catalogue;
pub use suite::{FIRST, GRACE, LAST, Size, isolated_suite, sequence_suite};

/// One kind of misbehaviour, run as round 1, attempt 1.
#[derive(Clone, Debug)]
pub struct Case {
    /// A unique name that is a valid id of a chapter or sequence.
    pub name: String,
    /// The arguments of `misbehave`, in full size.
    pub args: Vec<String>,
    /// The arguments for a small version, where only the amount of data is large.
    pub small: Vec<String>,
    /// The outcome of the chapter in isolated mode.
    pub outcome: Outcome,
    /// The ways in which the process may end, by itself or when stopped at the time limit with
    /// SIGTERM and, [`GRACE`] later, SIGKILL.
    pub exits: Vec<Exit>,
    /// The time limit: short for cases that must reach it, ample for all others.
    pub time_limit: Duration,
    /// Whether it writes garbage to the events descriptor, which must be noted.
    pub garbage: bool,
    /// Whether it leaves processes behind, which must be gone after the attempt.
    pub leaves_processes: bool,
    /// The same case as a chapter of a sequence, where possible.
    pub sequence: Option<InSequence>,
    /// Why the case is in the catalogue.
    pub comment: &'static str,
}

/// A case as the middle chapter of a sequence, between two chapters that pass.
#[derive(Clone, Debug)]
pub struct InSequence {
    /// The chapter's parameter `act`, for `sequence-runner`.
    pub act: String,
    /// The parameter `args`, in full size.
    pub args: Vec<String>,
    /// The parameter `args`, in the small size.
    pub small: Vec<String>,
    /// The outcome of the chapter.
    pub outcome: Outcome,
    /// The outcome of the last chapter.
    pub last: Outcome,
    /// The outcome of the sequence.
    pub whole: Outcome,
    /// Where it died, if its outcome is a death. The chapter has the name of the case.
    pub died_in: Option<DiedIn>,
}

impl Case {
    /// Returns whether a process that ended this way behaved as expected.
    pub fn ends_with(&self, exit: &Exit) -> bool {
        self.exits.contains(exit)
    }

    /// Returns whether it reaches its time limit.
    pub fn hangs(&self) -> bool {
        self.outcome == Outcome::TimedOut
    }
}
