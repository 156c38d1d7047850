//! The suite: what a TOML file says, resolved once. Later code sees only the resolved form.

mod by_id;
mod error;
mod judged;
mod path_text;
mod process;
mod raw;
mod resolve;
mod resources;
mod spawn;
mod values;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crashrate_model::{Baseline, Gate, Mode, OutcomeSet, Recommendation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fault::SuiteFault;

pub(crate) use by_id::ById;
pub(crate) use error::Source;
pub use error::SuiteError;
pub use process::{DescendantCrash, ProcessOptions};
pub(crate) use resolve::read_text;
pub use resources::ResourceLimits;
pub(crate) use resources::bytes_text;
pub use spawn::Spawning;
pub(crate) use words::word_of_text;
pub use words::word_to_text;

/// The variant that changes nothing.
pub const DEFAULT_VARIANT: &str = "default";

/// A resolved suite: every default filled in, every path absolute, every reference checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suite {
    /// Its name, also in the history.
    pub name: String,
    /// The file it came from; nothing for a command given on the command line.
    #[serde(with = "path_text::option", default)]
    pub file: Option<PathBuf>,
    /// The device asked for: `auto`, `mps`, `cuda`, `cuda:N` or `cpu`.
    pub device: String,
    /// Which outcomes the crash rate counts.
    pub bad: OutcomeSet,
    /// The worker that the suite names, absolute where it has a path.
    #[serde(with = "path_text::option", default)]
    pub worker: Option<PathBuf>,
    /// What its worker chapters are told to inject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<SuiteFault>,
    /// The record that it repeats. It changes nothing that is run, so it is no part of the plan: the run's own record has
    /// it.
    #[serde(skip)]
    pub baseline: Option<Box<Baseline>>,
    /// Whether chapters on CUDA may be forked, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fork_cuda: bool,
    /// How much of the machine an attempt may use.
    #[serde(default, skip_serializing_if = "ResourceLimits::is_none")]
    pub limits: ResourceLimits,
    /// What is around chapters in a sequence: time limit, grace, directory.
    pub sequence_timing: Timing,
    /// How the processes of sequences are set up and judged.
    #[serde(default, skip_serializing_if = "ProcessOptions::is_usual")]
    pub process: ProcessOptions,
    /// The variants; the first is always the default one, which changes nothing.
    pub variants: Vec<Variant>,
    /// The chapters, in the order of the file.
    pub chapters: Vec<Chapter>,
    /// The sequences, in the order of the file.
    pub sequences: Vec<Sequence>,
    /// The limits that its rates have to stay below, under every variant.
    #[serde(default)]
    pub gates: Vec<Gate>,
    /// What the report ends with.
    #[serde(default)]
    pub recommendations: Vec<Recommendation>,
}

/// How long and where something runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// How long it may take before it is killed.
    #[serde(with = "duration_text")]
    pub timeout: Duration,
    /// How long it has between SIGTERM and SIGKILL.
    #[serde(with = "duration_text")]
    pub grace: Duration,
    /// Where it runs; absolute.
    #[serde(with = "path_text")]
    pub directory: PathBuf,
}

/// One chapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chapter {
    /// Its id, unique in the suite.
    pub id: String,
    /// The modes it runs in.
    pub modes: Vec<Mode>,
    /// How many isolated rounds.
    pub rounds: u32,
    /// How often a round that did not pass is tried again.
    pub retries: u32,
    /// Time limit, grace and directory.
    pub timing: Timing,
    /// How much of the machine an isolated attempt of it may use; in a sequence the suite's own hold.
    #[serde(default, skip_serializing_if = "ResourceLimits::is_none")]
    pub limits: ResourceLimits,
    /// Environment on top of the supervisor's own.
    pub env: BTreeMap<String, String>,
    /// What its measures have to be.
    pub expect: Vec<Expect>,
    /// What it runs.
    pub action: Action,
    /// How its isolated processes are set up and judged.
    #[serde(default, skip_serializing_if = "ProcessOptions::is_usual")]
    pub process: ProcessOptions,
    /// How its isolated processes come to be.
    #[serde(default, skip_serializing_if = "Spawning::is_usual")]
    pub spawning: Spawning,
}

/// What a chapter runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A built-in chapter of the worker.
    Worker {
        /// Its name in the worker.
        chapter: String,
        /// Its parameters.
        params: Map<String, Value>,
    },
    /// Any command: the program and its arguments.
    Command(Vec<String>),
}

/// Chapters that share one process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its id, unique among the sequences.
    pub id: String,
    /// How many rounds.
    pub rounds: u32,
    /// How often a round that did not pass is tried again.
    pub retries: u32,
    /// The ids of its chapters, in order.
    pub chapters: Vec<String>,
    /// A program of one's own that runs it, told by the task line.
    pub command: Option<Vec<String>>,
    /// How its processes come to be.
    #[serde(default, skip_serializing_if = "Spawning::is_usual")]
    pub spawning: Spawning,
    /// Environment on top of the supervisor's own.
    pub env: BTreeMap<String, String>,
}

/// A named change of environment or worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Its id.
    pub id: String,
    /// Another build of the worker, absolute where it has a path.
    #[serde(with = "path_text::option", default)]
    pub worker: Option<PathBuf>,
    /// Environment on top of everything else's.
    pub env: BTreeMap<String, String>,
}

/// What a measure of a chapter has to be; a miss makes the round `failed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expect {
    /// The measure's name.
    pub measure: String,
    /// Its label; empty for the one without.
    #[serde(default)]
    pub label: String,
    /// The largest value that is right.
    pub at_most: Option<f64>,
    /// The smallest value that is right.
    pub at_least: Option<f64>,
    /// The kinds of device it holds on; empty for all.
    #[serde(default)]
    pub on: Vec<String>,
}

impl Suite {
    /// Reads and resolves a suite file.
    ///
    /// # Errors
    /// The file cannot be read or says something that is no suite: one message with file and line.
    pub fn read(path: &Path) -> Result<Suite, SuiteError> {
        resolve::read(path)
    }

    /// Resolves the text of a suite as if it stood in the file `path`, which need not be there.
    ///
    /// # Errors
    /// It says something that is no suite: one message with file and line.
    pub fn parse(text: &str, path: &Path) -> Result<Suite, SuiteError> {
        resolve::parse(text, path)
    }

    /// A suite of one chapter that runs a command, for `crashrate run -- COMMAND`.
    ///
    /// # Errors
    /// The program does not exist.
    pub fn of_command(argv: &[String], rounds: u32) -> Result<Suite, SuiteError> {
        resolve::of_command(argv, rounds)
    }

    /// The chapter of that id.
    pub fn chapter(&self, id: &str) -> Option<&Chapter> {
        self.chapters.iter().find(|c| c.id == id)
    }
}

/// Whether a text names a device: `auto`, `mps`, `cuda`, `cuda:N` or `cpu`.
pub fn is_device(text: &str) -> bool {
    matches!(text, "auto" | "mps" | "cuda" | "cpu")
        || text
            .strip_prefix("cuda:")
            .is_some_and(|n| n.parse::<u8>().is_ok())
}

/// Durations as people write them (`90s`, `10m`).
mod duration_text {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(d: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&humantime::format_duration(*d))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        humantime::parse_duration(&String::deserialize(d)?).map_err(D::Error::custom)
    }
}
