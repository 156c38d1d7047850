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
    /// No signal was sent. At the end of this limit SIGTERM is due.
    Alive(Duration),
    /// SIGTERM was sent; SIGKILL is due next.
    Terminated,
    /// SIGKILL was sent; next the child is given up.
    Killed,
}

/// The time limit at the start.
pub(super) fn first_limit(unit: &UnitSpec) -> Duration {
    match unit.mode {
        Mode::Isolated => unit.chapters[0].timeout,
        Mode::Sequential => unit.timeout,
    }
}

impl Attempt<'_> {
    /// Sends the signal that is due and returns the time until the next one. `None`: the child
    /// survived SIGKILL and is given up.
    pub(super) fn escalate(&mut self) -> Option<Duration> {
        // The supervisor may have been stopped since the last wait.
        let now = self.extend_limits(Duration::ZERO);
        if now < self.due {
            return Some(self.due - now);
        }
        match self.kill_stage {
            KillStage::Alive(limit) => {
                let pid = self.pid.as_raw();
                tracing::info!(pid, ?limit, "time limit reached; sending SIGTERM");
                Some(self.terminate())
            }
            KillStage::Terminated => {
                let pid = self.pid.as_raw();
                tracing::info!(pid, "grace period over; sending SIGKILL");
                Some(self.kill(now))
            }
            KillStage::Killed => {
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
        self.kill_stage = KillStage::Terminated;
        self.due = now + self.spec.unit.grace;
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
        self.kill_stage == KillStage::Killed
    }

    fn kill(&mut self, now: Instant) -> Duration {
        group::kill(self.pid);
        self.kill_stage = KillStage::Killed;
        self.due = now + UNKILLABLE;
        UNKILLABLE
    }

    /// Postpones all limits by the time for which the supervisor itself was stopped during a wait
    /// of `expected`. Returns the current time.
    pub(super) fn extend_limits(&mut self, expected: Duration) -> Instant {
        let now = Instant::now();
        self.due += self.pace.waited(expected, now);
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
        if is_sequence && matches!(self.kill_stage, KillStage::Alive(_)) {
            self.kill_stage = KillStage::Alive(limit);
            self.due = Instant::now() + limit;
        }
    }
}
