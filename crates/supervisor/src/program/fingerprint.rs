//! Hashes of the programs that a run measures: rounds of different binaries cannot be pooled.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::hash;
use crate::plan::AttemptSpec;
use crate::program;

/// The programs of a run as they were when it began or resumed.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    known: BTreeMap<Arc<Path>, Known>,
    /// Path of each unit's program. A missing program may appear later.
    of_units: Vec<Option<Arc<Path>>>,
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
    /// The programs of these attempts, one attempt of each unit. Unreadable ones are not watched.
    pub(crate) fn of(attempts: impl Iterator<Item = AttemptSpec>) -> Programs {
        let mut programs = Programs::default();
        // Thousands of chapters may start the same program.
        let mut asked = HashMap::new();
        for spec in attempts {
            let unit = &spec.unit;
            let search = unit.env.get("PATH").cloned();
            let words = (unit.argv.first().cloned(), unit.directory.clone(), search);
            let path = asked.entry(words).or_insert_with(|| path_of(&spec));
            programs.of_units.push(path.clone());
            if let Some(path) = path
                && !programs.known.contains_key(path)
                && let Ok(program) = fingerprint(path)
            {
                programs.known.insert(path.clone(), program);
            }
        }
        programs
    }

    /// The SHA-256 of each by its path, as the journal records it.
    pub(crate) fn hashes(&self) -> BTreeMap<String, String> {
        let hash = |(path, known): (&Arc<Path>, &Known)| (shown(path), known.hash.clone());
        self.known.iter().map(hash).collect()
    }

    /// How the program that an attempt would start now differs from the original, in words; `None` if
    /// it does not. Sets the attempt's program path.
    pub(crate) fn replaced(&mut self, unit: u32, spec: &mut AttemptSpec) -> Option<String> {
        let path = self.of_unit(unit)?;
        let known = self.known.get_mut(&path)?;
        spec.program = Some(path.clone());
        // The end of the previous attempt has just checked it.
        if known.checked.elapsed() < RECENT {
            return None;
        }
        known.changed(&path).map(|change| change.description)
    }

    /// How the program that an attempt has run may differ from the original, in words. A replacement
    /// long after the attempt began does not matter.
    pub(crate) fn replaced_under(&mut self, unit: u32, begun: SystemTime) -> Option<String> {
        let path = self.of_unit(unit)?;
        let change = self.known.get_mut(&path)?.changed(&path)?;
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

impl Known {
    fn changed(&mut self, path: &Path) -> Option<Change> {
        // If it is gone, the start fails with a better message.
        let file = fs::metadata(path).ok()?;
        if Stamp::of(&file) == self.stamp {
            self.checked = Instant::now();
            return None;
        }
        let now = fingerprint(path).ok()?;
        if now.hash == self.hash {
            *self = now;
            return None;
        }
        let at = Duration::new(
            file.ctime().try_into().unwrap_or(0),
            file.ctime_nsec().try_into().unwrap_or(0),
        );
        Some(Change {
            description: became(&shown(path), &self.hash, &now.hash),
            at: SystemTime::UNIX_EPOCH + at,
        })
    }
}

/// How the programs of a resumed run differ from the recorded ones, in words; `None` if they do not.
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

fn path_of(spec: &AttemptSpec) -> Option<Arc<Path>> {
    let unit = &spec.unit;
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
