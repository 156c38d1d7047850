//! Runs that cannot be merged.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::journal::{FolderError, JournalError};

/// Runs that cannot be merged.
#[derive(Debug, Error)]
pub enum MergeError {
    /// A journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A run cannot be found.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// There is nothing to merge.
    #[error("nothing to merge: none of the runs has a record")]
    Nothing,
    /// A folder has neither a run nor runs.
    #[error(
        "{}: no run: it is neither a run folder, nor a journal, nor a folder with runs",
        .0.display()
    )]
    NoRun(PathBuf),
    /// A file is no journal.
    #[error(
        "{}: not a journal: its first line is not a record of crashrate",
        .0.display()
    )]
    NotJournal(PathBuf),
    /// A run has no shards.
    #[error("{}: {why}, so it cannot be merged", path.display())]
    NotDivisible {
        /// Its journal.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// The journal of a merged run was cut off.
    #[error(
        "{}: the journal of this merged run was cut off: it does not end with a `closed` record; \
         name the runs of its shards instead, or copy the merged run again",
        .0.display()
    )]
    Torn(PathBuf),
    /// Two runs measured different things.
    #[error(
        "{one} and {two} cannot be merged: their {what} differ; shards of one run have the same \
         plan file, or the same suite, options and --seed"
    )]
    OtherPlan {
        /// A run.
        one: String,
        /// Another run.
        two: String,
        /// What differs.
        what: &'static str,
    },
    /// Two runs measured different programs.
    #[error(
        "{program} differs: {one} measured {hash_of_one}, {two} measured {hash_of_two}; rounds of \
         different binaries cannot be pooled"
    )]
    OtherProgram {
        /// The program's path.
        program: String,
        /// A run.
        one: String,
        /// What it measured.
        hash_of_one: String,
        /// Another run.
        two: String,
        /// What that measured.
        hash_of_two: String,
    },
    /// The merged run cannot be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder for the result has something else.
    #[error(
        "{}: the folder is not empty, and it is not a merged run of this plan; name a new folder \
         with --output",
        .0.display()
    )]
    Occupied(PathBuf),
    /// The folder for the result has results that the result lacks.
    #[error(
        "{}: the merged run there has results of shard {shard} (run {run}) that would be lost; merge \
         it too, name a new folder with --output, or remove that folder",
        folder.display()
    )]
    Loses {
        /// The folder.
        folder: PathBuf,
        /// A run that is not merged again, or only an earlier copy of it.
        run: String,
        /// The index of its shard.
        shard: u32,
    },
}
