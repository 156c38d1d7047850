//! What the end of a build changes.

use std::collections::VecDeque;

use crashrate_model::{Built, Record, StopReason};

use super::campaign::RunError;
use super::clock::rounded;
use super::state::Runner;
use crate::build::BuildEnd;
use crate::schedule::{End, Input, Running};

impl Runner<'_> {
    /// Records the end of a build, and starts the attempt that waits for it.
    pub(super) fn built(
        &mut self,
        running: Running,
        end: BuildEnd,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), RunError> {
        let record = |secs: Option<f64>, program, problem| {
            Record::Built(Box::new(Built {
                at: self.elapsed(),
                unit: running.key.unit,
                secs: secs.map(rounded),
                program,
                problem,
            }))
        };
        match end {
            BuildEnd::Built { secs, program } => {
                let record = record(secs, program, None);
                self.record(record, inputs)?;
                self.record_search(inputs)?;
                return self.start_checked(running, inputs);
            }
            BuildEnd::Failed { secs, problem } => {
                let record = record(Some(secs), None, Some(problem.clone()));
                self.record(record, inputs)?;
                // A search does without it.
                self.record_search(inputs)?;
                if self.search().is_none() {
                    let variant = &self.specs.plan.units[running.key.unit as usize].variant;
                    let first = problem.lines().next().unwrap_or_default();
                    // Where it ran, and its log.
                    let last = problem.lines().skip(1).last();
                    let place = last.map(|last| format!("; {}", last.trim()));
                    let place = place.unwrap_or_default();
                    let reason = format!("`{variant}` cannot be built: {first}{place}");
                    self.give_up(StopReason::BuildFailed, reason);
                    inputs.push_back(Input::Stop(StopReason::BuildFailed));
                }
            }
            BuildEnd::Cancelled => {}
        }
        self.is_busy[running.slot as usize] = false;
        inputs.push_back(Input::Ended {
            slot: running.slot,
            end: End::Void,
        });
        Ok(())
    }

    /// Records how far the search is, so that pages can show it.
    fn record_search(&mut self, inputs: &mut VecDeque<Input>) -> Result<(), RunError> {
        match self.search() {
            Some(search) => self.record(search.found(self.elapsed()), inputs),
            None => Ok(()),
        }
    }
}
