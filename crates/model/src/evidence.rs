//! How the evidence of a crash is obtained, and what evidence rounds and descendants add to it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{CrashRef, Exit, Outcome};

/// How an attempt is watched for evidence of its death. Rates of attempts that were watched differently are never pooled.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceMode {
    /// Nothing is done to it.
    #[default]
    None,
    /// The kernel writes a core dump when it dies.
    Core,
    /// A tracer (ptrace) follows it and its descendants.
    Trace,
}

impl EvidenceMode {
    /// The word for it, as in journals and reports.
    pub fn word(self) -> &'static str {
        match self {
            EvidenceMode::None => "none",
            EvidenceMode::Core => "core",
            EvidenceMode::Trace => "trace",
        }
    }
}

impl fmt::Display for EvidenceMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The death of a descendant of an attempt's process by a signal that stands for a crash, which neither crashrate nor an
/// ancestor of it sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descendant {
    /// The name of its program.
    pub program: String,
    /// The signal's name.
    pub signal: String,
    /// What is known of the crash.
    pub crash: CrashRef,
    /// How many descendants of the attempt died so.
    pub times: u32,
}

/// A traced attempt made after the counted rounds, for evidence of deaths that left none. It is in no rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceRound {
    /// Seconds since `opened`.
    pub at: f64,
    /// Place in the run's list of units.
    pub unit: u32,
    /// The round that it repeats: the same number and seed.
    pub round: u32,
    /// From start to end, seconds.
    pub secs: f64,
    /// How it ended, judged as a counted attempt is.
    pub outcome: Outcome,
    /// How the process ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<Exit>,
    /// Why, in words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is known of its crash or hang.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<CrashRef>,
    /// Its descendants that crashed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub descendants: Vec<Descendant>,
    /// What else was seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}
