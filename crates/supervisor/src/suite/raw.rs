//! The suite file as it is written: spans kept, only names and types of keys checked.

use std::collections::BTreeMap;

use crate::toml_file::Spanned;
use crashrate_model::{Mode, Outcome, Perturbations, Spawn};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What `from` of `[[tests]]` may be.
const FRAMEWORKS: [&str; 7] = [
    "auto", "pytest", "gtest", "catch2", "libtest", "ctest", "go",
];

/// A suite: chapters or tests, and how they are measured.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The name of the suite, and what holds for all of it.
    pub(super) suite: Option<Head>,
    /// The defect that the worker injects.
    pub(super) fault: Option<crate::fault::Section>,
    /// Resource limits of every attempt.
    pub(super) limits: Option<ResourceLimits>,
    /// Settings of every chapter and sequence that has none of its own.
    #[serde(default)]
    pub(super) defaults: Settings,
    /// Tests with a name.
    #[serde(default)]
    pub(super) chapter: Vec<Chapter>,
    /// Chapters that a test framework lists.
    #[serde(default)]
    pub(super) tests: Vec<Tests>,
    /// Chapters that share one process in sequential mode.
    #[serde(default)]
    pub(super) sequence: Vec<Sequence>,
    /// Changes under which the same suite runs.
    #[serde(default)]
    pub(super) variant: Vec<Variant>,
    /// Upper bounds of crash rates.
    #[serde(default)]
    pub(super) gate: Vec<Gate>,
    /// Texts that a report shows under a condition.
    #[serde(default)]
    pub(super) recommendation: Vec<Recommendation>,
}

/// The name of a suite, and what holds for all of it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// The name in reports and in the history.
    pub(super) name: Spanned<String>,
    /// The device: `auto`, `mps`, `cuda`, `cuda:N`, `cuda:*` or `cpu`.
    pub(super) device: Option<Spanned<String>>,
    /// The outcomes that the crash rate counts.
    #[schemars(with = "Option<Vec<Outcome>>")]
    pub(super) bad: Option<Vec<Spanned<String>>>,
    /// The worker program; a path is relative to the suite file.
    pub(super) worker: Option<String>,
    /// A published report to compare with, relative to the suite file.
    pub(super) baseline: Option<Spanned<String>>,
    /// Whether crashrate adds variables of its own to the environment of Python commands.
    pub(super) additions: Option<bool>,
    /// A command that asks the device whether it works, after a crash or at a time limit: exit code
    /// 0 means that it does.
    #[schemars(length(min = 1))]
    pub(super) probe: Option<Spanned<Vec<String>>>,
    /// Whether `spawn = "fork"` may be used on CUDA.
    pub(super) fork_cuda: Option<bool>,
    /// What the crash of a descendant does: `count` makes the attempt `crashed`, `note` only notes
    /// it.
    #[schemars(extend("enum" = ["count", "note"]))]
    pub(super) descendants: Option<Spanned<String>>,
}

/// Resource limits of an attempt.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ResourceLimits {
    /// Most memory, such as `2GiB`.
    pub(super) memory: Option<Spanned<String>>,
    /// Most processes at the same time.
    #[schemars(range(min = 1))]
    pub(super) processes: Option<Spanned<i64>>,
    /// Most CPU time, such as `5m`.
    pub(super) cpu: Option<Spanned<String>>,
    /// Largest file that an attempt may write, such as `1GiB`.
    pub(super) file_size: Option<Spanned<String>>,
}

/// Settings of every chapter and sequence that has none of its own.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// Planned measurements; 10 by default.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    pub(super) rounds: Option<Spanned<i64>>,
    /// Time limit, such as `90s`, `10m` or `1h 30m`.
    pub(super) timeout: Option<Spanned<String>>,
    /// Time between SIGTERM and SIGKILL at the time limit.
    pub(super) grace: Option<Spanned<String>>,
    /// Further attempts of a round that did not pass; the crash rate ignores them.
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    pub(super) retries: Option<Spanned<i64>>,
    /// Environment variables on top of crashrate's own.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Working directory, relative to the suite file.
    pub(super) directory: Option<Spanned<String>>,
    /// Whether each attempt runs in an empty directory, which is removed afterwards.
    pub(super) fresh_directory: Option<bool>,
    /// What the crash of a descendant does: `count` makes the attempt `crashed`, `note` only notes
    /// it.
    #[schemars(extend("enum" = ["count", "note"]))]
    pub(super) descendants: Option<Spanned<String>>,
    /// `fork` forks the process from one that has loaded the program.
    #[schemars(with = "Option<Spawn>")]
    pub(super) spawn: Option<Spanned<String>>,
}

