//! Run folders: made with a number and a lock, found again by path, id or `latest`.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::JOURNAL;
use crate::safe_file;

const LOCK: &str = "lock";
/// Held while a new run takes its number.
const NUMBERING: &str = ".lock";

/// A run folder that cannot be made or found.
#[derive(Debug, Error)]
pub enum FolderError {
    /// A file or folder cannot be used.
    #[error("{}: {what}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What could not be done.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// No such run.
    #[error("there is no run `{name}` in {}; `crashrate runs` lists what is there", runs.display())]
    NotFound {
        /// What was asked for.
        name: String,
        /// The runs folder.
        runs: PathBuf,
    },
    /// The number belongs to another run.
    #[error("there is a run N={number} already: {}; choose another number, or another --runs-dir", folder.display())]
    Taken {
        /// The number.
        number: u32,
        /// The run that has it.
        folder: PathBuf,
    },
    /// The highest number there is belongs to a run.
    #[error("{} has a run N={}, the highest number: give the new run a free one with --number", runs.display(), u32::MAX)]
    NoNumber {
        /// The runs folder.
        runs: PathBuf,
    },
    /// Another supervisor is at work in it.
    #[error("{} is in use by another crashrate", path.display())]
    Locked {
        /// The run folder.
        path: PathBuf,
    },
}

/// A run's folder, locked for as long as this lives.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    id: String,
    number: u32,
    resumed: bool,
    _lock: File,
}

impl RunFolder {
    /// Makes the folder of a new run of that suite in `runs`, with the next number there or the one given.
    ///
    /// # Errors
    /// The folder cannot be made or locked.
    pub fn create(runs: &Path, suite: &str, number: Option<u32>) -> Result<RunFolder, FolderError> {
        let wrong = |what| {
            move |source| FolderError::Io {
                path: runs.to_owned(),
                what,
                source,
            }
        };
        fs::create_dir_all(runs).map_err(wrong("the runs folder cannot be made"))?;
        // Two supervisors that start at the same time must not take the same number.
        let numbering = safe_file::open_or_create(runs, NUMBERING)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|source| FolderError::Io {
                path: runs.join(NUMBERING),
                what: "the runs folder cannot be locked",
                source,
            })?;
        let number = free_number(runs, number)?;
        let time = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
        // The id marks processes: no other run on this machine may have the same, whatever its runs folder.
        let suite = safe_file::readable_name(suite);
        let id = format!("{number}-{suite}-{time}-{}", std::process::id());
        let path = runs.join(&id);
        fs::create_dir(&path).map_err(wrong("the run's folder cannot be made"))?;
        let lock = lock(&path, Duration::ZERO)?;
        drop(numbering);
        Ok(RunFolder {
            path,
            id,
            number,
            resumed: false,
            _lock: lock,
        })
    }

    /// Takes the folder of a run that is to be gone on with.
    ///
    /// # Errors
    /// Another supervisor is at work in it, or it cannot be locked.
    pub fn reopen(path: &Path) -> Result<RunFolder, FolderError> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let lock = lock(&path, INHERITED)?;
        let id = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(RunFolder {
            id: id.into_owned(),
            number: number_of(&path),
            resumed: true,
            _lock: lock,
            path,
        })
    }

    /// Whether this goes on with an earlier run.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The report number N.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Where its journal is.
    pub fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }
}

/// How long the lock of a supervisor that was killed may last: a child that it was just starting has inherited it.
const INHERITED: Duration = Duration::from_secs(3);

fn lock(folder: &Path, patience: Duration) -> Result<File, FolderError> {
    let wrong = |source| FolderError::Io {
        path: folder.join(LOCK),
        what: "the run's folder cannot be locked",
        source,
    };
    let file = safe_file::open_or_create(folder, LOCK).map_err(wrong)?;
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(wrong(source)),
            Err(TryLockError::WouldBlock) if begin.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(FolderError::Locked {
                    path: folder.to_owned(),
                });
            }
        }
    }
}

