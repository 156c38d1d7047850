//! Output files in the run folder: what attempts that did not pass printed.

use std::path::{Path, PathBuf};

use crashrate_model::Unit;

use crate::evidence;
use crate::process::Observed;
use crate::safe_file;
use crate::schedule::Running;

/// Number of output files that a run keeps.
const MAX_OUTPUTS: usize = 1000;
pub(crate) const FOLDER: &str = "output";

/// Writes output files.
pub(crate) struct Outputs {
    folder: PathBuf,
    kept: usize,
}

impl Outputs {
    /// The writer of a run folder; existing files count towards the limit.
    pub(crate) fn new(folder: &Path) -> Outputs {
        let kept = safe_file::count(folder, FOLDER);
        Outputs {
            folder: folder.to_owned(),
            kept,
        }
    }

    /// Writes the output of an attempt; returns the path relative to the run folder.
    pub(crate) fn keep(
        &mut self,
        unit: &Unit,
        running: Running,
        observed: &Observed,
        notes: &mut Vec<String>,
    ) -> Option<String> {
        if observed.stdout.is_empty() && observed.stderr.is_empty() {
            return None;
        }
        if self.kept == MAX_OUTPUTS {
            notes.push(format!(
                "output not kept: the run has {MAX_OUTPUTS} already"
            ));
            return None;
        }
        let name = format!("{FOLDER}/{}.txt", evidence::name(unit, running));
        let mut text = b"--- standard output ---\n".to_vec();
        text.extend(observed.stdout.text());
        text.extend(b"\n--- standard error ---\n");
        text.extend(observed.stderr.text());
        match safe_file::write(&self.folder, &name, &text) {
            Ok(()) => {
                self.kept += 1;
                Some(name)
            }
            Err(error) => {
                notes.push(format!("its output could not be kept: {error}"));
                None
            }
        }
    }
}
