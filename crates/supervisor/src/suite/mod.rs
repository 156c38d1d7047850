//! The suite: what a TOML file says, resolved once. Later code sees only the resolved form.

mod error;
mod options;
mod raw;
mod resolve;
mod tests;
mod text;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crashrate_adapters::{ExitCodes, Framework, Group, TestList};
use crashrate_model::{Baseline, Gate, Mode, OutcomeSet, Perturbations, Recommendation, Unit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::serde_as;

use crate::build::{Origin, Source};
use crate::fault::SuiteFault;
use crate::toml_file;

pub use error::SuiteError;
pub use options::{DescendantCrash, ProcessOptions, ResourceLimits, Spawning, Timing, bytes_text};
pub(crate) use tests::Expanded;
pub use tests::{ChapterOrder, TestOf, TestSource};
pub(crate) use text::PathText;
pub(crate) use text::word_of_text;
pub use text::word_to_text;

pub use crashrate_model::DEFAULT_VARIANT;

/// A resolved suite: every default filled in, every path absolute, every reference checked.
#[serde_as]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suite {
    /// Its name, also in `crashrate history`.
    pub name: String,
    /// Its file; `None` for a command given on the command line.
    #[serde_as(as = "Option<PathText>")]
    pub file: Option<PathBuf>,
    /// The requested device: `auto`, `mps`, `cuda`, `cuda:N`, `cuda:*` or `cpu`.
    pub device: String,
    /// Which outcomes the crash rate counts.
    pub bad: OutcomeSet,
    /// The worker that the suite names, absolute where it has a path.
    #[serde_as(as = "Option<PathText>")]
    pub worker: Option<PathBuf>,
    /// The fault that its worker chapters inject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<SuiteFault>,
    /// The published report that its runs are compared with. It changes nothing that is run, so it
    /// is not part of the plan; `RunInfo` records it.
    #[serde(skip)]
    pub baseline: Option<Box<Baseline>>,
    /// Whether chapters on CUDA may be forked too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fork_cuda: bool,
    /// Whether crashrate adds variables of its own to the environment of Python commands.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub additions: bool,
    /// The command that ends with exit code 0 if a device works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Vec<String>>,
    /// The folder of the Python package, which is added to the environment of Python commands.
    #[serde_as(as = "Option<PathText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python_package: Option<PathBuf>,
    /// The folder of kept builds, if a variant needs one.
    #[serde_as(as = "Option<PathText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builds: Option<PathBuf>,
    /// How much of the machine an attempt may use.
    #[serde(default, skip_serializing_if = "ResourceLimits::is_none")]
    pub limits: ResourceLimits,
    /// Time limit between chapters, grace and directory of sequences.
    pub sequence_timing: Timing,
    /// Options of the processes of sequences.
    #[serde(default, skip_serializing_if = "ProcessOptions::is_default")]
    pub process: ProcessOptions,
    /// The variants. The first is the default one, which changes nothing.
    pub variants: Vec<Variant>,
    /// The commands whose tests are chapters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<TestSource>,
    /// The chapters, in the order of the file; those of frameworks follow.
    pub chapters: Vec<Chapter>,
    /// The sequences, in the order of the file.
    pub sequences: Vec<Sequence>,
    /// Limits on its rates, under every variant.
    #[serde(default)]
    pub gates: Vec<Gate>,
    /// Recommendations of the report, each with its condition.
    #[serde(default)]
    pub recommendations: Vec<Recommendation>,
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
    /// Limits of its isolated attempts; in a sequence the suite's limits apply.
    #[serde(default, skip_serializing_if = "ResourceLimits::is_none")]
    pub limits: ResourceLimits,
    /// Variables added to the supervisor's environment.
    pub env: BTreeMap<String, String>,
    /// Expected values of its measures.
    pub expect: Vec<Expect>,
    /// What it runs.
    pub action: Action,
    /// What the exit codes of its isolated processes mean.
    #[serde(default, skip_serializing_if = "ExitCodes::is_default")]
    pub exit_codes: ExitCodes,
    /// The test that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestOf>,
    /// Options of its isolated processes.
    #[serde(default, skip_serializing_if = "ProcessOptions::is_default")]
    pub process: ProcessOptions,
    /// Whether its isolated processes are executed or forked.
    #[serde(default, skip_serializing_if = "Spawning::is_default")]
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
    /// In which order a round runs them.
    #[serde(default, skip_serializing_if = "ChapterOrder::is_given")]
    pub order: ChapterOrder,
    /// The user's program that runs it in place of the worker; it reads the task line.
    pub command: Option<Vec<String>>,
    /// Whether its processes are executed or forked.
    #[serde(default, skip_serializing_if = "Spawning::is_default")]
    pub spawning: Spawning,
    /// Variables added to the supervisor's environment.
    pub env: BTreeMap<String, String>,
    /// What the exit codes of its processes mean.
    #[serde(default, skip_serializing_if = "ExitCodes::is_default")]
    pub exit_codes: ExitCodes,
    /// Its own timing, in place of the suite's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// The program whose tests its chapters are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
}

