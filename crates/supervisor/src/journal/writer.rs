//! Appending to the journal: one `write(2)` for all records of one moment.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crashrate_model::{Lines, Record};

use super::{JournalError, split};
use crate::safe_file;

/// A journal open for appending. Its folder's lock must be held.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    /// The checksum after the last record in `pending`.
    lines: Lines,
    /// Lines that are not written yet.
    pending: Vec<u8>,
    unsynced: bool,
    /// The length up to the last complete record.
    whole: u64,
    /// The length of the file after the last write.
    length: u64,
}

impl Journal {
    /// Opens a journal, or creates it. Cuts off a torn last line.
    ///
    /// # Errors
    /// The file cannot be opened, read or cut, or its last line has no checksum to continue.
    pub fn open(path: &Path) -> Result<Journal, JournalError> {
        let wrong = &JournalError::write(path);
        let mut file = split(path)
            .and_then(|(folder, name)| safe_file::open_or_create(folder, name))
            .map_err(wrong)?;
        if file.metadata().map_err(wrong)?.nlink() > 1 {
            let path = path.to_owned();
            return Err(JournalError::Linked { path });
        }
        let (lines, whole) = end_of_last_line(&mut file).map_err(wrong)?;
        let without = || io::Error::other("its last line has no checksum");
        let lines = lines
            .ok_or_else(without)
            .map_err(JournalError::read(path))?;
        file.set_len(whole)
            .and_then(|()| file.seek(SeekFrom::Start(whole)))
            .map_err(wrong)?;
        Ok(Journal {
            file,
            path: path.to_owned(),
            lines,
            pending: Vec::new(),
            unsynced: false,
            whole,
            length: whole,
        })
    }

    /// Appends a record. The kernel has it when this returns, so a killed supervisor loses nothing.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&mut self, record: &Record) -> Result<(), JournalError> {
        self.push(record)?;
        self.write()
    }

    /// Adds a record to the next [`Journal::write`]. Until then a killed supervisor loses it.
    ///
    /// # Errors
    /// It cannot be serialized.
    pub(crate) fn push(&mut self, record: &Record) -> Result<(), JournalError> {
        let pushed = self.lines.write(record, &mut self.pending);
        pushed.map_err(|error| JournalError::write(&self.path)(error.into()))
    }

    /// Appends the records that were pushed.
    ///
    /// # Errors
    /// Something else changed the journal, or the write failed. A partial write is cut off, so the
    /// caller may try again.
    pub(crate) fn write(&mut self) -> Result<(), JournalError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.check_unchanged()?;
        self.unsynced = true;
        if let Err(source) = self.file.write_all(&self.pending) {
            // Cut off a partial record. If that fails too, the next write starts at the same place.
            let _ = self.file.set_len(self.whole);
            let _ = self.file.seek(SeekFrom::Start(self.whole));
            self.length = self.file.metadata().map_or(self.whole, |file| file.len());
            return Err(JournalError::write(&self.path)(source));
        }
        self.whole += self.pending.len() as u64;
        self.length = self.length.max(self.whole);
        self.pending.clear();
        Ok(())
    }

    /// Only this run writes to its journal. Two system calls before each write detect a file that
    /// was removed, replaced, shortened or appended to; checksums detect changed bytes when it is
    /// read.
    fn check_unchanged(&self) -> Result<(), JournalError> {
        let file = self.file.metadata();
        let file = file.map_err(JournalError::write(&self.path))?;
        let how = match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => "removed or moved",
            Ok(there) if (file.dev(), file.ino()) != (there.dev(), there.ino()) => {
                "replaced by another file"
            }
            _ if file.len() < self.length => "shortened by another program",
            _ if file.len() > self.length => "written to by another program",
            _ => return Ok(()),
        };
        Err(JournalError::Changed {
            path: self.path.clone(),
            how,
        })
    }

    /// The file and its path, if it has records that a power cut would lose. The caller syncs it.
    ///
    /// # Errors
    /// It cannot be opened again, or something else changed it.
    pub(crate) fn unsynced(&mut self) -> Result<Option<(File, PathBuf)>, JournalError> {
        self.check_unchanged()?;
        if !std::mem::replace(&mut self.unsynced, false) {
            return Ok(None);
        }
        let file = self.file.try_clone();
        let file = file.map_err(JournalError::write(&self.path))?;
        Ok(Some((file, self.path.clone())))
    }

    /// Makes all records survive a power cut.
    ///
    /// # Errors
    /// The disk failed, or something else changed the journal.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.check_unchanged()?;
        if self.unsynced {
            let synced = self.file.sync_data();
            synced.map_err(JournalError::write(&self.path))?;
            self.unsynced = false;
        }
        Ok(())
    }
}

