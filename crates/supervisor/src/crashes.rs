//! The evidence of crashes, kept in the run's folder: a JSON file for each attempt that crashed or hung.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crashrate_model::{CrashRef, Mode, Unit};
use crashrate_postmortem::Crash;
use serde::{Deserialize, Serialize};

use crate::schedule::Running;

/// How many crashes of a run are kept whole.
const MAX_CRASHES: usize = 1000;
/// A signature that is new is kept beyond that: a rare crash must not be lost behind a frequent one.
const MAX_WITH_NEW: usize = 2000;
const FOLDER: &str = "crashes";
/// The version of the file's format. Changes: 1 is the first.
const VERSION: u32 = 1;

/// A file in `crashes/`: which attempt it is, and what is known of its death.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrashFile {
    /// The version of the format.
    pub v: u32,
    /// The run's id.
    pub run: String,
    /// The chapter's or sequence's id.
    pub name: String,
    /// How it ran.
    pub mode: Mode,
    /// Under which variant.
    pub variant: String,
    /// In which round.
    pub round: u32,
    /// In which attempt.
    pub attempt: u32,
    /// What is known.
    #[serde(flatten)]
    pub crash: Crash,
}

/// Reads a crash of a run, by its path relative to the run's folder.
///
/// # Errors
/// It cannot be read, it is no such file, or it is not in the folder.
pub fn read(folder: &Path, file: &str) -> io::Result<CrashFile> {
    let path = folder.join(file).canonicalize()?;
    // A journal may be somebody else's.
    if !path.starts_with(folder.canonicalize()?) {
        return Err(io::Error::other("it is outside the run's folder"));
    }
    let text = fs::read(path)?;
    serde_json::from_slice(&text).map_err(io::Error::other)
}

/// Keeps the evidence of crashes.
pub(crate) struct Crashes {
    folder: PathBuf,
    run: String,
    kept: usize,
    known: Vec<String>,
}

impl Crashes {
    /// In the run's folder; those that are there already count.
    pub(crate) fn new(folder: &Path, run: &str) -> Crashes {
        Crashes {
            folder: folder.to_owned(),
            run: run.to_owned(),
            kept: fs::read_dir(folder.join(FOLDER)).map_or(0, Iterator::count),
            known: Vec::new(),
        }
    }

    /// Names the crash, and keeps it if there is room.
    pub(crate) fn keep(
        &mut self,
        unit: &Unit,
        running: Running,
        crash: &Crash,
        notes: &mut Vec<String>,
    ) -> CrashRef {
        let is_new = !self.known.contains(&crash.signature);
        let room = if is_new { MAX_WITH_NEW } else { MAX_CRASHES };
        let mut kept = CrashRef {
            signature: crash.signature.clone(),
            file: None,
        };
        if self.kept >= room {
            return kept;
        }
        let Running { key, attempt, .. } = running;
        let file = CrashFile {
            v: VERSION,
            run: self.run.clone(),
            name: unit.name.clone(),
            mode: unit.mode,
            variant: unit.variant.clone(),
            round: key.round,
            attempt,
            crash: crash.clone(),
        };
        match self.write(&file) {
            Ok(name) => {
                self.kept += 1;
                kept.file = Some(name);
                if is_new {
                    self.known.push(crash.signature.clone());
                }
            }
            Err(error) => notes.push(format!("its crash could not be kept: {error}")),
        }
        kept
    }

    fn write(&self, file: &CrashFile) -> io::Result<String> {
        let CrashFile {
            name,
            mode,
            variant,
            round,
            attempt,
            ..
        } = file;
        let name = format!("{FOLDER}/{name}-{mode}-{variant}-r{round}-a{attempt}.json");
        // Not the run's folder itself: one that was removed stays so.
        match fs::create_dir(self.folder.join(FOLDER)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let mut text = serde_json::to_vec_pretty(file).map_err(io::Error::other)?;
        text.push(b'\n');
        fs::write(self.folder.join(&name), text)?;
        Ok(name)
    }
}