/// A named change of what runs.
#[serde_as]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Its id.
    pub id: String,
    /// Another build of the worker, absolute where it has a path.
    #[serde_as(as = "Option<PathText>")]
    pub worker: Option<PathBuf>,
    /// Variables that override all others.
    pub env: BTreeMap<String, String>,
    /// The program and its arguments, in place of the suite's command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// The working directory, in place of all others.
    #[serde_as(as = "Option<PathText>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// What is built or installed before it is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What is done to its attempts so that they crash more often.
    #[serde(default, skip_serializing_if = "Perturbations::is_none")]
    pub perturb: Perturbations,
}

/// Expected range of a measure; a value outside makes the round `failed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The measure's name.
    pub measure: String,
    /// Its label; empty for a measure without one.
    #[serde(default)]
    pub label: String,
    /// Largest expected value.
    pub at_most: Option<f64>,
    /// Smallest expected value.
    pub at_least: Option<f64>,
    /// Device kinds on which it applies; empty for all.
    #[serde(default)]
    pub on: Vec<String>,
}

fn yes() -> bool {
    true
}

/// The JSON Schema of a suite file.
pub fn schema() -> schemars::Schema {
    schemars::schema_for!(raw::File)
}

/// Lists the tests of a command. The error is for people.
pub type Lister<'a> = &'a dyn Fn(&TestSource) -> Result<TestList, String>;

impl Suite {
    /// Reads and resolves a suite file. `lister` lists the tests of its `[[tests]]`.
    ///
    /// # Errors
    /// The file cannot be read or is not a valid suite, or its tests cannot be listed: one message
    /// with file and line.
    pub fn read(path: &Path, lister: Lister<'_>) -> Result<Suite, SuiteError> {
        Suite::parse(&toml_file::read_text(path, "suite")?, path, lister)
    }

    /// What is built before a variant is measured.
    pub(crate) fn source(&self, variant: &Variant) -> Option<Source> {
        let origin = variant.origin.clone()?;
        Some(Source::new(origin, self.builds.as_ref()?))
    }

    /// The variant of that id.
    pub fn variant(&self, id: &str) -> Option<&Variant> {
        self.variants.iter().find(|v| v.id == id)
    }

    /// The chapter of that id.
    pub fn chapter(&self, id: &str) -> Option<&Chapter> {
        self.chapters.iter().find(|c| c.id == id)
    }
}

impl Chapter {
    /// What the worker is told of it: the name of its built-in chapter, and the parameters.
    pub(crate) fn task(&self) -> (Option<String>, Map<String, Value>) {
        match &self.action {
            Action::Worker { chapter, params } => (Some(chapter.clone()), params.clone()),
            // The plugin of pytest needs the name of a test whose id differs.
            Action::Command(_) => {
                let name = self.test.as_ref().map(|test| &test.name);
                let name = name.filter(|name| **name != self.id);
                let name = name.map(|name| ("name".to_owned(), Value::from(name.clone())));
                (None, name.into_iter().collect())
            }
        }
    }

