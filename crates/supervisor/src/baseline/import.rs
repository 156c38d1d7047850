//! From a recorded report to a run folder like any other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crashrate_model::Baseline;
use thiserror::Error;

use crate::journal::{FolderError, Journal, JournalError, RunFolder};
use crate::run_file;

/// A recorded report that cannot be imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The run's folder cannot be made: its number is taken, for example.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The rest of the folder cannot be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Makes a run folder of a recorded report, with the report's own number.
///
/// # Errors
/// The number is taken, or the folder cannot be written.
pub fn import(runs: &Path, recorded: &Baseline) -> Result<RunFolder, ImportError> {
    let (number, suite) = (recorded.run.number, &recorded.run.suite);
    let folder = RunFolder::create(runs, suite, Some(number))?;
    let written = write(&folder, recorded);
    if written.is_err() {
        // Half a record is worse than none, and would be in the way of the next attempt.
        let _ = fs::remove_dir_all(folder.path());
    }
    written.map(|()| folder)
}

fn write(folder: &RunFolder, recorded: &Baseline) -> Result<(), ImportError> {
    let mut recorded = recorded.clone();
    recorded.run.id = folder.id().to_owned();
    run_file::write_imported(folder.path(), &recorded.run).map_err(|source| {
        ImportError::Write {
            path: folder.path().to_owned(),
            source,
        }
    })?;
    let mut journal = Journal::open(&folder.journal())?;
    for record in recorded.records() {
        journal.append(&record)?;
    }
    Ok(journal.sync()?)
}