/// Removes a run's folder with all that is in it. Nobody can go on with the run meanwhile.
///
/// # Errors
/// A supervisor is at work in it, or it cannot be removed.
pub fn remove(folder: &Path) -> Result<(), FolderError> {
    let lock = lock(folder, Duration::ZERO)?;
    let removed = fs::remove_dir_all(folder);
    drop(lock);
    removed.map_err(|source| FolderError::Io {
        path: folder.to_owned(),
        what: "the run's folder cannot be removed",
        source,
    })
}

/// Whether a supervisor is at work in a run folder.
pub fn is_live(folder: &Path) -> bool {
    safe_file::open(folder, LOCK)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// The run folders in `runs`, by number; none if there is no such folder.
///
/// # Errors
/// The folder cannot be read.
pub fn list(runs: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let entries = match fs::read_dir(runs) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|source| FolderError::Io {
            path: runs.to_owned(),
            what: "the runs folder cannot be read",
            source,
        })?,
    };
    // A link would lead out of the runs folder.
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut folders: Vec<PathBuf> = entries
        .flatten()
        .filter(is_folder)
        .map(|entry| entry.path())
        .filter(|path| has(path, JOURNAL) || has(path, LOCK))
        .collect();
    folders.sort_by_cached_key(|path| (number_of(path), modified(path), path.clone()));
    Ok(folders)
}

/// The run that a person means by a folder, an id, a number or `latest`.
///
/// # Errors
/// There is none.
pub fn find(runs: &Path, name: &str) -> Result<PathBuf, FolderError> {
    let not_found = || FolderError::NotFound {
        name: name.to_owned(),
        runs: runs.to_owned(),
    };
    let path = Path::new(name);
    if has(path, JOURNAL) {
        return Ok(path.to_owned());
    }
    let folders = list(runs)?;
    let wanted = |folder: &&PathBuf| {
        let id = folder.file_name().unwrap_or_default().to_string_lossy();
        id == name || name.parse().is_ok_and(|n: u32| n == number_of(folder))
    };
    let found = match name {
        // One that died before it opened its journal has nothing to show, and hides no run before it.
        "latest" => folders.iter().rev().find(|folder| has_records(folder)),
        _ => folders.iter().rev().find(wanted),
    };
    found.cloned().ok_or_else(not_found)
}

/// The run of that number, if there is one.
///
/// # Errors
/// The runs folder cannot be read.
fn find_number(runs: &Path, number: u32) -> Result<Option<PathBuf>, FolderError> {
    let mut folders = list(runs)?.into_iter();
    Ok(folders.find(|folder| number_of(folder) == number))
}

/// Whether something of that name is in a folder. What is no regular file is an error later, when it is opened.
fn has(folder: &Path, name: &str) -> bool {
    fs::symlink_metadata(folder.join(name)).is_ok()
}

/// The number of a new run: the one asked for, or the one after the highest.
fn free_number(runs: &Path, asked: Option<u32>) -> Result<u32, FolderError> {
    let Some(number) = asked else {
        let highest = list(runs)?.last().map_or(0, |run| number_of(run));
        return highest.checked_add(1).ok_or_else(|| FolderError::NoNumber {
            runs: runs.to_owned(),
        });
    };
    match find_number(runs, number)? {
        Some(folder) => Err(FolderError::Taken { number, folder }),
        None => Ok(number),
    }
}

/// Whether anything is in a run's journal.
pub fn has_records(folder: &Path) -> bool {
    fs::symlink_metadata(folder.join(JOURNAL)).is_ok_and(|file| file.len() > 0)
}

/// The report number is the beginning of a run's id.
fn number_of(folder: &Path) -> u32 {
    let id = folder.file_name().unwrap_or_default().to_string_lossy();
    id.split('-')
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}

fn modified(folder: &Path) -> Option<std::time::SystemTime> {
    let file = fs::symlink_metadata(folder.join("run.toml")).ok()?;
    file.modified().ok()
}
