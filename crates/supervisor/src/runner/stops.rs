//! The ways in which a run is ended early.

use std::collections::VecDeque;

use crashrate_model::{Ending, Record, StopReason};

use super::campaign::{RunError, RunEvent};
use super::state::Runner;
use crate::schedule::Input;
use crate::signals::StopSignal;

impl Runner<'_> {
    /// A signal asks to start nothing more. Later ones change nothing.
    pub(super) fn stop(
        &mut self,
        signal: StopSignal,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), RunError> {
        if self.stop_signal.is_some() {
            return Ok(());
        }
        self.stop_signal = Some(signal);
        (self.observer)(RunEvent::Stopping);
        self.end_early(StopReason::Interrupted, inputs)
    }

    /// Starts nothing more, and records that before the attempts that are running end.
    fn end_early(&mut self, why: StopReason, inputs: &mut VecDeque<Input>) -> Result<(), RunError> {
        self.cancel_helpers();
        self.evidence_rounds = None;
        inputs.push_back(Input::Stop(why));
        let at = self.elapsed();
        self.record(Record::Ending(Ending { at, why }), inputs)
    }

    /// A signal asks to kill what runs.
    pub(super) fn kill(&mut self, signal: StopSignal, inputs: &mut VecDeque<Input>) {
        self.stop_signal.get_or_insert(signal);
        (self.observer)(RunEvent::Killing);
        self.kill_all(inputs);
    }

    /// Kills attempts, evidence rounds, builds and probes.
    pub(super) fn kill_all(&mut self, inputs: &mut VecDeque<Input>) {
        self.cancel_helpers();
        self.evidence_rounds = None;
        if self.counted.is_some() {
            // The schedule has finished and does not know the evidence rounds.
            self.slots.kill_all();
        }
        inputs.push_back(Input::Kill);
    }

    /// Ends what runs besides attempts.
    fn cancel_helpers(&self) {
        self.programs.builds().cancel();
        self.probes.cancel();
    }

    /// The time budget is spent.
    pub(super) fn out_of_time(&mut self, inputs: &mut VecDeque<Input>) -> Result<(), RunError> {
        tracing::info!("time budget spent; waiting for running attempts");
        self.end_early(StopReason::TimeBudget, inputs)
    }

    /// Ends the run early. The first reason is the one on record.
    pub(super) fn give_up(&mut self, why: StopReason, reason: String) {
        (self.observer)(RunEvent::Trouble(&reason));
        self.trouble.get_or_insert((why, reason));
    }
}
