//! The run's folder and its journal: written once, read by every report.

mod again;
mod folder;
mod reader;
mod reserve;
mod writer;

pub use again::Again;
pub use folder::{FolderError, RunFolder, find, find_number, has_records, is_live, list, remove};
pub use reader::{Records, Upto, read, read_from, read_on};
pub(crate) use reserve::Reserve;
pub use writer::Journal;

use std::path::PathBuf;

use thiserror::Error;

/// The journal's name in a run folder.
pub(crate) const JOURNAL: &str = "journal.jsonl";

impl JournalError {
    /// Whether it is what was written before that is wrong, rather than that nothing can be written now.
    pub fn is_of_reading(&self) -> bool {
        matches!(
            self,
            JournalError::Read { .. } | JournalError::Corrupt { .. } | JournalError::Newer { .. }
        )
    }
}

/// A journal that cannot be written or read.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Writing failed: what was measured before is on record.
    #[error("the journal {} cannot be written: {source}", path.display())]
    Write {
        /// The journal.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not there any more.
    #[error("the journal {} was removed or moved while the run went on: nothing more can be kept of it", path.display())]
    Removed {
        /// Where it was.
        path: PathBuf,
    },
    /// Reading failed.
    #[error("the journal {} cannot be read: {source}", path.display())]
    Read {
        /// The journal.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line that is no record.
    #[error("{}:{line}: not a journal record: {problem}", path.display())]
    Corrupt {
        /// The journal.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// Written by a later crashrate.
    #[error("{}:{line}: journal version {version}; this crashrate reads up to {}", path.display(), crashrate_model::JOURNAL_VERSION)]
    Newer {
        /// The journal.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// Its version.
        version: u64,
    },
}
