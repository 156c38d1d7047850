//! Finds the inputs of a merge: run folders, journals alone, and folders of run folders.

use std::path::{Path, PathBuf};

use super::MergeError;
use crate::journal::{self, FolderError, JOURNAL};

/// A journal to merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The journal.
    pub journal: PathBuf,
    /// The folder with the run's outputs and crashes; `None` for a journal alone.
    pub folder: Option<PathBuf>,
}

impl Input {
    /// The run in a folder.
    pub fn of_run(folder: PathBuf) -> Input {
        Input {
            journal: folder.join(JOURNAL),
            folder: Some(folder),
        }
    }

    /// Whether it repeats one round of another run (`run --round`).
    pub fn repeats_round(&self) -> bool {
        let opened = journal::first_opened(&self.journal);
        opened.is_some_and(|opened| opened.run.only_round.is_some())
    }

    /// The run in words, for messages.
    pub(super) fn name(&self) -> String {
        let path = self.folder.as_ref().unwrap_or(&self.journal);
        path.display().to_string()
    }
}

/// The journals that these names mean: each a run folder, a journal, a folder with run folders, or
/// the id or number of a run in `runs`.
///
/// # Errors
/// There is no such run.
pub fn find_inputs(runs: &Path, names: &[String]) -> Result<Vec<Input>, MergeError> {
    let mut inputs = Vec::new();
    for name in names {
        inputs.extend(find(runs, name)?);
    }
    Ok(inputs)
}

/// The run folders in these folders that have no record: their runs died before the first one, or
/// something emptied or removed the journal.
pub fn without_records(names: &[String]) -> Vec<PathBuf> {
    let folders = names.iter().map(Path::new).filter(|path| path.is_dir());
    let runs = folders.flat_map(|folder| journal::list(folder).unwrap_or_default());
    runs.filter(|run| !journal::has_records(run)).collect()
}

fn find(runs: &Path, name: &str) -> Result<Vec<Input>, MergeError> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok(vec![Input {
            journal: path.to_owned(),
            folder: None,
        }]);
    }
    let missing = match journal::find(runs, name) {
        Ok(folder) => return Ok(vec![Input::of_run(folder)]),
        Err(error @ FolderError::NotFound { .. }) => error,
        Err(error) => return Err(error.into()),
    };
    if !path.is_dir() {
        return Err(missing.into());
    }
    let folders = journal::list(path)?.into_iter();
    let found: Vec<_> = folders
        .filter(|folder| journal::has_records(folder))
        .map(Input::of_run)
        .collect();
    // The folder of a run that died before its first record has only a lock.
    match found.is_empty() && !path.join("lock").exists() {
        true => Err(MergeError::NoRun(path.to_owned())),
        false => Ok(found),
    }
}
