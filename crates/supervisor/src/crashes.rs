//! Crash files in the run folder: JSON with the evidence of an attempt that crashed or hung.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crashrate_model::{CrashRef, Mode, Unit};
use crashrate_postmortem::{Crash, CrashPlaces};
use serde::{Deserialize, Serialize};

use crate::evidence;
use crate::hash;
use crate::safe_file;
use crate::schedule::Running;

/// Number of crash files that a run keeps.
const MAX_CRASHES: usize = 1000;
/// The limit for new signatures: a rare crash must not be lost because of a frequent one.
const MAX_WITH_NEW: usize = 2000;
const FOLDER: &str = "crashes";
/// The folder of the core dumps that are kept.
const CORES: &str = "cores";
/// The version of the file format.
const VERSION: u32 = 1;

/// A file in `crashes/`: an attempt and the evidence of its death.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrashFile {
    /// The version of the format.
    pub v: u32,
    /// The run's id.
    pub run: String,
    /// The chapter's or sequence's id.
    pub name: String,
    /// Its mode.
    pub mode: Mode,
    /// Its variant.
    pub variant: String,
    /// Its round.
    pub round: u32,
    /// Its attempt.
    pub attempt: u32,
    /// Whether it was an evidence round, which is not counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub evidence_round: bool,
    /// The program of the descendant that crashed, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub descendant: Option<String>,
    /// Where its threads were, if it was traced.
    #[serde(default, skip_serializing_if = "CrashPlaces::is_empty")]
    pub places: CrashPlaces,
    /// The evidence.
    #[serde(flatten)]
    pub crash: Crash,
}

/// Where threads of a chapter or sequence were when it crashed.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedPlaces {
    /// The chapter's or sequence's id.
    pub name: String,
    /// Its mode.
    pub mode: Mode,
    /// The places.
    pub places: CrashPlaces,
}

/// The places in the crash files of a run. Files that cannot be read are left out.
pub fn places(folder: &Path) -> Vec<LearnedPlaces> {
    let entries = fs::read_dir(folder.join(FOLDER)).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    let files = names.iter().take(MAX_WITH_NEW);
    let crashes = files.filter_map(|name| read(folder, &format!("{FOLDER}/{name}")).ok());
    crashes
        .filter(|file| !file.places.is_empty())
        .map(|file| LearnedPlaces {
            name: file.name,
            mode: file.mode,
            places: file.places,
        })
        .collect()
}

/// Reads a crash of a run, by its path relative to the run's folder.
///
/// # Errors
/// It cannot be read, it is not a crash file, or it is outside of the folder.
pub fn read(folder: &Path, file: &str) -> io::Result<CrashFile> {
    let text = safe_file::read(folder, file)?;
    serde_json::from_slice(&text).map_err(io::Error::other)
}

/// The core dump of a signature in the folder of a run, if one is kept: its path relative to the
/// folder. Signatures are no file names, and a resumed run must find those of earlier supervisors.
pub fn core_file(signature: &str) -> String {
    let hash = hash::of_bytes(signature.as_bytes());
    format!("{CORES}/{}.core", &hash[..12])
}

/// Which crash of an attempt it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CrashRole<'a> {
    /// The attempt is an evidence round.
    pub(crate) evidence_round: bool,
    /// Where its threads were.
    pub(crate) places: Option<&'a CrashPlaces>,
    /// The descendant that crashed: its index and program.
    pub(crate) descendant: Option<(usize, &'a str)>,
}

impl CrashRole<'_> {
    /// Distinguishes the file from others of the same attempt and round.
    fn suffix(&self) -> String {
        let mut suffix = String::new();
        if self.evidence_round {
            suffix += "-evidence";
        }
        if let Some((place, _)) = self.descendant {
            suffix += &format!("-d{place}");
        }
        suffix
    }
}

/// Writes the crash files of a run. Shared by the slots' threads.
pub(crate) struct Crashes {
    folder: PathBuf,
    run: String,
    written: Mutex<Written>,
}

/// The crash files that are written or being written.
struct Written {
    count: usize,
    signatures: Vec<String>,
}

impl Crashes {
    /// Files that the run's folder has already count towards the most.
    pub(crate) fn new(folder: &Path, run: &str) -> Crashes {
        Crashes {
            folder: folder.to_owned(),
            run: run.to_owned(),
            written: Mutex::new(Written {
                count: safe_file::count(folder, FOLDER),
                signatures: Vec::new(),
            }),
        }
    }

    /// Names the crash, and writes its file if there is room.
    pub(crate) fn keep(
        &self,
        unit: &Unit,
        running: Running,
        crash: &Crash,
        role: &CrashRole<'_>,
        notes: &mut Vec<String>,
    ) -> CrashRef {
        let mut kept = CrashRef {
            signature: crash.signature.clone(),
            file: None,
        };
        let Some(is_new) = self.reserve(&crash.signature) else {
            return kept;
        };
        let Running { key, attempt, .. } = running;
        let file = CrashFile {
            v: VERSION,
            run: self.run.clone(),
            name: unit.name.clone(),
            mode: unit.mode,
            variant: unit.variant.clone(),
            round: key.round,
            attempt,
            evidence_round: role.evidence_round,
            descendant: role.descendant.map(|(_, program)| program.to_owned()),
            places: role.places.cloned().unwrap_or_default(),
            crash: crash.clone(),
        };
        match self.write(&(evidence::name(unit, running) + &role.suffix()), &file) {
            Ok(name) => kept.file = Some(name),
            Err(error) => {
                let mut written = self.written();
                written.count -= 1;
                if is_new {
                    written.signatures.retain(|known| *known != crash.signature);
                }
                notes.push(format!("its crash could not be kept: {error}"));
            }
        }
        kept
    }

    /// Reserves room for a file before it is written without a lock. Returns whether its signature
    /// is new; `None` if there is no room.
    fn reserve(&self, signature: &str) -> Option<bool> {
        let mut written = self.written();
        let is_new = !written.signatures.iter().any(|known| known == signature);
        let room = if is_new { MAX_WITH_NEW } else { MAX_CRASHES };
        if written.count >= room {
            return None;
        }
        written.count += 1;
        if is_new {
            written.signatures.push(signature.to_owned());
        }
        Some(is_new)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, name: &str, file: &CrashFile) -> io::Result<String> {
        let name = format!("{FOLDER}/{name}.json");
        // The run folder itself is not created again if someone removed it.
        safe_file::make_folder(&self.folder, FOLDER)?;
        let mut text = serde_json::to_vec_pretty(file).map_err(io::Error::other)?;
        text.push(b'\n');
        safe_file::write(&self.folder, &name, &text)?;
        Ok(name)
    }
}
