//! The journal of a running run, with disk space held back for its last records.

use std::fs::{self, File};
use std::path::PathBuf;

use crashrate_model::Record;

use crate::journal::{Journal, JournalError, RunFolder};
use crate::safe_file;

/// Disk space held back: enough for the ends of the running attempts and the record that closes
/// the run.
const RESERVED: usize = 64 * 1024;
const RESERVE: &str = "reserve";

/// A journal that can still record how the run ended when the disk is full.
pub(super) struct RunJournal {
    journal: Journal,
    /// A file that occupies disk space until the journal needs it.
    reserve: PathBuf,
    /// Why the reserve had to be used.
    failed: Option<JournalError>,
}

impl RunJournal {
    pub(super) fn open(folder: &RunFolder) -> Result<RunJournal, JournalError> {
        let journal = Journal::open(&folder.journal())?;
        // Without it the run continues, and may miss its last records.
        if let Err(error) = safe_file::write(folder.path(), RESERVE, &vec![b'-'; RESERVED]) {
            tracing::debug!("no disk space is reserved for the journal: {error}");
        }
        Ok(RunJournal {
            journal,
            reserve: folder.path().join(RESERVE),
            failed: None,
        })
    }

    /// Takes a record, which [`RunJournal::write`] writes.
    pub(super) fn push(&mut self, record: &Record) -> Result<(), JournalError> {
        self.journal.push(record)
    }

    /// Writes the records since the last call with one system call. If they do not fit on the disk,
    /// frees the reserve, writes them there, and returns the reason why the run has to end.
    pub(super) fn write(&mut self) -> Result<Option<String>, JournalError> {
        match self.journal.write() {
            Err(error @ JournalError::Write { .. }) if fs::remove_file(&self.reserve).is_ok() => {
                let reason = error.to_string();
                self.failed = Some(error);
                self.journal.write()?;
                Ok(Some(reason))
            }
            written => written.map(|()| None),
        }
    }

    /// The file, if it has records that would not survive a power cut. The caller syncs it.
    pub(super) fn unsynced(&mut self) -> Result<Option<(File, PathBuf)>, JournalError> {
        self.journal.unsynced()
    }

    /// Syncs the last record. An error if the reserve was needed to write it.
    pub(super) fn close(&mut self) -> Result<(), JournalError> {
        self.journal.sync()?;
        self.failed.take().map_or(Ok(()), Err)
    }
}

impl Drop for RunJournal {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.reserve);
    }
}
