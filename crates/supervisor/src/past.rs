//! What a run that is gone on with has on record, and what its stopping rule says to that.

use crashrate_model::StopReason;

use crate::decide::{Decider, Decision};
use crate::journal::{self, JournalError, RunFolder};
use crate::plan::History;
use crate::schedule::Input;

/// What a run that is gone on with has on record.
pub(crate) struct Past {
    pub(crate) history: History,
    pub(crate) decider: Decider,
    /// What the schedule has to hear first.
    pub(crate) decided: Vec<Input>,
}

impl Past {
    pub(crate) fn new(history: History, decider: Decider) -> Self {
        Past {
            history,
            decider,
            decided: Vec::new(),
        }
    }

    pub(crate) fn read(&mut self, folder: &RunFolder) -> Result<(), JournalError> {
        if folder.journal().exists() {
            for record in journal::read(&folder.journal())? {
                let record = record?;
                self.history.push(&record);
                self.decided.extend(inputs(self.decider.push(&record)));
            }
        }
        Ok(())
    }
}

/// A decision as the schedule hears it.
pub(crate) fn inputs(decision: Decision) -> impl Iterator<Item = Input> {
    let stop = decision.stop.then_some(Input::Stop(StopReason::Decided));
    decision.retire.into_iter().map(Input::Retire).chain(stop)
}
