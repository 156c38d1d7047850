//! Writes a published report as a run folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crashrate_model::Baseline;
use thiserror::Error;

use crate::journal::{FolderError, Journal, JournalError, RunFolder};
use crate::run_file;

/// A published report that cannot be imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The run folder cannot be created; its number may be taken.
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

/// Creates a run folder from a published report, with the report's number.
///
/// # Errors
/// The number is taken, or the folder cannot be written.
pub fn import(runs: &Path, baseline: &Baseline) -> Result<RunFolder, ImportError> {
    let (number, suite) = (baseline.run.number, &baseline.run.suite);
    let folder = RunFolder::create(runs, suite, Some(number))?;
    let written = write(&folder, baseline);
    if written.is_err() {
        // An incomplete folder would block the next import.
        let _ = fs::remove_dir_all(folder.path());
    }
    written.map(|()| folder)
}

fn write(folder: &RunFolder, baseline: &Baseline) -> Result<(), ImportError> {
    let mut baseline = baseline.clone();
    baseline.run.id = folder.id().to_owned();
    run_file::write(folder.path(), &baseline.run, None).map_err(|source| ImportError::Write {
        path: folder.path().to_owned(),
        source,
    })?;
    let mut journal = Journal::open(&folder.journal())?;
    for record in baseline.records() {
        journal.append(&record)?;
    }
    Ok(journal.sync()?)
}
