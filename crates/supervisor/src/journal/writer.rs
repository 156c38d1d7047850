//! Appending to the journal: one `write(2)` for what is on record at the same moment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crashrate_model::Record;

use super::JournalError;

/// A journal open for appending. Its folder's lock must be held.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Lines that are still to be written.
    pending: Vec<u8>,
    unsynced: bool,
    /// The length up to the last record that was written whole.
    whole: u64,
    /// When it was last seen that the file is still there.
    seen: Instant,
}

/// How often it is looked whether the file is still there: not for each of thousands of records a second.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl Journal {
    /// Opens a journal, made if it is not there. A torn last line is cut off before anything is appended.
    ///
    /// # Errors
    /// The file cannot be opened, read or cut.
    pub fn open(path: &Path) -> Result<Journal, JournalError> {
        let open = || -> io::Result<(File, u64)> {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)?;
            let whole = end_of_last_line(&mut file)?;
            file.set_len(whole)?;
            file.seek(SeekFrom::Start(whole))?;
            Ok((file, whole))
        };
        let (file, whole) = open().map_err(|source| JournalError::Write {
            path: path.to_owned(),
            source,
        })?;
        Ok(Journal {
            file,
            path: path.to_owned(),
            pending: Vec::new(),
            unsynced: false,
            whole,
            seen: Instant::now(),
        })
    }

    /// Appends a record. It has left the process when this returns: a killed supervisor loses nothing.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        self.push(record)?;
        self.write()
    }

    /// Takes a record that [`Journal::write`] appends, in one piece with those taken before it. Until then a killed
    /// supervisor loses it.
    ///
    /// # Errors
    /// It cannot be written as a line.
    pub(crate) fn push(&mut self, record: &Record) -> Result<(), JournalError> {
        let whole = self.pending.len();
        let encoded = serde_json::to_writer(&mut self.pending, record);
        encoded.map_err(|error| {
            self.pending.truncate(whole);
            self.failed(error.into())
        })?;
        self.pending.push(b'\n');
        Ok(())
    }

    /// Appends what was taken since.
    ///
    /// # Errors
    /// It could not be written whole; nothing of it is left, so that it may be tried again.
    pub(crate) fn write(&mut self) -> Result<(), JournalError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        if self.seen.elapsed() >= LOOK_EVERY {
            self.check_that_it_is_there()?;
        }
        self.unsynced = true;
        if let Err(source) = self.file.write_all(&self.pending) {
            // Half a record may be there. If it cannot be cut off, what comes next writes over it.
            let _ = self.file.set_len(self.whole);
            let _ = self.file.seek(SeekFrom::Start(self.whole));
            return Err(self.failed(source));
        }
        self.whole += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// A file that was removed or moved takes records as before, and nobody will look for them there.
    fn check_that_it_is_there(&mut self) -> Result<(), JournalError> {
        self.seen = Instant::now();
        let is_there = match (self.file.metadata(), fs::metadata(&self.path)) {
            (Ok(file), Ok(there)) => (file.dev(), file.ino()) == (there.dev(), there.ino()),
            (_, Err(error)) => error.kind() != io::ErrorKind::NotFound,
            (Err(_), _) => true,
        };
        match is_there {
            true => Ok(()),
            false => Err(JournalError::Removed {
                path: self.path.clone(),
            }),
        }
    }

    /// The file with its path, if it has what would not survive a power cut yet. Whoever asks has to sync it.
    ///
    /// # Errors
    /// It cannot be opened once more, or is not there any more.
    pub(crate) fn unsynced(&mut self) -> Result<Option<(File, PathBuf)>, JournalError> {
        self.check_that_it_is_there()?;
        if !std::mem::replace(&mut self.unsynced, false) {
            return Ok(None);
        }
        let file = self.file.try_clone();
        let file = file.map_err(|source| self.failed(source))?;
        Ok(Some((file, self.path.clone())))
    }

    /// Makes what was appended survive a power cut.
    ///
    /// # Errors
    /// The disk did not take it, or the journal is not there any more.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.check_that_it_is_there()?;
        if self.unsynced {
            self.file
                .sync_data()
                .map_err(|source| self.failed(source))?;
            self.unsynced = false;
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> JournalError {
        JournalError::Write {
            path: self.path.clone(),
            source,
        }
    }
}

/// The length up to and including the last newline.
fn end_of_last_line(file: &mut File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut buffer = [0; 4096];
    while end > 0 {
        let length = end.min(buffer.len() as u64) as usize;
        let begin = end - length as u64;
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(&mut buffer[..length])?;
        if let Some(newline) = buffer[..length].iter().rposition(|&b| b == b'\n') {
            return Ok(begin + newline as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use crashrate_model::{Hello, Started};
    use proptest::prelude::*;

    use super::super::read;
    use super::*;

    fn record(n: u32) -> Record {
        match n % 2 {
            0 => Record::Started(Started {
                unit: n,
                round: 1,
                attempt: 1,
                at: 0.25,
            }),
            _ => Record::Hello(Hello {
                device: format!("d{n}\n\"é"),
                versions: Default::default(),
            }),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn what_was_written_is_read_and_a_torn_tail_is_cut(before in 0u32..6, after in 0u32..4, torn in "[^\n]{0,5000}") {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal.jsonl");
            let mut journal = Journal::open(&path).unwrap();
            (0..before).for_each(|n| journal.append(&record(n)).unwrap());
            journal.file.write_all(torn.as_bytes()).unwrap();
            let whole: Vec<_> = read(&path).unwrap().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(whole, (0..before).map(record).collect::<Vec<_>>());

            let mut journal = Journal::open(&path).unwrap();
            (before..before + after).for_each(|n| journal.append(&record(n)).unwrap());
            let whole: Vec<_> = read(&path).unwrap().collect::<Result<_, _>>().unwrap();
            prop_assert_eq!(whole, (0..before + after).map(record).collect::<Vec<_>>());
        }
    }

    #[test]
    fn corruption_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = Journal::open(&path).unwrap();
        journal.append(&record(0)).unwrap();
        journal.file.write_all(b"{\"rec\":\"started\"}\n").unwrap();
        journal.append(&record(1)).unwrap();
        let error = read(&path).unwrap().find_map(Result::err).unwrap();
        assert!(
            error
                .to_string()
                .contains("journal.jsonl:2: not a journal record"),
            "{error}"
        );
    }
}
