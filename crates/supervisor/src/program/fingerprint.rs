//! The programs that a run measures, and whether they are still what they were: the rounds of two builds are no rate.

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

/// The programs of a run, as they were when it began or was gone on with.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    known: BTreeMap<Arc<Path>, Known>,
    /// Where the program of each unit is. One that is not there may come.
    of_units: Vec<Option<Arc<Path>>>,
}

#[derive(Debug)]
struct Known {
    stamp: Stamp,
    hash: String,
    /// When it was last seen to be what it was.
    looked: Instant,
}

/// What changes whenever a file is written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    /// Set by the kernel alone: `cp -p` and `touch` bring back every other field, and not this one.
    changed: (i64, i64),
}

impl Programs {
    /// The programs that these attempts start, one of each unit. One that cannot be read cannot be watched, either.
    pub(crate) fn of(attempts: impl Iterator<Item = AttemptSpec>) -> Programs {
        let mut programs = Programs::default();
        // The same words find the same program: thousands of chapters may start one.
        let mut asked = HashMap::new();
        for spec in attempts {
            let unit = &spec.unit;
            let search = unit.env.get("PATH").cloned();
            let words = (unit.argv.first().cloned(), unit.directory.clone(), search);
            let path = asked.entry(words).or_insert_with(|| path_of(&spec));
            programs.of_units.push(path.clone());
            if let Some(path) = path
                && !programs.known.contains_key(path)
                && let Ok(program) = look(path)
            {
                programs.known.insert(path.clone(), program);
            }
        }
        programs
    }

    /// The SHA-256 of each, by its path: what is on record of them.
    pub(crate) fn hashes(&self) -> BTreeMap<String, String> {
        let hash = |(path, known): (&Arc<Path>, &Known)| (shown(path), known.hash.clone());
        self.known.iter().map(hash).collect()
    }

    /// How the program that an attempt of a unit would start now differs from what it was, in words; nothing if it does
    /// not. The attempt is told where it is.
    pub(crate) fn replaced(&mut self, unit: u32, spec: &mut AttemptSpec) -> Option<String> {
        let path = self.of_unit(unit)?;
        let known = self.known.get_mut(&path)?;
        spec.program = Some(path.clone());
        // Of the end of an attempt it is known already.
        if known.looked.elapsed() < JUST_NOW {
            return None;
        }
        known.changed(&path).map(|change| change.words)
    }

    /// Whether the program that an attempt of a unit has run may be another than it was, in words. One that was replaced
    /// long after the attempt began had no part in it.
    pub(crate) fn replaced_under(&mut self, unit: u32, begun: SystemTime) -> Option<String> {
        let path = self.of_unit(unit)?;
        let change = self.known.get_mut(&path)?.changed(&path)?;
        (change.at <= begun + STARTING).then_some(change.words)
    }

    fn of_unit(&self, unit: u32) -> Option<Arc<Path>> {
        self.of_units.get(unit as usize).cloned().flatten()
    }
}

/// How long a start may take until the program is read: an interpreter reads its script after its own start.
const STARTING: Duration = Duration::from_secs(1);
/// A look that is not older is as good as a new one.
const JUST_NOW: Duration = Duration::from_millis(1);

/// A program that is another by now.
struct Change {
    words: String,
    at: SystemTime,
}

impl Known {
    fn changed(&mut self, path: &Path) -> Option<Change> {
        // One that is gone cannot be started, and that says more.
        let file = fs::metadata(path).ok()?;
        if Stamp::of(&file) == self.stamp {
            self.looked = Instant::now();
            return None;
        }
        let now = look(path).ok()?;
        if now.hash == self.hash {
            *self = now;
            return None;
        }
        let at = Duration::new(
            file.ctime().try_into().unwrap_or(0),
            file.ctime_nsec().try_into().unwrap_or(0),
        );
        Some(Change {
            words: became(&shown(path), &self.hash, &now.hash),
            at: SystemTime::UNIX_EPOCH + at,
        })
    }
}

/// How the programs that a run is to go on with differ from those on its record, in words; nothing if they do not.
pub(crate) fn differ(
    recorded: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Option<String> {
    let changed = recorded
        .iter()
        .find_map(|(path, hash)| match now.get(path) {
            Some(other) if other == hash => None,
            Some(other) => Some(became(path, hash, other)),
            None => Some(format!("{path} is not what would be started now")),
        });
    // Nothing is known of the programs of a run that an older crashrate began.
    let added = || {
        let path = now.keys().find(|path| !recorded.contains_key(*path))?;
        Some(format!("{path} would be started now"))
    };
    changed.or_else(|| (!recorded.is_empty()).then(added).flatten())
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

fn look(path: &Path) -> io::Result<Known> {
    // The stamp first: a change after it is seen the next time.
    let stamp = Stamp::of(&fs::metadata(path)?);
    Ok(Known {
        stamp,
        hash: hash::of_file(path)?,
        looked: Instant::now(),
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
