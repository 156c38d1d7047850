//! Reading a journal back, record by record, whether its run is live or finished.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crashrate_model::{JOURNAL_VERSION, LineError, Lines, Record};
use serde::Deserialize;

use super::{JournalError, split};
use crate::safe_file;

/// The records of a journal, in their order.
#[derive(Debug)]
pub struct Records<R = BufReader<File>> {
    from: R,
    path: PathBuf,
    /// Where the last returned record begins.
    place: u64,
    next: Position,
    buffer: Vec<u8>,
}

/// A position in a journal, between two records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Offset in bytes.
    pub place: u64,
    /// Number of lines before it.
    pub line: u64,
    lines: Lines,
}

/// Opens a journal to read the records after a position.
///
/// # Errors
/// The file cannot be opened.
pub fn read_on(path: &Path, from: Position) -> Result<Records, JournalError> {
    let open = || {
        let (folder, name) = split(path)?;
        let mut file = safe_file::open(folder, name)?;
        file.seek(SeekFrom::Start(from.place))?;
        Ok(file)
    };
    let file = open().map_err(|source| JournalError::Read {
        path: path.to_owned(),
        source,
    })?;
    let from_there = BufReader::with_capacity(1 << 16, file);
    Ok(Records {
        next: from,
        ..read_from(from_there, path)
    })
}

/// Opens a journal for reading.
///
/// # Errors
/// The file cannot be opened.
pub fn read(path: &Path) -> Result<Records, JournalError> {
    read_on(path, Position::default())
}

/// The records of an open journal. Errors name it `path`.
pub fn read_from<R: BufRead>(from: R, path: &Path) -> Records<R> {
    Records {
        from,
        path: path.to_owned(),
        place: 0,
        next: Position::default(),
        buffer: Vec::new(),
    }
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.buffer.clear();
        self.place = self.next.place;
        match self.from.read_until(b'\n', &mut self.buffer) {
            Err(source) => Some(Err(JournalError::Read {
                path: self.path.clone(),
                source,
            })),
            Ok(_) if self.buffer.last() != Some(&b'\n') => self.unfinished().map(Err),
            Ok(length) => {
                self.next.place += length as u64;
                self.next.line += 1;
                Some(self.parse())
            }
        }
    }
}

#[derive(Deserialize)]
struct Version {
    v: u64,
}

impl<R> Records<R> {
    /// Where the last returned record begins, in bytes.
    pub fn place(&self) -> u64 {
        self.place
    }

    /// The position after the last returned record.
    pub fn position(&self) -> Position {
        self.next
    }

    fn parse(&mut self) -> Result<Record, JournalError> {
        let read = self.next.lines.read(&self.buffer);
        read.map_err(|error| self.corrupt(self.next.line, &error))
    }

    /// A last line without its newline is torn or still being written: not a record yet. A complete
    /// record followed by another byte is damaged.
    fn unfinished(&self) -> Option<JournalError> {
        let (_, whole) = self.buffer.split_last()?;
        self.next.lines.clone().read(whole).ok()?;
        Some(self.corrupt(self.next.line + 1, &LineError::Damaged))
    }

    fn corrupt(&self, line: u64, error: &LineError) -> JournalError {
        let path = self.path.clone();
        // Another version may have another line format, so the checksum cannot tell.
        match serde_json::from_slice::<Version>(&self.buffer) {
            Ok(Version { v }) if v != u64::from(JOURNAL_VERSION) => JournalError::Version {
                path,
                line,
                version: v,
            },
            _ => JournalError::Corrupt {
                path,
                line,
                problem: error.to_string(),
            },
        }
    }
}
