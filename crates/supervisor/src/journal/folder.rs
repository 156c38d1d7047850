//! Run folders: created with a number and a lock, found by path, id, number or `latest`.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crashrate_model::RunInfo;
use thiserror::Error;

use super::JOURNAL;
use crate::safe_file;

/// Locked while a crashrate uses the folder.
pub(crate) const LOCK: &str = "lock";
/// Locked while a new run takes its number.
const NUMBERING: &str = ".lock";

/// A run folder that cannot be created or found.
#[derive(Debug, Error)]
pub enum FolderError {
    /// A file or folder cannot be used.
    #[error("{}: {what}: {source}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What failed.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// No such run.
    #[error("there is no run `{name}` in {}; `crashrate runs` lists all", runs.display())]
    NotFound {
        /// The name.
        name: String,
        /// The runs folder.
        runs: PathBuf,
    },
    /// The number belongs to another run.
    #[error(
        "there is a run N={number} already: {}; choose another number, or another --runs-dir",
        folder.display()
    )]
    Taken {
        /// The number.
        number: u32,
        /// The run that has it.
        folder: PathBuf,
    },
    /// A run has the highest possible number.
    #[error(
        "{} has a run N={}, the highest number: give the new run a free one with --number",
        runs.display(),
        u32::MAX
    )]
    NoNumber {
        /// The runs folder.
        runs: PathBuf,
    },
    /// Another crashrate is using it.
    #[error("{} is in use by another crashrate", path.display())]
    Locked {
        /// The run folder.
        path: PathBuf,
    },
}

fn failed(path: &Path, what: &'static str) -> impl Fn(io::Error) -> FolderError {
    move |source| FolderError::Io {
        path: path.to_owned(),
        what,
        source,
    }
}

/// A run folder, locked while this value lives.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    id: String,
    number: u32,
    resumed: bool,
    _lock: File,
}

impl RunFolder {
    /// Creates the folder of a new run of that suite in `runs`, with the next number or the given
    /// one.
    ///
    /// # Errors
    /// The number is taken, or the folder cannot be created or locked.
    pub fn create(runs: &Path, suite: &str, number: Option<u32>) -> Result<RunFolder, FolderError> {
        fs::create_dir_all(runs).map_err(failed(runs, "the runs folder cannot be created"))?;
        // Two runs that start at the same time must not take the same number.
        let numbering = safe_file::open_or_create(runs, NUMBERING)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(failed(
                &runs.join(NUMBERING),
                "the runs folder cannot be locked",
            ))?;
        let number = free_number(runs, number)?;
        let time = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
        // The id marks processes, so it must be unique on the machine, not only in the runs folder.
        let suite = safe_file::readable_name(suite);
        let id = format!("{number}-{suite}-{time}-{}", std::process::id());
        let path = runs.join(&id);
        fs::create_dir(&path).map_err(failed(runs, "the run's folder cannot be created"))?;
        let lock = lock(&path)?;
        drop(numbering);
        Ok(RunFolder {
            path,
            id,
            number,
            resumed: false,
            _lock: lock,
        })
    }

    /// Locks the folder of an earlier run to resume it.
    ///
    /// # Errors
    /// Another crashrate is using it, or it cannot be locked.
    pub fn reopen(path: &Path) -> Result<RunFolder, FolderError> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let lock = lock(&path)?;
        let id = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(RunFolder {
            id: id.into_owned(),
            number: number_of(&path),
            resumed: true,
            _lock: lock,
            path,
        })
    }

    /// Creates the folder of a merged run, or locks that of an earlier one to replace it.
    ///
    /// # Errors
    /// It cannot be created, or another crashrate is using it.
    pub fn for_merged(path: &Path, run: &RunInfo) -> Result<RunFolder, FolderError> {
        fs::create_dir_all(path).map_err(failed(path, "the run's folder cannot be created"))?;
        let lock = lock(path)?;
        Ok(RunFolder {
            path: path.to_owned(),
            id: run.id.clone(),
            number: run.number,
            resumed: false,
            _lock: lock,
        })
    }

    /// Whether this resumes an earlier run.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Its path.
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

    /// The path of its journal.
    pub fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }
}

