//! Dividing a run into shards, and whether a shard is complete.

use std::path::Path;

use crashrate_model::{Record, Shard, StopReason, Stopping};
use thiserror::Error;

use super::RunRequest;
use crate::journal::{self, JOURNAL, JournalError};
use crate::plan::{PlanError, Progress};

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

    /// Whether a run of this plan has run all that its rule asks for. Rounds that were not started,
    /// interrupted or lost are left.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn is_completed_by(&self, folder: &Path) -> Result<bool, JournalError> {
        let path = folder.join(JOURNAL);
        let mut progress = Progress::new(&self.plan);
        let mut end = None;
        for (line, record) in (1..).zip(journal::read(&path)?) {
            let record = record?;
            match &record {
                Record::Opened(_) => end = None,
                Record::Closed(closed) => end = Some(closed.why),
                _ => {}
            }
            let pushed = progress.push(&record);
            pushed.map_err(|problem| JournalError::Corrupt {
                path: path.clone(),
                line,
                problem,
            })?;
        }
        let has_all = progress.left(self.plan.rounds()).next().is_none();
        Ok(end.is_some_and(|end: StopReason| end.completes(has_all)))
    }
}
