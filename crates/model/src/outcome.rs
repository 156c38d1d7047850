//! How an attempt of a chapter, or of a sequence, ended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How an attempt of a chapter ended. What each one means for a rate is in [`Outcome::counts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The verdict was pass and the process ended with 0.
    Passed,
    /// The chapter said no, the process exited non-zero by itself, or an expectation was missed.
    Failed,
    /// Died by a signal that crashrate did not send.
    Crashed,
    /// Killed by crashrate after its time limit.
    TimedOut,
    /// Killed by the kernel for want of memory, by the kernel's own record.
    OutOfMemory,
    /// Sequential mode only: the chapter stood behind a death. Censored.
    Unreached,
    /// The process could not be started, or said that its device is not there.
    NotStarted,
    /// The user stopped the run.
    Interrupted,
    /// Started, and the supervisor or the machine died before the end was known.
    Lost,
}

impl Outcome {
    /// All outcomes, in the order in which reports name them.
    pub const ALL: [Outcome; 9] = [
        Outcome::Passed,
        Outcome::Failed,
        Outcome::Crashed,
        Outcome::TimedOut,
        Outcome::OutOfMemory,
        Outcome::Unreached,
        Outcome::NotStarted,
        Outcome::Interrupted,
        Outcome::Lost,
    ];

    /// Whether an attempt with this outcome is in the denominator of a rate.
    pub fn counts(self) -> bool {
        matches!(
            self,
            Outcome::Passed
                | Outcome::Failed
                | Outcome::Crashed
                | Outcome::TimedOut
                | Outcome::OutOfMemory
        )
    }

    /// Whether the round has an end on record: its measurement was made, whatever it says.
    pub fn is_measured(self) -> bool {
        self.counts() || self == Outcome::Unreached
    }

    /// The word for it, as in the journal and in every report.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Crashed => "crashed",
            Outcome::TimedOut => "timed-out",
            Outcome::OutOfMemory => "out-of-memory",
            Outcome::Unreached => "unreached",
            Outcome::NotStarted => "not-started",
            Outcome::Interrupted => "interrupted",
            Outcome::Lost => "lost",
        }
    }

    /// The outcome of that name.
    pub fn from_word(word: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|o| o.word() == word)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A set of outcomes, such as the suite's `bad`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OutcomeSet(Vec<Outcome>);

impl OutcomeSet {
    /// A set of these outcomes.
    pub fn new(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let mut all: Vec<_> = outcomes.into_iter().collect();
        all.sort();
        all.dedup();
        OutcomeSet(all)
    }

    /// Whether the outcome is in the set.
    pub fn contains(&self, outcome: Outcome) -> bool {
        self.0.contains(&outcome)
    }

    /// The outcomes in the set, in their usual order.
    pub fn iter(&self) -> impl Iterator<Item = Outcome> + '_ {
        self.0.iter().copied()
    }
}

impl Default for OutcomeSet {
    /// What is bad unless the suite says otherwise: crashed, timed-out, out-of-memory.
    fn default() -> Self {
        OutcomeSet::new([Outcome::Crashed, Outcome::TimedOut, Outcome::OutOfMemory])
    }
}

/// How a process ended, as the operating system told it. A signal is never folded into an exit code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// It exited by itself with this code.
    Code(i32),
    /// It died by this signal, by name (`SIGSEGV`): the numbers differ between platforms.
    Signal(String),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exit code {code}"),
            Exit::Signal(name) => f.write_str(name),
        }
    }
}

/// Where in a sequence a process died.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiedIn {
    /// In this chapter: it had started and not ended.
    Chapter(String),
    /// Before the first chapter or between two: in no chapter's fault.
    Between,
    /// After the last verdict: in no chapter's fault.
    Exit,
}