/// How long a lock is waited for. A child that a killed supervisor was starting inherits its lock
/// until its exec, and [`is_live`] holds it for a moment.
const PATIENCE: Duration = Duration::from_secs(3);

fn lock(folder: &Path) -> Result<File, FolderError> {
    let path = folder.join(LOCK);
    let wrong = failed(&path, "the run's folder cannot be locked");
    let file = safe_file::open_or_create(folder, LOCK).map_err(&wrong)?;
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(wrong(source)),
            Err(TryLockError::WouldBlock) if begin.elapsed() < PATIENCE => {
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

/// Removes a run folder and its content, locked so that the run cannot be resumed meanwhile.
///
/// # Errors
/// Another crashrate is using it, or it cannot be removed.
pub fn remove(folder: &Path) -> Result<(), FolderError> {
    let lock = lock(folder)?;
    let removed = fs::remove_dir_all(folder);
    drop(lock);
    removed.map_err(failed(folder, "the run's folder cannot be removed"))
}

/// Whether a run folder is in use by a running crashrate.
pub fn is_live(folder: &Path) -> bool {
    safe_file::open(folder, LOCK)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// The run folders in `runs`, by number; empty if the folder does not exist.
///
/// # Errors
/// The folder cannot be read.
pub fn list(runs: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let entries = match fs::read_dir(runs) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed(runs, "the runs folder cannot be read"))?,
    };
    // A link could lead out of the runs folder.
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

/// Finds a run by its folder, its id, its number or `latest`.
///
/// # Errors
/// There is no such run.
pub fn find(runs: &Path, name: &str) -> Result<PathBuf, FolderError> {
    let path = Path::new(name);
    if has(path, JOURNAL) {
        return Ok(path.to_owned());
    }
    let folders = list(runs)?;
    let matches = |folder: &&PathBuf| {
        let id = folder.file_name().unwrap_or_default().to_string_lossy();
        id == name || name.parse().is_ok_and(|n: u32| n == number_of(folder))
    };
    let found = match name {
        // Skips runs that died before their first record: they have nothing to report.
        "latest" => folders.iter().rev().find(|folder| has_records(folder)),
        _ => folders.iter().rev().find(matches),
    };
    found.cloned().ok_or_else(|| FolderError::NotFound {
        name: name.to_owned(),
        runs: runs.to_owned(),
    })
}

/// Whether a folder has an entry of that name. If it is not a regular file, opening it fails later.
fn has(folder: &Path, name: &str) -> bool {
    fs::symlink_metadata(folder.join(name)).is_ok()
}

/// Checks that no other run than the merged one with this id has its number.
///
/// # Errors
/// Another run has it, or the folder cannot be read.
pub fn check_number(runs: &Path, number: u32, id: &str) -> Result<(), FolderError> {
    match runs.join(id).is_dir() {
        true => Ok(()),
        false => free_number(runs, Some(number)).map(drop),
    }
}

/// The number of a new run: the given one, or the next after the highest.
///
/// # Errors
/// Another run has it, no number is left, or the folder cannot be read.
pub fn free_number(runs: &Path, asked: Option<u32>) -> Result<u32, FolderError> {
    let mut folders = list(runs)?;
    let Some(number) = asked else {
        let highest = folders.last().map_or(0, |run| number_of(run));
        return highest.checked_add(1).ok_or_else(|| FolderError::NoNumber {
            runs: runs.to_owned(),
        });
    };
    match folders
        .iter()
        .position(|folder| number_of(folder) == number)
    {
        Some(place) => Err(FolderError::Taken {
            number,
            folder: folders.swap_remove(place),
        }),
        None => Ok(number),
    }
}

/// Whether a run's journal has any records.
pub fn has_records(folder: &Path) -> bool {
    fs::symlink_metadata(folder.join(JOURNAL)).is_ok_and(|file| file.len() > 0)
}

/// The report number, with which a run's id begins.
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
