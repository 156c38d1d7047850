//! How far a shard of a job is.

use std::time::{Duration, SystemTime};

use crashrate_model::StopReason;

/// How far a shard is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardProgress {
    /// Its index, from 1.
    pub index: u32,
    /// What it does.
    pub state: ShardState,
    /// Whether it runs no more rounds. A lost shard may be started again while its engine has it.
    pub has_ended: bool,
    /// The machine of its latest run.
    pub host: String,
    /// Rounds with a result.
    pub rounds: u64,
    /// Rounds that it has to run; `None` if it has not started and the plan is not here.
    pub planned: Option<u64>,
    /// Rounds whose first attempt was bad.
    pub bad: u64,
    /// Attempts whose result is lost.
    pub lost: u64,
    /// When it wrote its last record.
    pub written: Option<SystemTime>,
    /// The time since then.
    pub silent: Option<Duration>,
    /// Why its journal cannot be read.
    pub problem: Option<String>,
    /// Why its latest run ended.
    pub end: Option<StopReason>,
    /// Why the engine lets it wait, if the engine says so.
    pub waits_for: Option<String>,
    /// Whether someone has to release its task. The merge waits for it, even if the shard is complete.
    pub is_held: bool,
}

/// What a shard does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShardState {
    /// It has not started, or the engine is about to start it again.
    #[default]
    Waiting,
    /// It runs.
    Running,
    /// It has run its rounds, or its stopping rule has decided.
    Complete,
    /// It was stopped before that.
    Stopped,
    /// Its process is gone and left no end.
    Lost,
    /// The engine no longer has it, and it never started.
    Missing,
    /// It writes its records to another place.
    Unknown,
}

impl ShardState {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            ShardState::Waiting => "waiting",
            ShardState::Running => "running",
            ShardState::Complete => "complete",
            ShardState::Stopped => "stopped",
            ShardState::Lost => "lost",
            ShardState::Missing => "missing",
            ShardState::Unknown => "unknown",
        }
    }
}
