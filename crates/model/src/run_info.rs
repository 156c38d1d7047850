//! What is known about a run besides its attempts, and published reports, which are runs that
//! others measured.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{
    ChapterFacts, Device, Ended, EvidenceMode, Finding, Hello, Merged, OutcomeSet, Recommendation,
    Shard, Stopping, Unit,
};

/// What a report needs to know about a run besides its attempts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// The run's id, which is also the name of its folder.
    pub id: String,
    /// The report number N.
    pub number: u32,
    /// The suite's name.
    pub suite: String,
    /// The seed of block orders and of the rounds' own seeds.
    pub seed: u64,
    /// The requested device, such as `auto` or `cpu`. [`Hello`] holds the one used.
    pub device: String,
    /// How many attempts may run at the same time.
    pub jobs: u32,
    /// How many times a round that did not pass is retried.
    pub retries: u32,
    /// The outcomes that the crash rate counts.
    pub bad: OutcomeSet,
    /// The injected fault, if any, as in the suite.
    pub fault: Option<serde_json::Value>,
    /// How counted rounds are watched.
    pub evidence: EvidenceMode,
    /// Whether traced evidence rounds, which are not counted, follow for units that crashed.
    pub evidence_rounds: bool,
    /// Properties of the machine: `os`, `host`, `cpu`, `crashrate`, and others where known.
    pub machine: BTreeMap<String, String>,
    /// When the run stops by itself.
    pub stopping: Stopping,
    /// The number of rounds that may fail before no more are started.
    pub max_failures: Option<u32>,
    /// The time after which no more rounds are started, in seconds.
    pub time_budget: Option<f64>,
    /// The non-inferiority margin: how much higher the second side's bad rate may be, as a share.
    pub not_worse_by: Option<f64>,
    /// The only round of each unit to run, when a round is repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_round: Option<u32>,
    /// The seed of the order in shuffled sequences, if it is not each round's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_seed: Option<u64>,
    /// The part of the plan that this run measures, if other machines measure the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// The shards of a merged run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<Merged>,
    /// The fingerprint of the plan, which all shards of a run share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The devices of this machine that the run measures on, where crashrate chooses them. Records
    /// refer to a device by its index in this list, or in the list of its shard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
    /// Facts about the chapters.
    pub chapters: Vec<ChapterFacts>,
    /// Findings about the machine before the run.
    pub findings: Vec<Finding>,
    /// The suite's recommendations.
    pub recommendations: Vec<Recommendation>,
    /// The resource limits of attempts, and the mechanism that enforces them.
    pub limits: BTreeMap<String, String>,
    /// The SHA-256 of each measured program by path, where readable.
    pub programs: BTreeMap<String, String>,
    /// Set if the run was imported: crashrate did not measure it.
    pub imported: Option<Imported>,
    /// The published report that the run is compared with, as it was when the run began.
    pub baseline: Option<Box<Baseline>>,
    /// The command that was given in place of a suite file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<GivenCommand>,
    /// What crashrate added to the environment of Python commands, by variable, beside its own
    /// `CRASHRATE_` variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub added_env: BTreeMap<String, String>,
    /// A hash of what each unit runs, in the order of `units`: its command or worker chapters,
    /// directory and environment. Empty for an imported run. Only units whose hashes agree are
    /// compared between runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<String>,
    /// What is measured. Records refer to a unit by its index in this list.
    pub units: Vec<Unit>,
}

impl RunInfo {
    /// How many rounds of a unit the run itself has to run: those of its shard, or the only one.
    pub fn planned_rounds(&self, unit: &Unit) -> u32 {
        match (self.only_round, self.shard) {
            (Some(round), _) => u32::from(unit.rounds >= round),
            (None, Some(shard)) => shard.rounds_of(unit.rounds),
            (None, None) => unit.rounds,
        }
    }

    /// The device that an attempt ran on, if crashrate chose it. A run that was resumed may have
    /// other devices since then: these are the facts of the part of the run that has the attempt.
    pub fn device_of(&self, ended: &Ended) -> Option<&Device> {
        match &self.merged {
            Some(merged) => merged.device_of(ended),
            None => self.devices.get(ended.device? as usize),
        }
    }
}

/// A command that was given in place of a suite file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct GivenCommand {
    /// Its words, quoted for a shell.
    pub line: String,
    /// The directory that it was given in.
    pub directory: String,
}

/// Whether two units of one name run the same thing, as far as their identities are known.
pub fn agree(one: Option<&str>, two: Option<&str>) -> bool {
    one.is_none() || two.is_none() || one == two
}

/// Marks a run as imported: crashrate did not measure it.
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema
)]
pub struct Imported {
    /// The imported file, as named by the user.
    pub file: String,
    /// Units (indices into [`RunInfo::units`]) of which only counts are known: their round numbers
    /// say nothing about order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order_unknown: Vec<u32>,
    /// The conclusions that the report draws from its numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
}

/// A conclusion that a report draws from its numbers. The numbers may or may not support it.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// The text in the report.
    pub text: String,
    /// The chapter that the claim is about.
    pub chapter: String,
    /// Earlier isolated rounds that the report's isolated rounds are compared with. Without them,
    /// the claim compares the chapter in sequence with the chapter isolated.
    pub before: Option<Earlier>,
}

/// Isolated rounds of a chapter in an earlier report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Earlier {
    /// The number N of the earlier report.
    pub number: u32,
    /// Bad rounds.
    pub bad: u32,
    /// All rounds.
    pub rounds: u32,
}

/// A published report: everything that its journal can hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    /// The date of the report; the time of day is unknown.
    pub date: String,
    /// The device and library versions.
    pub hello: Hello,
    /// The run; [`RunInfo::imported`] is set.
    pub run: RunInfo,
    /// The end of each round.
    pub rounds: Vec<Ended>,
}
