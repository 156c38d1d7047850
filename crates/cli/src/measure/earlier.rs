//! `--continue`: the run of a shard that was begun before, perhaps on another machine.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crashrate_supervisor::journal::{self, FolderError, JOURNAL, RunFolder};
use crashrate_supervisor::request::{RequestError, RunRequest};

use super::HowArguments;
use super::request::{failure, lister_of};
use crate::error::Failure;
use crate::output::note;
use crate::run_folder::{id, list};

/// How often it looks whether the lock of a run is free.
const LOOK: Duration = Duration::from_secs(1);

/// A run that was begun before, and is now locked.
pub(crate) struct Earlier {
    pub(crate) request: RunRequest,
    pub(crate) folder: RunFolder,
    /// Whether it has nothing left to run.
    pub(crate) is_complete: bool,
}

/// The run of the same shard of the same plan in `runs`, if there is one. Waits while another
/// crashrate has it: a machine that an engine has given up may still run it.
pub(crate) fn earlier(
    runs: &Path,
    request: &RunRequest,
    how: &HowArguments,
) -> Result<Option<Earlier>, Failure> {
    let Some(path) = latest(runs, request)? else {
        return Ok(None);
    };
    let lister = lister_of(runs, how);
    let mut is_waiting = false;
    loop {
        match request.resume_shard(&path, how.jobs, how.evidence, &lister) {
            Ok((earlier, folder)) => {
                let is_complete = request.is_completed_by(folder.path());
                let is_complete = is_complete.map_err(Failure::usage)?;
                // If the wait was printed, print its end, too.
                if !how.quiet || is_waiting {
                    note(format_args!("continues run {}", folder.id()));
                }
                return Ok(Some(Earlier {
                    request: earlier,
                    folder,
                    is_complete,
                }));
            }
            Err(RequestError::Folder(FolderError::Locked { .. })) => {
                if !is_waiting {
                    note(format_args!(
                        "waiting for run {}: another crashrate is running this shard",
                        id(&path)
                    ));
                }
                is_waiting = true;
                thread::sleep(LOOK);
            }
            Err(error) => return Err(failure(error)),
        }
    }
}

/// The latest run of the shard: a complete one if there is one.
fn latest(runs: &Path, request: &RunRequest) -> Result<Option<PathBuf>, Failure> {
    let plan = request.plan.fingerprint();
    let is_own = |folder: &PathBuf| {
        let first = journal::first_opened(&folder.join(JOURNAL));
        first.is_some_and(|opened| {
            opened.run.plan.as_ref() == Some(&plan) && opened.run.shard == request.plan.shard
        })
    };
    let mut folders = list(runs)?;
    folders.retain(is_own);
    let complete = folders
        .iter()
        .position(|folder| request.is_completed_by(folder).unwrap_or(false));
    Ok(match complete {
        Some(place) => Some(folders.swap_remove(place)),
        None => folders.pop(),
    })
}
