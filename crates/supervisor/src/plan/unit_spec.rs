//! The part of a spec that all attempts of a unit share.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crashrate_adapters::{ExitCodes, Framework};
use crashrate_model::Mode;

use crate::build::Source;
use crate::suite::{ChapterOrder, Expect, ProcessOptions, ResourceLimits};

/// The part that all attempts of a unit share.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitSpec {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Working directory.
    pub directory: PathBuf,
    /// Variables added to the supervisor's environment, without those that differ between attempts.
    pub env: BTreeMap<String, String>,
    /// Variables removed from the supervisor's environment.
    pub unset: BTreeSet<String>,
    /// Its chapters, in order, with the time limit of each.
    pub chapters: Vec<ChapterSpec>,
    /// Whether its chapters share the process.
    pub mode: Mode,
    /// The number of the core that its attempts share, before it is reduced to those that exist.
    /// `None`: they may use all.
    pub core: Option<u64>,
    /// Time limit outside of chapters: before the first, between two, after the last.
    pub timeout: Duration,
    /// Time between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// Resource limits.
    pub limits: ResourceLimits,
    /// Options of its processes.
    pub process: ProcessOptions,
    /// The command line of the zygote that it is forked from; `None` if it is executed.
    pub zygote: Option<Vec<String>>,
    /// The framework whose tests its chapters are.
    pub framework: Option<Framework>,
    /// In which order its chapters run.
    pub order: ChapterOrder,
    /// What exit codes mean.
    pub exit_codes: ExitCodes,
    /// Whether it reads its task from standard input.
    pub has_task: bool,
    /// Whether chapters must report a verdict; a plain command is judged by its exit status.
    pub needs_verdict: bool,
    /// What is built before its first round.
    pub source: Option<Arc<Source>>,
}

/// A chapter of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct ChapterSpec {
    /// Its id.
    pub id: String,
    /// The framework's name of the test that it is.
    pub test: Option<String>,
    /// Time limit.
    pub timeout: Duration,
    /// Expected values of its measures.
    pub expect: Vec<Expect>,
}
