//! Hashes of the programs that a run measures: rounds of different binaries cannot be pooled.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::build::Builds;
use crate::hash;
use crate::plan::UnitSpec;
use crate::program;

/// The programs of a run as they were when it began or resumed.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    known: BTreeMap<Arc<Path>, Mutex<Known>>,
    /// Path of each unit's program. A missing program may appear later, and one that is built does.
    of_units: Vec<Option<Arc<Path>>>,
    builds: Builds,
}

#[derive(Debug)]
struct Known {
    stamp: Stamp,
    hash: String,
    /// When it was last checked and unchanged.
    checked: Instant,
}

/// Metadata that changes whenever a file is written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    /// Only the kernel sets it: `cp -p` and `touch` can restore every other field.
    changed: (i64, i64),
}

impl Programs {
    /// The programs of these units. Unreadable ones are not watched.
    pub(crate) fn of<'a>(units: impl Iterator<Item = &'a UnitSpec> + Clone) -> Programs {
        let mut programs = Programs {
            builds: Builds::of(units.clone()),
            ..Programs::default()
        };
        // Thousands of chapters may start the same program.
        let mut asked = HashMap::new();
        for unit in units {
            if unit.source.is_some() {
                programs.of_units.push(None);
                continue;
            }
            let search = unit.env.get("PATH").cloned();
            let words = (unit.argv.first().cloned(), unit.directory.clone(), search);
            let path = asked.entry(words).or_insert_with(|| path_of(unit));
            programs.of_units.push(path.clone());
            if let Some(path) = path
                && !programs.known.contains_key(path)
                && let Ok(program) = fingerprint(path)
            {
                programs.known.insert(path.clone(), Mutex::new(program));
            }
        }
        programs
    }

    /// What has to be built before it can be measured.
    pub(crate) fn builds(&self) -> &Builds {
        &self.builds
    }

    /// The SHA-256 of each program, by its path, for the journal.
    pub(crate) fn hashes(&self) -> BTreeMap<String, String> {
        let hash =
            |(path, known): (&Arc<Path>, &Mutex<Known>)| (shown(path), lock(known).hash.clone());
        self.known.iter().map(hash).collect()
    }

    /// Where the program of a unit is. `None` if it could not be read when the run began.
    pub(crate) fn path(&self, unit: u32) -> Option<Arc<Path>> {
        let path = self.of_unit(unit)?;
        self.known.contains_key(&path).then_some(path)
    }

    /// Whether the program's file was written or replaced, so that only its hash tells whether the
    /// program is still the same. Costs one `stat` at most.
    pub(crate) fn is_touched(&self, unit: u32) -> bool {
        let known = self.of_unit(unit);
        let known = known.and_then(|path| Some((self.known.get(&path)?, path)));
        let Some((known, path)) = known else {
            return false;
        };
        let mut known = lock(known);
        // The end of an attempt has just checked it.
        if known.checked.elapsed() < RECENT {
            return false;
        }
        // A missing program cannot be started, which is a clearer error.
        let Ok(file) = fs::metadata(path) else {
            return false;
        };
        let is_touched = Stamp::of(&file) != known.stamp;
        if !is_touched {
            known.checked = Instant::now();
        }
        is_touched
    }

    /// How the program of a unit was replaced, in words. `None` if it is the same.
    pub(crate) fn replaced(&self, unit: u32) -> Option<String> {
        let path = self.of_unit(unit)?;
        let change = changed(self.known.get(&path)?, &path);
        change.map(|change| change.description)
    }

    /// As [`Programs::replaced`], but only if an attempt that began then may have run the new
    /// program.
    pub(crate) fn replaced_under(&self, unit: u32, begun: SystemTime) -> Option<String> {
        let path = self.of_unit(unit)?;
        let change = changed(self.known.get(&path)?, &path)?;
        (change.at <= begun + STARTING).then_some(change.description)
    }

    fn of_unit(&self, unit: u32) -> Option<Arc<Path>> {
        self.of_units.get(unit as usize).cloned().flatten()
    }
}

/// Time until a started program has been read: an interpreter reads its script after its own start.
const STARTING: Duration = Duration::from_secs(1);
/// A check that is not older need not be repeated.
const RECENT: Duration = Duration::from_millis(1);

/// A program that was replaced.
struct Change {
    description: String,
    at: SystemTime,
}

/// Compares a program with what it was. Hashes it, if its file was touched, without the lock.
fn changed(known: &Mutex<Known>, path: &Path) -> Option<Change> {
    // A missing program cannot be started, which is a clearer error.
    let file = fs::metadata(path).ok()?;
    let before = {
        let mut known = lock(known);
        if Stamp::of(&file) == known.stamp {
            known.checked = Instant::now();
            return None;
        }
        known.hash.clone()
    };
    let now = fingerprint(path).ok()?;
    if now.hash == before {
        *lock(known) = now;
        return None;
    }
    let at = Duration::new(
        file.ctime().try_into().unwrap_or(0),
        file.ctime_nsec().try_into().unwrap_or(0),
    );
    Some(Change {
        description: became(&shown(path), &before, &now.hash),
        at: SystemTime::UNIX_EPOCH + at,
    })
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the programs of a resumed run differ from the recorded ones, in words; `None` if they do
/// not.
pub(crate) fn differ(
    recorded: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Option<String> {
    let replaced = recorded
        .iter()
        .find_map(|(path, hash)| match now.get(path) {
            Some(other) if other == hash => None,
            Some(other) => Some(became(path, hash, other)),
            None => Some(format!(
                "{path} was measured, but the run would no longer start it"
            )),
        });
    // A new run has no recorded programs.
    let added = || {
        let path = now.keys().find(|path| !recorded.contains_key(*path))?;
        Some(format!(
            "{path} was not measured, but the run would start it now"
        ))
    };
    replaced.or_else(|| (!recorded.is_empty()).then(added).flatten())
}

fn became(path: &str, before: &str, after: &str) -> String {
    let short = |hash: &str| hash.chars().take(12).collect::<String>();
    format!(
        "{path} was replaced (sha256 {}... became {}...)",
        short(before),
        short(after)
    )
}

fn path_of(unit: &UnitSpec) -> Option<Arc<Path>> {
    let path = program::find(unit.argv.first()?, &unit.directory, &unit.env);
    path.ok().map(Arc::from)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn fingerprint(path: &Path) -> io::Result<Known> {
    // The stamp first: a later change is detected by the next check.
    let stamp = Stamp::of(&fs::metadata(path)?);
    Ok(Known {
        stamp,
        hash: hash::of_file(path)?,
        checked: Instant::now(),
    })
}

impl Stamp {
    fn of(file: &Metadata) -> Stamp {
        Stamp {
            device: file.dev(),
            inode: file.ino(),
            bytes: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}
