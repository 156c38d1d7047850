//! Disk space reserved for the last records of a run, so that a full disk is recorded too.

use std::fs;
use std::path::{Path, PathBuf};

use crate::safe_file;

/// Enough for the ends of the running attempts and the record that closes the run.
const ROOM: usize = 64 * 1024;
const NAME: &str = "reserve";

/// A file that occupies disk space until the journal needs it.
#[derive(Debug)]
pub(crate) struct Reserve(PathBuf);

impl Reserve {
    /// Reserves the space. Without it the run continues, and may miss its last records.
    pub(crate) fn take(folder: &Path) -> Reserve {
        let path = folder.join(NAME);
        if let Err(error) = safe_file::write(folder, NAME, &vec![b'-'; ROOM]) {
            tracing::debug!("no disk space is reserved for the journal: {error}");
        }
        Reserve(path)
    }

    /// Frees the space; returns whether any was reserved.
    pub(crate) fn release(&self) -> bool {
        fs::remove_file(&self.0).is_ok()
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        self.release();
    }
}
