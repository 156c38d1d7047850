//! Reading single records of a journal by their offsets.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crashrate_model::{Lines, Record};

use super::{JournalError, split};
use crate::safe_file;

/// Bytes read at once: records are mostly read in order, so the next one is often in the window.
const WINDOW: u64 = 16 * 1024;

/// Reads the records of a journal in any order.
#[derive(Debug)]
pub struct RandomReader {
    file: File,
    path: PathBuf,
    /// The bytes read last.
    window: Vec<u8>,
    /// Offset of `window`.
    begin: u64,
}

impl RandomReader {
    /// Opens a journal.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<RandomReader, JournalError> {
        let file = split(path).and_then(|(folder, name)| safe_file::open(folder, name));
        let file = file.map_err(|source| JournalError::Read {
            path: path.to_owned(),
            source,
        })?;
        Ok(RandomReader {
            file,
            path: path.to_owned(),
            window: Vec::new(),
            begin: 0,
        })
    }

    /// The record at this offset, in bytes.
    ///
    /// # Errors
    /// It cannot be read, or there is no record.
    pub fn record(&mut self, place: u64) -> Result<Record, JournalError> {
        let line = self.line(place).map_err(|source| self.unreadable(source))?;
        // The checksum of a line continues the one of the line before.
        let mut lines = match line.start {
            0 => Some(Lines::default()),
            start => Lines::after(&self.window[..start]),
        };
        let record = lines.as_mut().map(|lines| lines.read(&self.window[line]));
        match record {
            Some(Ok(record)) => Ok(record),
            _ => {
                let changed = "it was changed while it was read";
                Err(self.unreadable(io::Error::other(changed)))
            }
        }
    }

    fn unreadable(&self, source: io::Error) -> JournalError {
        let path = self.path.clone();
        JournalError::Read { path, source }
    }

    /// Reads until the window holds the line at this offset and the end of the line before it.
    fn line(&mut self, place: u64) -> io::Result<std::ops::Range<usize>> {
        if let Some(line) = self.in_window(place) {
            return Ok(line);
        }
        let mut length = WINDOW;
        loop {
            self.window.clear();
            self.begin = place.saturating_sub(Lines::TAIL as u64);
            self.file.seek(SeekFrom::Start(self.begin))?;
            let read = (&self.file).take(length).read_to_end(&mut self.window)?;
            match self.in_window(place) {
                Some(line) => return Ok(line),
                None if (read as u64) < length => return Err(io::ErrorKind::UnexpectedEof.into()),
                None => length *= 2,
            }
        }
    }

    fn in_window(&self, place: u64) -> Option<std::ops::Range<usize>> {
        let begin = usize::try_from(place.checked_sub(self.begin)?).ok()?;
        let enough = begin >= Lines::TAIL || self.begin == 0;
        let rest = self.window.get(begin..).filter(|_| enough)?;
        let length = rest.iter().position(|&b| b == b'\n')?;
        Some(begin..begin + length)
    }
}
