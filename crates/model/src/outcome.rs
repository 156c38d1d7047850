//! The outcomes of an attempt.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// How an attempt of a chapter ended. [`Outcome::counts`] tells which outcomes count in a rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(
    Serialize,
    Deserialize,
    JsonSchema,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Outcome {
    /// The verdict was pass and the process ended with 0.
    Passed,
    /// The verdict was fail, the process exited non-zero by itself, or an expectation was missed.
    Failed,
    /// Died by a signal that crashrate did not send, or ended with an exit code that means a crash.
    Crashed,
    /// Killed by crashrate after its time limit.
    TimedOut,
    /// Killed by the kernel because memory ran out, according to the kernel's record.
    OutOfMemory,
    /// The test itself said that it does not apply here.
    Skipped,
    /// Sequential mode only: an earlier chapter died (censored).
    Unreached,
    /// The process could not be started, or its device does not exist.
    NotStarted,
    /// A signal stopped the run: Ctrl-C, or an engine at its time limit.
    Interrupted,
    /// Started, but the supervisor or the machine died before the end was recorded.
    #[default]
    Lost,
}

impl Outcome {
    /// All outcomes, in the order that reports use.
    pub const ALL: [Outcome; 10] = *Outcome::VARIANTS.first_chunk().unwrap();

    /// Returns whether an attempt with this outcome counts in the denominator of a rate.
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

    /// Returns whether the process died or had to be killed.
    pub fn is_death(self) -> bool {
        matches!(
            self,
            Outcome::Crashed | Outcome::TimedOut | Outcome::OutOfMemory
        )
    }

    /// Returns whether the round is complete: the measurement was made, whatever its result.
    pub fn is_measured(self) -> bool {
        self.counts() || matches!(self, Outcome::Skipped | Outcome::Unreached)
    }

    /// Returns whether nothing went wrong: it passed, or was skipped.
    pub fn is_good(self) -> bool {
        matches!(self, Outcome::Passed | Outcome::Skipped)
    }

    /// Returns the name used in journals and reports.
    pub fn word(self) -> &'static str {
        self.into()
    }

    /// Parses the name of an outcome.
    pub fn from_word(word: &str) -> Option<Outcome> {
        word.parse().ok()
    }
}

/// A set of outcomes, such as the suite's `bad`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct OutcomeSet(Vec<Outcome>);

impl OutcomeSet {
    /// Creates a set.
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

    /// Iterates over the set in the usual order.
    pub fn iter(&self) -> impl Iterator<Item = Outcome> + '_ {
        self.0.iter().copied()
    }
}

impl Default for OutcomeSet {
    /// The default of `bad`: crashed, timed-out, out-of-memory.
    fn default() -> Self {
        OutcomeSet::new([Outcome::Crashed, Outcome::TimedOut, Outcome::OutOfMemory])
    }
}

/// How a process ended, as reported by the operating system. A signal is never folded into an exit
/// code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// It died by this signal, given by name (`SIGSEGV`) because numbers differ between platforms.
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DiedIn {
    /// In this chapter: it had started and not ended.
    Chapter(String),
    /// Before the first chapter or between two; no chapter is blamed.
    Between,
    /// After the last verdict; no chapter is blamed.
    Exit,
}

impl DiedIn {
    /// Returns the name of the place in reports: the chapter's id, `between` or `exit`.
    ///
    /// A chapter whose id is one of these two words, or begins with `chapter:`, has `chapter:`
    /// before its id, so that all places have different names.
    pub fn key(&self) -> String {
        match self {
            DiedIn::Between => "between".to_owned(),
            DiedIn::Exit => "exit".to_owned(),
            DiedIn::Chapter(id)
                if matches!(id.as_str(), "between" | "exit") || id.starts_with("chapter:") =>
            {
                format!("chapter:{id}")
            }
            DiedIn::Chapter(id) => id.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_deaths_have_different_keys() {
        let key = |id: &str| DiedIn::Chapter(id.to_owned()).key();
        let ids = [
            "between",
            "exit",
            "chapter:exit",
            "chapter:chapter:exit",
            "Exit",
        ];
        let mut keys: Vec<_> = ids.map(key).into();
        assert_eq!(keys[0], "chapter:between");
        assert_eq!(keys[4], "Exit");
        keys.extend([DiedIn::Between.key(), DiedIn::Exit.key()]);
        let all: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(all.len(), keys.len(), "{keys:?}");
    }
}
