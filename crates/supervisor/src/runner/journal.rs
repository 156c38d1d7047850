//! The journal of a running run, with disk space held back for its last records.

use std::fs::File;
use std::path::PathBuf;

use crashrate_model::Record;

use crate::journal::{Journal, JournalError, Reserve, RunFolder};

/// A journal that can still record how the run ended when the disk is full.
pub(super) struct RunJournal {
    journal: Journal,
    reserve: Reserve,
    /// Why the reserve had to be used.
    failed: Option<JournalError>,
}

impl RunJournal {
    pub(super) fn open(folder: &RunFolder) -> Result<RunJournal, JournalError> {
        Ok(RunJournal {
            journal: Journal::open(&folder.journal())?,
            reserve: Reserve::take(folder.path()),
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
            Err(error @ JournalError::Write { .. }) if self.reserve.release() => {
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
