//! What an engine says of the parts of a job.

use std::collections::BTreeMap;

/// What an engine still has of a job. A part that is not here has ended, or was never submitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Queue {
    /// The tasks of shards, by the shard's index.
    pub(super) shards: BTreeMap<u32, Task>,
    /// The job that merges the shards.
    pub(super) merge: Option<Task>,
    /// The job that cancels the shards when their results together decide the stopping rule.
    pub(super) watch: Option<Task>,
}

/// A part of a job that an engine still has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    /// What it does.
    pub(super) state: TaskState,
    /// Why it waits, if it does and the engine says why.
    pub(super) reason: Option<String>,
    /// Whether it waits until someone releases it.
    pub(super) is_held: bool,
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// It has not started, or is about to start again.
    Waiting,
    /// It runs, is being ended, or may do either.
    Active,
}
