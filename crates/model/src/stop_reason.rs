//! Why a run started no more rounds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why no more rounds were started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StopReason {
    /// All planned rounds have ended.
    Done,
    /// A signal stopped the run: Ctrl-C, or an engine at its time limit.
    Interrupted,
    /// The allowed number of failed rounds was reached.
    MaxFailures,
    /// The time budget was used up.
    TimeBudget,
    /// The run's stopping rule decided: all comparisons or gates have verdicts, or the first bad
    /// round occurred.
    Decided,
    /// The journal could not be written, for example because the disk was full.
    JournalFailed,
    /// Waiting for a child failed: its end, and the ends of others, would be unknown.
    WaitingFailed,
    /// A measured program was replaced: its rounds would belong to two programs.
    ProgramReplaced,
    /// What a unit measures could not be built.
    BuildFailed,
    /// No device of the run works any more.
    DeviceFailed,
    /// Of a merged run: shards are missing, or did not end.
    ShardsMissing,
}

impl StopReason {
    /// Whether nothing was left to start, by the plan or by its stopping rule. Some rounds may have no
    /// result all the same: those that could not be started.
    pub fn is_planned(self) -> bool {
        matches!(self, StopReason::Done | StopReason::Decided)
    }

    /// Whether a run that ended so has run all that its rule asks for. `has_all` is whether all
    /// planned rounds have results.
    pub fn completes(self, has_all: bool) -> bool {
        self == StopReason::Decided || (self == StopReason::Done && has_all)
    }
}
