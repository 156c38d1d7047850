//! Reading a journal back, whether its run is live or finished: record by record, or single records
//! by their offsets.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crashrate_model::{JOURNAL_VERSION, LineError, Lines, Opened, Record};
use serde::Deserialize;

use super::{JournalError, split};
use crate::safe_file;

/// Bytes read at once: records are mostly read in order, so the next one is often in the window.
const WINDOW: u64 = 16 * 1024;

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
    let mut file = open(path)?;
    file.seek(SeekFrom::Start(from.place))
        .map_err(JournalError::read(path))?;
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

/// The first record of a journal. `None` if it is not `opened`, or cannot be read.
pub fn first_opened(path: &Path) -> Option<Box<Opened>> {
    match read(path).ok()?.next()?.ok()? {
        Record::Opened(opened) => Some(opened),
        _ => None,
    }
}

fn open(path: &Path) -> Result<File, JournalError> {
    let file = split(path).and_then(|(folder, name)| safe_file::open(folder, name));
    file.map_err(JournalError::read(path))
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
            Err(source) => Some(Err(JournalError::read(&self.path)(source))),
            Ok(_) if self.buffer.last() != Some(&b'\n') => self.unfinished().map(Err),
            Ok(length) => {
                self.next.place += length as u64;
                self.next.line += 1;
                let read = self.next.lines.read(&self.buffer);
                Some(read.map_err(|error| self.corrupt(self.next.line, &error)))
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

/// Reads the records of a journal in any order. It keeps no file open: a merge reads more journals
/// than a process may open files.
#[derive(Debug)]
pub struct RandomReader {
    path: PathBuf,
    /// The bytes read last.
    window: Vec<u8>,
    /// Offset of `window`.
    begin: u64,
    /// The JSON object that was read last.
    object: Vec<u8>,
}

impl RandomReader {
    /// A reader of the journal at this path.
    pub fn new(path: &Path) -> RandomReader {
        RandomReader {
            path: path.to_owned(),
            window: Vec::new(),
            begin: 0,
            object: Vec::new(),
        }
    }

    /// The record at this offset, in bytes.
    ///
    /// # Errors
    /// It cannot be read, or there is no record.
    pub fn record(&mut self, place: u64) -> Result<Record, JournalError> {
        let line = self.line(place)?;
        let record = self.lines_before(&line);
        let record = record.and_then(|mut lines| lines.read(&self.window[line]).ok());
        record.ok_or_else(|| self.changed())
    }

    /// The JSON object of the record at this offset, without its checksum.
    ///
    /// # Errors
    /// It cannot be read, or there is no line with a valid checksum.
    pub(crate) fn json(&mut self, place: u64) -> Result<&[u8], JournalError> {
        let line = self.line(place)?;
        let body = self.lines_before(&line);
        let body = body.and_then(|mut lines| lines.check(&self.window[line]).ok());
        let Some(body) = body else {
            return Err(self.changed());
        };
        self.object.clear();
        self.object.extend_from_slice(body);
        self.object.push(b'}');
        Ok(&self.object)
    }

    /// The checksum of a line continues the one of the line before.
    fn lines_before(&self, line: &Range<usize>) -> Option<Lines> {
        match line.start {
            0 => Some(Lines::default()),
            start => Lines::after(&self.window[..start]),
        }
    }

    fn changed(&self) -> JournalError {
        let changed = io::Error::other("it was changed while it was read");
        JournalError::read(&self.path)(changed)
    }

    /// Reads until the window holds the line at this offset and the end of the line before it.
    fn line(&mut self, place: u64) -> Result<Range<usize>, JournalError> {
        match self.in_window(place) {
            Some(line) => Ok(line),
            None => {
                let file = open(&self.path)?;
                let line = self.line_in(file, place);
                line.map_err(JournalError::read(&self.path))
            }
        }
    }

    fn line_in(&mut self, mut file: File, place: u64) -> io::Result<Range<usize>> {
        let mut length = WINDOW;
        loop {
            self.window.clear();
            self.begin = place.saturating_sub(Lines::TAIL as u64);
            file.seek(SeekFrom::Start(self.begin))?;
            let read = (&file).take(length).read_to_end(&mut self.window)?;
            match self.in_window(place) {
                Some(line) => return Ok(line),
                None if (read as u64) < length => return Err(io::ErrorKind::UnexpectedEof.into()),
                None => length *= 2,
            }
        }
    }

    fn in_window(&self, place: u64) -> Option<Range<usize>> {
        let begin = usize::try_from(place.checked_sub(self.begin)?).ok()?;
        let enough = begin >= Lines::TAIL || self.begin == 0;
        let rest = self.window.get(begin..).filter(|_| enough)?;
        let length = rest.iter().position(|&b| b == b'\n')?;
        Some(begin..begin + length)
    }
}
