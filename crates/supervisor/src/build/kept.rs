//! The builds that are kept: found again, locked while they are used, and removed when they are
//! too many.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{Origin, Source, git};

/// The most that all kept builds together take on the disk, bytes.
pub const MAX_BYTES: u64 = 10_000_000_000;
/// Written when a build is complete, and touched when it is used.
const DONE: &str = "built.json";
/// Locked while a build is made (exclusively) or used (shared).
const LOCK: &str = "lock";

/// The folder of all kept builds.
#[derive(Clone, Debug)]
pub struct KeptBuilds {
    folder: PathBuf,
}

/// A complete build.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) source: Source,
    /// What it takes on the disk.
    pub(super) bytes: u64,
    /// How long it took.
    pub(super) secs: f64,
}

struct Entry {
    path: PathBuf,
    done: Done,
    used: SystemTime,
}

impl KeptBuilds {
    /// The builds that are kept with these runs.
    pub fn of_runs(runs: &Path) -> KeptBuilds {
        let folder = runs.join(".builds");
        KeptBuilds::at(&std::path::absolute(&folder).unwrap_or(folder))
    }

    pub(super) fn at(folder: &Path) -> KeptBuilds {
        KeptBuilds {
            folder: folder.to_owned(),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many builds there are, and the bytes that they take.
    pub fn size(&self) -> (usize, u64) {
        let all = self.entries();
        (all.len(), all.iter().map(|entry| entry.done.bytes).sum())
    }

    /// Removes all builds that no run uses. Returns how many, and their bytes.
    pub fn clean(&self) -> (usize, u64) {
        let removed = self.entries().into_iter().filter(Entry::remove);
        removed.fold((0, 0), |(n, bytes), entry| {
            (n + 1, bytes + entry.done.bytes)
        })
    }

    /// Removes the builds that were not used for longest until the rest takes at most
    /// [`MAX_BYTES`]. Builds in use stay.
    pub(super) fn trim(&self) {
        let mut all = self.entries();
        all.sort_by_key(|entry| entry.used);
        let mut bytes: u64 = all.iter().map(|entry| entry.done.bytes).sum();
        for entry in all {
            if bytes <= MAX_BYTES {
                return;
            }
            if entry.remove() {
                bytes -= entry.done.bytes;
            }
        }
    }

    fn entries(&self) -> Vec<Entry> {
        let folders = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let entry = |path: PathBuf| {
            let file = path.join(DONE);
            Some(Entry {
                used: fs::metadata(&file).ok()?.modified().ok()?,
                done: serde_json::from_slice(&fs::read(&file).ok()?).ok()?,
                path,
            })
        };
        folders.filter_map(|folder| entry(folder.path())).collect()
    }
}

impl Entry {
    /// Removes the build unless a run uses it. Returns whether it is gone.
    fn remove(&self) -> bool {
        let Ok(lock) = lock_file(&self.path) else {
            return false;
        };
        if lock.try_lock().is_err() {
            return false;
        }
        // First the mark: half a build is none.
        let is_gone = fs::remove_file(self.path.join(DONE)).is_ok();
        let _ = fs::remove_dir_all(&self.path);
        if let Origin::Revision { repository, .. } = &self.done.source.origin {
            git::prune(repository);
        }
        is_gone
    }
}

/// Locks the folder of a build so that no other run builds there or removes it.
pub(super) fn lock(source: &Source) -> io::Result<File> {
    fs::create_dir_all(&source.folder)?;
    let lock = lock_file(&source.folder)?;
    lock.lock()?;
    Ok(lock)
}

fn lock_file(folder: &Path) -> io::Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK))
}

/// The complete build of a source, which is now used again.
pub(super) fn find(source: &Source) -> Option<Done> {
    let path = source.folder.join(DONE);
    let done: Done = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
    let used = File::options().append(true).open(&path);
    let _ = used.and_then(|file| file.set_modified(SystemTime::now()));
    Some(done)
}

/// Removes what an interrupted build left.
pub(super) fn clear(source: &Source) -> io::Result<()> {
    match fs::remove_dir_all(source.tree()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if let Origin::Revision { repository, .. } = &source.origin {
        git::prune(repository);
    }
    match source.starts_with_folder() {
        true => fs::create_dir(source.tree()),
        false => Ok(()),
    }
}

/// Records that a build is complete.
pub(super) fn done(source: &Source, secs: f64) -> io::Result<Done> {
    let done = Done {
        source: source.clone(),
        bytes: bytes_in(&source.folder),
        secs,
    };
    let text = serde_json::to_vec_pretty(&done)?;
    fs::write(source.folder.join(DONE), text)?;
    Ok(done)
}

/// What a folder takes on the disk. Links are not followed.
fn bytes_in(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    /// The unit of `st_blocks`.
    const BLOCK: u64 = 512;
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(file) if file.is_dir() => bytes_in(&entry.path()),
        Ok(file) => file.blocks() * BLOCK,
        Err(_) => 0,
    };
    entries.map(of).sum()
}