/// A test with a name: a chapter of the worker, or any command.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Chapter {
    /// Its unique name.
    #[schemars(length(min = 1, max = 400))]
    pub(super) id: Spanned<String>,
    /// A built-in chapter of the worker.
    pub(super) worker: Option<String>,
    /// The program and its arguments.
    #[schemars(length(min = 1))]
    pub(super) command: Option<Spanned<Vec<String>>>,
    /// Parameters of the worker's chapter.
    pub(super) params: Option<Spanned<Map<String, Value>>>,
    /// The modes in which it runs.
    #[schemars(with = "Option<Vec<Mode>>")]
    pub(super) modes: Option<Spanned<Vec<Spanned<String>>>>,
    /// `fork` forks the process from one that has loaded the program.
    #[schemars(with = "Option<Spawn>")]
    pub(super) spawn: Option<Spanned<String>>,
    /// Whether the command links `crashrate-zygote` and can be forked.
    pub(super) zygote: Option<Spanned<bool>>,
    /// Resource limits of its attempts.
    pub(super) limits: Option<ResourceLimits>,
    /// Expected ranges of its measures.
    #[serde(default)]
    pub(super) expect: Vec<Spanned<super::Expect>>,
    /// Planned measurements; 10 by default.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    pub(super) rounds: Option<Spanned<i64>>,
    /// Time limit, such as `90s`, `10m` or `1h 30m`.
    pub(super) timeout: Option<Spanned<String>>,
    /// Time between SIGTERM and SIGKILL at the time limit.
    pub(super) grace: Option<Spanned<String>>,
    /// Further attempts of a round that did not pass; the crash rate ignores them.
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    pub(super) retries: Option<Spanned<i64>>,
    /// Environment variables on top of crashrate's own.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Working directory, relative to the suite file.
    pub(super) directory: Option<Spanned<String>>,
    /// Whether each attempt runs in an empty directory, which is removed afterwards.
    pub(super) fresh_directory: Option<bool>,
    /// What the crash of a descendant does: `count` makes the attempt `crashed`, `note` only notes
    /// it.
    #[schemars(extend("enum" = ["count", "note"]))]
    pub(super) descendants: Option<Spanned<String>>,
    /// Whether its standard streams are a terminal.
    pub(super) pty: Option<Spanned<bool>>,
    /// Exit codes that mean more than failure.
    #[serde(default)]
    pub(super) exit_codes: ExitCodes,
}

/// Chapters that share one process in sequential mode.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sequence {
    /// Its unique name.
    #[schemars(length(min = 1, max = 400))]
    pub(super) id: Spanned<String>,
    /// The ids of its chapters, in order.
    #[schemars(length(min = 1))]
    pub(super) chapters: Spanned<Vec<Spanned<String>>>,
    /// The order of the chapters in a round.
    #[schemars(with = "Option<super::ChapterOrder>")]
    pub(super) order: Option<Spanned<String>>,
    /// Planned measurements; 10 by default.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    pub(super) rounds: Option<Spanned<i64>>,
    /// Further attempts of a round that did not pass; the crash rate ignores them.
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    pub(super) retries: Option<Spanned<i64>>,
    /// A program that runs the sequence in place of the worker.
    #[schemars(length(min = 1))]
    pub(super) command: Option<Spanned<Vec<String>>>,
    /// `fork` forks the process from one that has loaded the program.
    #[schemars(with = "Option<Spawn>")]
    pub(super) spawn: Option<Spanned<String>>,
    /// Whether the command links `crashrate-zygote` and can be forked.
    pub(super) zygote: Option<Spanned<bool>>,
    /// Environment variables on top of crashrate's own.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Exit codes that mean more than failure.
    #[serde(default)]
    pub(super) exit_codes: ExitCodes,
}

