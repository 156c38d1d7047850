//! The run folder and its journal: written once, read by every report.

mod folder;
mod reader;
mod writer;

pub(crate) use folder::LOCK;
pub use folder::{
    FolderError, RunFolder, check_number, find, free_number, has_records, is_live, list, remove,
};
pub use reader::{Position, RandomReader, Records, first_opened, read, read_from, read_on};
pub use writer::Journal;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The journal's name in a run folder.
pub const JOURNAL: &str = "journal.jsonl";

impl JournalError {
    fn write(path: &Path) -> impl Fn(io::Error) -> JournalError {
        move |source| JournalError::Write {
            path: path.to_owned(),
            source,
        }
    }

    fn read(path: &Path) -> impl Fn(io::Error) -> JournalError {
        move |source| JournalError::Read {
            path: path.to_owned(),
            source,
        }
    }

    /// Whether what was written before is wrong, rather than that writing fails now.
    pub fn is_of_reading(&self) -> bool {
        matches!(
            self,
            JournalError::Read { .. }
                | JournalError::Corrupt { .. }
                | JournalError::Version { .. }
                | JournalError::Linked { .. }
        )
    }
}

/// Splits a journal's path into its folder and file name.
fn split(path: &Path) -> io::Result<(&Path, &str)> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| io::Error::other("not the name of a journal"))?;
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    Ok((folder.unwrap_or(Path::new(".")), name))
}

/// A journal that cannot be written or read.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Writing failed. Earlier records are safe.
    #[error("the journal {} cannot be written: {source}", path.display())]
    Write {
        /// The journal.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something else removed it, replaced it or wrote to it.
    #[error(
        "the journal {} was {how} during the run; the run ends here, because its results could be \
         lost or wrong",
        path.display()
    )]
    Changed {
        /// The journal.
        path: PathBuf,
        /// What happened to it.
        how: &'static str,
    },
    /// It has a second hard link, so writing to it would change another file.
    #[error(
        "the journal {} has a second name (a hard link): copy the folder, or remove the other name",
        path.display()
    )]
    Linked {
        /// The journal.
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
    /// A line is damaged, or is not a record of this run.
    #[error("{}:{line}: {problem}", path.display())]
    Corrupt {
        /// The journal.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// Written by another version of crashrate.
    #[error(
        "{}:{line}: journal version {version}, but this crashrate reads version {}: use the \
         crashrate that wrote it",
        path.display(),
        crashrate_model::JOURNAL_VERSION
    )]
    Version {
        /// The journal.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// Its version.
        version: u64,
    },
}
