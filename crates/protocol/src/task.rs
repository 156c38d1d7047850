//! The task that a worker (or a sequence's own program) receives, the fault in it, and the worker's
//! list of chapters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The one line on a worker's standard input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// [`crate::VERSION`] of the sender.
    pub v: u32,
    /// The chapters to run in this process, in this order.
    pub chapters: Vec<TaskChapter>,
    /// `auto`, `mps`, `cuda`, `cuda:N` or `cpu`.
    pub device: String,
    /// The seed of this round, below 2^53.
    pub seed: u64,
    /// The fault to inject, as in the suite.
    #[serde(default)]
    pub fault: Option<Value>,
}

/// A chapter of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskChapter {
    /// The chapter's id in the suite; events refer to it.
    pub id: String,
    /// The worker's built-in chapter; none for a plain command that a sequence's program runs.
    #[serde(default)]
    pub worker: Option<String>,
    /// The chapter's parameters. The worker fills in defaults.
    #[serde(default)]
    pub params: Map<String, Value>,
}

/// The output of `WORKER list`: what the worker can run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerInfo {
    /// The protocol version of the worker.
    pub v: u32,
    /// Library versions by name.
    #[serde(default)]
    pub versions: BTreeMap<String, String>,
    /// The built-in chapters.
    pub chapters: Vec<ChapterInfo>,
}

/// A built-in chapter of a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChapterInfo {
    /// The name to use in a suite's `worker = "..."`.
    pub name: String,
    /// A one-line description.
    #[serde(default)]
    pub about: String,
    /// The parameters with their default values.
    #[serde(default)]
    pub params: Map<String, Value>,
}

/// The `[fault]` section of a suite, as a task passes it to the worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The defect.
    pub kind: FaultKind,
    /// How many times the storage of a returned context is replaced, even if another thread has
    /// taken the context in the meantime.
    pub dose: u32,
    /// Whether the damage that one chapter leaves in the process remains for the next chapter.
    #[serde(default = "yes")]
    pub carry_over: bool,
    /// The kinds of device on which the fault is injected. On others the worker runs without it.
    #[serde(default = "cpu")]
    pub on: Vec<String>,
}

/// The defects that can be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// A tensor's storage is replaced while another thread computes with it.
    TensorLifetime,
}

/// The default of `carry_over`.
fn yes() -> bool {
    true
}

/// The default of `on`: the race exists only in CPU memory.
fn cpu() -> Vec<String> {
    vec!["cpu".to_owned()]
}
