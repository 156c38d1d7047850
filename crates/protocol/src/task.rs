//! The task: what a worker, or a sequence's own program, is told to do; and what a worker says it can do.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The one line on a worker's standard input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// [`crate::VERSION`] of the sender.
    pub v: u32,
    /// What to run, in this order, in this process.
    pub chapters: Vec<TaskChapter>,
    /// `auto`, `mps`, `cuda`, `cuda:N` or `cpu`.
    pub device: String,
    /// The seed of this round, below 2^53.
    pub seed: u64,
    /// The fault to inject, as the suite has it.
    #[serde(default)]
    pub fault: Option<Value>,
}

/// One chapter of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskChapter {
    /// Its id in the suite, which events name.
    pub id: String,
    /// The worker's built-in chapter; nothing for a plain command that a sequence's own program runs.
    #[serde(default)]
    pub worker: Option<String>,
    /// Its parameters; what is left out has the worker's default.
    #[serde(default)]
    pub params: Map<String, Value>,
}

/// What `WORKER list` prints: what the worker can run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerInfo {
    /// The version of the protocol that the worker speaks.
    pub v: u32,
    /// Library versions by name.
    #[serde(default)]
    pub versions: std::collections::BTreeMap<String, String>,
    /// Its built-in chapters.
    pub chapters: Vec<ChapterInfo>,
}

/// One built-in chapter of a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChapterInfo {
    /// Its name, as a suite's `worker = "..."` has it.
    pub name: String,
    /// What it does, in a line.
    #[serde(default)]
    pub about: String,
    /// Its parameters with their defaults.
    #[serde(default)]
    pub params: Map<String, Value>,
}
