//! Joins the runs of shards into one run, so that every round counts once.
//!
//! The result depends only on the set of runs, not on their order, and not on whether some of them
//! were merged before: runs given twice change nothing, and a merged run can be merged again.
//!
//! - A shard may have several runs, if its job was started again. For each round the first run, by
//!   its start and then by its id, that has a result gives the round. What earlier runs of the shard
//!   lost stays on record as lost, because the round was drawn again only for that reason.
//! - Evidence rounds are kept of all runs. They are in no rate, and a merged run does not say which of
//!   its runs made them.
//! - An attempt that started and has no end is lost.
//! - Of two copies of a journal the longer one counts.
//!
//! Records are in the order of the plan, and inside a block in the order of the block. Their times
//! stay those of their shard. Journals are read twice, first for an index of their attempts, so that
//! memory holds 40 bytes an attempt.

mod emit;
mod error;
mod facts;
mod files;
mod identity;
mod index;
mod inputs;
mod join;
mod missing;
mod reader;
mod repeated;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;

use crashrate_model::{Record, RunInfo, Shard};

pub use error::MergeError;
pub use inputs::{Input, find_inputs, without_records};
pub use repeated::RepeatedShard;

use emit::{Emitter, Item, Unchanged};
use index::Index;
use join::Joined;

/// What an attempt means that started and has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenAttempts {
    /// Its run is over: the attempt is lost.
    Lost,
    /// It is running if its run is not over, else lost.
    Running,
}

/// Runs of shards, joined into one run. Their journals are read again when records are asked for.
#[derive(Debug)]
pub struct Merge {
    indexes: Vec<Index>,
    joined: Joined,
    info: RunInfo,
    open: OpenAttempts,
}

impl Merge {
    /// Reads the journals of runs of one plan. Takes no lock: a run may go on meanwhile.
    ///
    /// # Errors
    /// A journal cannot be read, or the runs do not belong together.
    pub fn read(inputs: &[Input], open: OpenAttempts) -> Result<Merge, MergeError> {
        let mut indexes = Vec::new();
        for input in inputs {
            // A run that died before its first record has measured nothing.
            indexes.extend(Index::read(input)?);
        }
        identity::check(&indexes)?;
        let joined = Joined::new(&mut indexes);
        let info = facts::run_info(&indexes, &joined)?;
        Ok(Merge {
            indexes,
            joined,
            info,
            open,
        })
    }

    /// The facts of the merged run.
    pub fn info(&self) -> &RunInfo {
        &self.info
    }

    /// Gives the merged run another number, and the id that belongs to it.
    pub fn renumber(&mut self, number: u32) {
        facts::number(&mut self.info, number);
    }

    /// The shards of which no run was merged, except those without any block.
    pub fn missing(&self) -> Vec<Shard> {
        missing::shards(&self.info)
    }

    /// Gives the records of the merged run to `take`, in their order.
    ///
    /// # Errors
    /// A journal cannot be read again.
    pub fn each_record(&self, take: &mut dyn FnMut(&Record)) -> Result<(), MergeError> {
        Emitter::new(self, Unchanged::Read).run(&mut |item| {
            if let Item::Record(record) = item {
                take(record);
            }
            Ok(())
        })?;
        Ok(())
    }

    /// The folder's name of the merged run in a folder of runs.
    pub fn folder_name(&self) -> &str {
        &self.info.id
    }

    /// Checks that the merged run may be written into a folder: it is empty, or has leftovers of a
    /// merge that died, or an earlier result of no other runs.
    ///
    /// # Errors
    /// The folder has something else, or results that would be lost.
    pub fn check_place(&self, folder: &Path) -> Result<(), MergeError> {
        write::check_place(folder, &self.info)
    }
}
