//! Room that is held back for the last records of a run, so that a full disk is on record, too.

use std::fs;
use std::path::{Path, PathBuf};

use crate::safe_file;

/// How much: the ends of what runs when the disk is full, and the record that the run was closed.
const ROOM: usize = 64 * 1024;
const NAME: &str = "reserve";

/// A file that takes up room in the run's folder until the journal needs it.
#[derive(Debug)]
pub(crate) struct Reserve(PathBuf);

impl Reserve {
    /// Takes up the room. Where there is none, the run goes on without: its last records may then be missing.
    pub(crate) fn take(folder: &Path) -> Reserve {
        let path = folder.join(NAME);
        if let Err(error) = safe_file::write(folder, NAME, &vec![b'-'; ROOM]) {
            tracing::debug!("no room is held back for the journal: {error}");
        }
        Reserve(path)
    }

    /// Gives the room back. Whether there was any.
    pub(crate) fn release(&self) -> bool {
        fs::remove_file(&self.0).is_ok()
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        self.release();
    }
}
