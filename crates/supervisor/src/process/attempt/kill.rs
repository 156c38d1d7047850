//! The way from the time limit over SIGTERM to SIGKILL.

use std::time::{Duration, Instant};

use crashrate_model::Mode;

use super::Attempt;
use crate::outcome::{Kill, Note};
use crate::plan::UnitSpec;
use crate::process::{child, group};

/// How long a child may take to disappear after SIGKILL. One that takes longer hangs in the kernel
/// and is left behind.
const UNKILLABLE: Duration = Duration::from_secs(30);

/// How far the killing of an attempt has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum KillStage {
    /// No signal was sent. The current limit counts from `since`.
    Alive { since: Instant, limit: Duration },
    /// SIGTERM was sent; SIGKILL follows at this time.
    Terminated(Instant),
    /// SIGKILL was sent; at this time the child is given up.
    Killed(Instant),
}

impl KillStage {
    pub(super) fn at_start(unit: &UnitSpec, now: Instant) -> KillStage {
        let limit = match unit.mode {
            Mode::Isolated => unit.chapters[0].timeout,
            Mode::Sequential => unit.timeout,
        };
        KillStage::Alive { since: now, limit }
    }

    fn due(self) -> Instant {
        match self {
            KillStage::Alive { since, limit } => since + limit,
            KillStage::Terminated(due) | KillStage::Killed(due) => due,
        }
    }

    fn postponed(self, by: Duration) -> KillStage {
        match self {
            KillStage::Alive { since, limit } => KillStage::Alive {
                since: since + by,
                limit,
            },
            KillStage::Terminated(due) => KillStage::Terminated(due + by),
            KillStage::Killed(due) => KillStage::Killed(due + by),
        }
    }
}

impl Attempt<'_> {
    /// Sends the signal that is due and returns the time until the next one. `None`: the child
    /// survived SIGKILL and is given up.
    pub(super) fn escalate(&mut self) -> Option<Duration> {
        // The supervisor may have been stopped since the last wait.
        let now = self.extend_limits(Duration::ZERO);
        let due = self.kill_stage.due();
        if now < due {
            return Some(due - now);
        }
        match self.kill_stage {
            KillStage::Alive { limit, .. } => {
                let pid = self.pid.as_raw();
                tracing::info!(pid, ?limit, "time limit reached; sending SIGTERM");
                Some(self.terminate())
            }
            KillStage::Terminated(_) => {
                let pid = self.pid.as_raw();
                tracing::info!(pid, "grace period over; sending SIGKILL");
                Some(self.kill(now))
            }
            KillStage::Killed(_) => {
                let pid = self.pid;
                let note = format!("process {pid} does not die of SIGKILL; left behind");
                tracing::info!("{note}");
                self.seen.notes.push(note);
                None
            }
        }
    }

    fn terminate(&mut self) -> Duration {
        self.seen.killed = Some(Kill::TimeLimit);
        self.seen.stopped_by = child::stopped_by(self.pid);
        self.wait.capture_hang();
        self.pace.worked();
        let now = Instant::now();
        group::terminate(self.pid);
        self.kill_stage = KillStage::Terminated(now + self.spec.unit.grace);
        self.spec.unit.grace
    }

    /// Sends SIGKILL because the user stopped the run.
    pub(super) fn interrupt(&mut self) {
        tracing::info!(
            pid = self.pid.as_raw(),
            "run is being killed; sending SIGKILL"
        );
        self.seen.killed.get_or_insert(Kill::Interrupt);
        self.kill(Instant::now());
    }

    pub(super) fn is_killed(&self) -> bool {
        matches!(self.kill_stage, KillStage::Killed(_))
    }

    fn kill(&mut self, now: Instant) -> Duration {
        group::kill(self.pid);
        self.kill_stage = KillStage::Killed(now + UNKILLABLE);
        UNKILLABLE
    }

    /// Postpones all limits by the time for which the supervisor itself was stopped during a wait
    /// of `expected`. Returns the current time.
    pub(super) fn extend_limits(&mut self, expected: Duration) -> Instant {
        let now = Instant::now();
        let stopped = self.pace.waited(expected, now);
        self.kill_stage = self.kill_stage.postponed(stopped);
        now
    }

    /// Starts the next time limit: in a sequence each chapter has its own.
    pub(super) fn reset_limit(&mut self, note: &Note) {
        let limit = match note {
            Note::ChapterStarted(index) => self.spec.unit.chapters[*index].timeout,
            Note::ChapterEnded => self.spec.unit.timeout,
            Note::Progress { .. } => return,
        };
        let is_sequence = self.spec.unit.mode == Mode::Sequential;
        if is_sequence && matches!(self.kill_stage, KillStage::Alive { .. }) {
            self.kill_stage = KillStage::Alive {
                since: Instant::now(),
                limit,
            };
        }
    }
}
