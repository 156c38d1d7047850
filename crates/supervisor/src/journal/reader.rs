//! Reading a journal back, record by record, whether its run is live, finished or ten months old.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crashrate_model::{JOURNAL_VERSION, Record};
use serde::Deserialize;

use super::JournalError;

/// The records of a journal, in their order.
#[derive(Debug)]
pub struct Records<R = BufReader<File>> {
    from: R,
    path: PathBuf,
    line: u64,
    /// Where the record that was handed out last begins, and where the next one does.
    place: u64,
    next: u64,
    buffer: Vec<u8>,
}

/// Opens a journal for reading.
///
/// # Errors
/// The file cannot be opened.
pub fn read(path: &Path) -> Result<Records, JournalError> {
    let file = File::open(path).map_err(|source| JournalError::Read {
        path: path.to_owned(),
        source,
    })?;
    Ok(read_from(BufReader::with_capacity(1 << 16, file), path))
}

/// The records of a journal that is not a file, or is open already. Messages call it `path`.
pub fn read_from<R: BufRead>(from: R, path: &Path) -> Records<R> {
    Records {
        from,
        path: path.to_owned(),
        line: 0,
        place: 0,
        next: 0,
        buffer: Vec::new(),
    }
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.buffer.clear();
        self.line += 1;
        self.place = self.next;
        match self.from.read_until(b'\n', &mut self.buffer) {
            Err(source) => Some(Err(JournalError::Read {
                path: self.path.clone(),
                source,
            })),
            // A last line without its newline is torn, or is being written just now: it is no record yet.
            Ok(_) if self.buffer.last() != Some(&b'\n') => None,
            Ok(length) => {
                self.next += length as u64;
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
    /// Where the record that was handed out last begins, in bytes.
    pub fn place(&self) -> u64 {
        self.place
    }

    fn parse(&self) -> Result<Record, JournalError> {
        let (path, line) = (&self.path, self.line);
        Record::from_line(&self.buffer).map_err(|error| {
            match serde_json::from_slice::<Version>(&self.buffer) {
                Ok(Version { v }) if v > u64::from(JOURNAL_VERSION) => JournalError::Newer {
                    path: path.clone(),
                    line,
                    version: v,
                },
                _ => JournalError::Corrupt {
                    path: path.clone(),
                    line,
                    problem: error.to_string(),
                },
            }
        })
    }
}