    /// Its command; `None` if the worker runs it.
    pub fn command(&self) -> Option<&[String]> {
        match &self.action {
            Action::Command(command) => Some(command),
            Action::Worker { .. } => None,
        }
    }
}

/// The settings of a unit's processes, which its chapter or its sequence has.
#[derive(Clone, Copy)]
pub(crate) struct UnitSettings<'a> {
    pub(crate) retries: u32,
    pub(crate) timing: &'a Timing,
    pub(crate) limits: ResourceLimits,
    pub(crate) process: ProcessOptions,
    pub(crate) env: &'a BTreeMap<String, String>,
    pub(crate) spawning: Spawning,
    /// `None` if the worker runs it.
    pub(crate) command: Option<&'a [String]>,
    pub(crate) exit_codes: &'a ExitCodes,
    pub(crate) framework: Option<Framework>,
    pub(crate) order: ChapterOrder,
    /// Variables that its processes do not inherit.
    pub(crate) unset: Option<&'a BTreeSet<String>>,
}

impl UnitSettings<'_> {
    /// Whether its processes can be forked.
    pub(crate) fn can_fork(&self) -> bool {
        self.spawning.zygote || self.command.is_none()
    }
}

/// Chapters and sequences by id: a plan looks up each of possibly thousands.
#[derive(Clone, Debug)]
pub(crate) struct ById<'a> {
    suite: &'a Suite,
    chapters: HashMap<&'a str, &'a Chapter>,
    sequences: HashMap<&'a str, &'a Sequence>,
}

impl<'a> ById<'a> {
    pub(crate) fn of(suite: &'a Suite) -> ById<'a> {
        ById {
            suite,
            chapters: suite.chapters.iter().map(|c| (c.id.as_str(), c)).collect(),
            sequences: (suite.sequences.iter().map(|s| (s.id.as_str(), s))).collect(),
        }
    }

    pub(crate) fn chapter(&self, id: &str) -> Option<&'a Chapter> {
        self.chapters.get(id).copied()
    }

    /// The sequence that a unit runs.
    pub(crate) fn sequence(&self, unit: &Unit) -> Option<&'a Sequence> {
        let is_sequence = unit.mode == Mode::Sequential;
        let found = is_sequence.then(|| self.sequences.get(unit.name.as_str()));
        found.flatten().copied()
    }

    /// The settings of a unit's processes.
    pub(crate) fn settings(&self, unit: &Unit) -> Option<UnitSettings<'a>> {
        match unit.mode {
            Mode::Isolated => self.chapter(&unit.name).map(|chapter| UnitSettings {
                retries: chapter.retries,
                timing: &chapter.timing,
                limits: chapter.limits,
                process: chapter.process,
                env: &chapter.env,
                spawning: chapter.spawning,
                command: chapter.command(),
                exit_codes: &chapter.exit_codes,
                framework: chapter.test.as_ref().map(|test| test.framework),
                order: ChapterOrder::Given,
                unset: chapter.test.as_ref().map(|test| &test.unset),
            }),
            Mode::Sequential => {
                self.sequences
                    .get(unit.name.as_str())
                    .map(|sequence| UnitSettings {
                        retries: sequence.retries,
                        timing: (sequence.timing.as_ref()).unwrap_or(&self.suite.sequence_timing),
                        limits: self.suite.limits,
                        process: self.suite.process,
                        env: &sequence.env,
                        spawning: sequence.spawning,
                        command: sequence.command.as_deref(),
                        exit_codes: &sequence.exit_codes,
                        framework: sequence.group.as_ref().map(|group| group.framework),
                        order: sequence.order,
                        unset: sequence.group.as_ref().map(|group| &group.program.unset),
                    })
            }
        }
    }
}
