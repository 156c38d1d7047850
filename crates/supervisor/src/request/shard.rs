//! Dividing a run into shards.

use crashrate_model::{Shard, Stopping};
use thiserror::Error;

use super::RunRequest;
use crate::plan::PlanError;

/// A run that cannot be divided among machines.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DivideError {
    /// Each of its rounds depends on the results of those before.
    #[error(
        "a search cannot be divided into shards: each of its rounds depends on the results so far"
    )]
    Search,
    /// Each shard would find another dose.
    #[error(
        "a run that calibrates its fault cannot be divided into shards: find the dose with \
         `crashrate calibrate`, and give it with --dose"
    )]
    Uncalibrated,
}

impl RunRequest {
    /// Checks that several machines can run parts of this.
    ///
    /// # Errors
    /// They would not run parts of one plan.
    pub fn can_be_divided(&self) -> Result<(), DivideError> {
        if self.stopping.is_search() {
            return Err(DivideError::Search);
        }
        let fault = self.plan.suite.fault.as_ref();
        match fault.is_some_and(|fault| fault.calibrate.is_some()) {
            true => Err(DivideError::Uncalibrated),
            false => Ok(()),
        }
    }

    /// Keeps only one round of each unit, if one is given.
    ///
    /// # Errors
    /// No unit has this round.
    pub fn repeat(&mut self, round: Option<u32>) -> Result<(), PlanError> {
        let Some(round) = round else {
            return Ok(());
        };
        let most = self.plan.units.iter().map(|unit| unit.rounds).max();
        let most = most.unwrap_or(0);
        if !(1..=most).contains(&round) {
            return Err(PlanError::NoSuchRound { round, most });
        }
        self.plan.only_round = Some(round);
        self.stopping = Stopping::FixedRounds;
        Ok(())
    }

    /// Keeps only the rounds of a shard. A shard may have none.
    ///
    /// # Errors
    /// The run cannot be divided.
    pub fn for_shard(mut self, shard: Shard) -> Result<RunRequest, DivideError> {
        self.can_be_divided()?;
        self.plan.shard = Some(shard);
        Ok(self)
    }
}