/// Chapters that a test framework lists.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tests {
    /// The framework; `auto` asks the command.
    #[schemars(extend("enum" = FRAMEWORKS))]
    pub(super) from: Spanned<String>,
    /// The command that runs the tests.
    #[schemars(length(min = 1))]
    pub(super) command: Spanned<Vec<String>>,
    /// Patterns of tests to run; those that begin with `-` leave tests out.
    #[serde(default)]
    pub(super) select: Vec<String>,
    /// Whether each test runs in its own process.
    pub(super) isolated: Option<bool>,
    /// The id of the sequence that runs the tests in one process.
    pub(super) sequence: Option<Spanned<String>>,
    /// The order of the chapters in a round.
    #[schemars(with = "Option<super::ChapterOrder>")]
    pub(super) order: Option<Spanned<String>>,
    /// Resource limits of its attempts.
    pub(super) limits: Option<ResourceLimits>,
    /// Planned measurements; 10 by default.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    pub(super) rounds: Option<Spanned<i64>>,
    /// Time limit, such as `90s`, `10m` or `1h 30m`.
    pub(super) timeout: Option<Spanned<String>>,
    /// Time between SIGTERM and SIGKILL at the time limit.
    pub(super) grace: Option<Spanned<String>>,
    /// Further attempts of a round that did not pass; the crash rate ignores them.
    #[schemars(range(min = 0, max = 4_294_967_295_u32))]
    pub(super) retries: Option<Spanned<i64>>,
    /// Environment variables on top of crashrate's own.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Working directory, relative to the suite file.
    pub(super) directory: Option<Spanned<String>>,
    /// Whether each attempt runs in an empty directory, which is removed afterwards.
    pub(super) fresh_directory: Option<bool>,
    /// What the crash of a descendant does: `count` makes the attempt `crashed`, `note` only notes
    /// it.
    #[schemars(extend("enum" = ["count", "note"]))]
    pub(super) descendants: Option<Spanned<String>>,
    /// Whether its standard streams are a terminal.
    pub(super) pty: Option<Spanned<bool>>,
    /// Exit codes that mean more than failure.
    #[serde(default)]
    pub(super) exit_codes: ExitCodes,
}

/// Exit codes that mean more than failure.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExitCodes {
    /// Exit codes that mean a crash.
    #[serde(default)]
    pub(super) crashed: Vec<Spanned<i64>>,
    /// Exit codes that mean that the test was skipped.
    #[serde(default)]
    pub(super) skipped: Vec<Spanned<i64>>,
}

/// A change under which the same suite runs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Variant {
    /// Its unique name.
    #[schemars(length(min = 1, max = 400))]
    pub(super) id: Spanned<String>,
    /// Environment variables that override all others.
    #[serde(default)]
    pub(super) env: BTreeMap<String, String>,
    /// Another build of the worker.
    pub(super) worker: Option<String>,
    /// The program and its arguments, in place of the suite's only command.
    #[schemars(length(min = 1))]
    pub(super) command: Option<Spanned<Vec<String>>>,
    /// Working directory, relative to the suite file, in place of all others.
    pub(super) directory: Option<Spanned<String>>,
    /// A revision of the repository that the suite file is in. It is measured in a worktree.
    pub(super) revision: Option<Spanned<String>>,
    /// The program that builds the revision, with its arguments. It runs in the worktree, in the
    /// folder of the suite file.
    #[schemars(length(min = 1))]
    pub(super) build: Option<Spanned<Vec<String>>>,
    /// Python packages, as pip reads them, that are installed in a virtual environment.
    #[schemars(length(min = 1))]
    pub(super) pip: Option<Spanned<Vec<String>>>,
    /// What is done to its attempts so that they crash more often, such as `stops+malloc`.
    #[schemars(with = "Option<Perturbations>")]
    pub(super) perturb: Option<Spanned<String>>,
}

/// A text that a report shows under a condition.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Recommendation {
    /// The text.
    pub(super) text: String,
    /// The condition, such as `crashed > 0 in complete-story`.
    pub(super) when: Option<Spanned<String>>,
}

/// An upper bound of a crash rate.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Gate {
    /// The chapter; a gate names either a chapter or a sequence.
    pub(super) chapter: Option<Spanned<String>>,
    /// The sequence.
    pub(super) sequence: Option<Spanned<String>>,
    /// The bound, such as `crashed < 1%`.
    pub(super) require: Spanned<String>,
}
