//! How crash evidence is obtained: evidence modes, evidence rounds, crashes of descendants.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;
use strum::{Display, IntoStaticStr};

use crate::{Exit, Outcome};

/// How an attempt is watched for crash evidence. Attempts that were watched differently are never
/// pooled in one rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(Serialize, Deserialize, JsonSchema, Display, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum EvidenceMode {
    /// The attempt runs unobserved.
    #[default]
    None,
    /// The kernel writes a core dump if it dies.
    Core,
    /// A tracer (ptrace) follows it and its descendants.
    Trace,
}

impl EvidenceMode {
    /// Returns the name used in journals and reports.
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// A crash's signature, and the file that holds the details.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CrashRef {
    /// Its signature: `v1 | class | frames`.
    pub signature: String,
    /// The crash file, relative to the run folder, if saved.
    pub file: Option<String>,
}

/// A descendant of an attempt's process that died by a crash signal which neither crashrate nor one
/// of its ancestors sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Descendant {
    /// The program name.
    pub program: String,
    /// The signal name.
    pub signal: String,
    /// The signature and crash file.
    pub crash: CrashRef,
    /// How many descendants of the attempt died this way.
    pub times: u32,
}

/// A traced attempt made after the counted rounds, for crashes that left no evidence. Not counted
/// in any rate.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceRound {
    /// Seconds since `opened`.
    pub at: f64,
    /// Index into the run's units.
    pub unit: u32,
    /// The round that it repeats, with the same number and seed.
    pub round: u32,
    /// Run time, in seconds.
    pub secs: f64,
    /// The outcome, by the same rules as for a counted attempt.
    pub outcome: Outcome,
    /// How the process ended.
    pub exit: Option<Exit>,
    /// The reason, for people.
    pub reason: Option<String>,
    /// The crash or hang.
    pub crash: Option<CrashRef>,
    /// Crashes of its descendants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub descendants: Vec<Descendant>,
    /// Other observations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}