/// The checksum after the last complete line, if it has one, and the length up to there.
fn end_of_last_line(file: &mut File) -> io::Result<(Option<Lines>, u64)> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut buffer = [0; 4096];
    while end > 0 {
        let length = end.min(buffer.len() as u64) as usize;
        let begin = end - length as u64;
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(&mut buffer[..length])?;
        if let Some(newline) = buffer[..length].iter().rposition(|&b| b == b'\n') {
            let whole = begin + newline as u64 + 1;
            let tail = whole.min(Lines::TAIL as u64) as usize;
            file.seek(SeekFrom::Start(whole - tail as u64))?;
            file.read_exact(&mut buffer[..tail])?;
            return Ok((Lines::after(&buffer[..tail]), whole));
        }
        end = begin;
    }
    Ok((Some(Lines::default()), 0))
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
                opened: None,
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
        fn records_are_read_back_and_a_torn_tail_is_cut(
            before in 0u32..6,
            after in 0u32..4,
            torn in "[^\n]{0,5000}",
        ) {
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

    fn open_with_two(folder: &Path) -> (PathBuf, Journal) {
        let path = folder.join("journal.jsonl");
        let mut journal = Journal::open(&path).unwrap();
        (0..2).for_each(|n| journal.append(&record(n)).unwrap());
        (path, journal)
    }

    #[test]
    fn a_damaged_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = open_with_two(folder.path());
        let text = fs::read_to_string(&path).unwrap();
        let damaged = text.replacen("hello", "hallo", 1);
        fs::write(&path, damaged).unwrap();
        let error = read(&path).unwrap().find_map(Result::err).unwrap();
        let says = "journal.jsonl:2: the checksum is wrong: ";
        assert!(error.to_string().contains(says), "{error}");
        fs::write(&path, "{}\n").unwrap();
        let error = Journal::open(&path).unwrap_err().to_string();
        assert!(error.contains("has no checksum"), "{error}");
    }

    #[test]
    fn nothing_is_appended_if_another_program_changed_the_journal() {
        let append = |path: &Path, text: &[u8]| {
            let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
            file.write_all(text).unwrap();
        };
        type Change<'c> = &'c dyn Fn(&Path);
        let changes: [(Change<'_>, &str); 6] = [
            (
                &|path| fs::write(path, "").unwrap(),
                "was shortened by another program",
            ),
            (
                &|path| {
                    fs::File::options()
                        .write(true)
                        .open(path)
                        .unwrap()
                        .set_len(9)
                        .unwrap()
                },
                "was shortened",
            ),
            (
                &|path| append(path, b"{\"rec\":\"started\"}\n"),
                "was written to by another program",
            ),
            (&|path| append(path, b"x"), "was written to"),
            (
                &|path| fs::remove_file(path).unwrap(),
                "was removed or moved",
            ),
            (
                &|path| {
                    fs::copy(path, path.with_extension("copy")).unwrap();
                    fs::rename(path.with_extension("copy"), path).unwrap();
                },
                "was replaced by another file",
            ),
        ];
        for (change, says) in changes {
            let folder = tempfile::tempdir().unwrap();
            let (path, mut journal) = open_with_two(folder.path());
            change(&path);
            let after = fs::read(&path).ok();
            for _ in 0..2 {
                let error = journal.append(&record(0)).unwrap_err().to_string();
                assert!(error.contains(says), "{error}");
            }
            assert!(journal.sync().is_err());
            assert_eq!(fs::read(&path).ok(), after);
        }
    }

    #[test]
    fn a_journal_with_a_second_name_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let precious = folder.path().join("precious");
        fs::write(&precious, "no newline").unwrap();
        let path = folder.path().join("journal.jsonl");
        fs::hard_link(&precious, &path).unwrap();
        let error = Journal::open(&path).unwrap_err().to_string();
        assert!(error.contains("a second name"), "{error}");
        assert_eq!(fs::read_to_string(&precious).unwrap(), "no newline");
    }
}
