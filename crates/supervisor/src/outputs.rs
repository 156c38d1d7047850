//! The output of attempts that did not pass, in the run's folder.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crashrate_model::Unit;

use crate::evidence;
use crate::process::Observed;
use crate::safe_file;
use crate::schedule::Running;

/// The most output files of a run.
const MAX_OUTPUTS: usize = 1000;
pub(crate) const FOLDER: &str = "output";

/// Writes the output files of a run. Shared by the slots' threads.
pub(crate) struct Outputs {
    folder: PathBuf,
    /// The files that are written or being written.
    count: AtomicUsize,
}

impl Outputs {
    /// Files that the run's folder has already count towards the most.
    pub(crate) fn new(folder: &Path) -> Outputs {
        Outputs {
            count: AtomicUsize::new(safe_file::count(folder, FOLDER)),
            folder: folder.to_owned(),
        }
    }

    /// Writes what an attempt printed. Returns the file's path relative to the run's folder.
    pub(crate) fn keep(
        &self,
        unit: &Unit,
        running: Running,
        observed: &Observed,
        notes: &mut Vec<String>,
    ) -> Option<String> {
        if observed.stdout.is_empty() && observed.stderr.is_empty() {
            return None;
        }
        if !self.reserve() {
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
            Ok(()) => Some(name),
            Err(error) => {
                self.count.fetch_sub(1, Ordering::Relaxed);
                notes.push(format!("its output could not be kept: {error}"));
                None
            }
        }
    }

    /// Reserves room for one more file, which is then written without a lock.
    fn reserve(&self) -> bool {
        let more = |count| (count < MAX_OUTPUTS).then_some(count + 1);
        let reserved = (self.count).fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        reserved.is_ok()
    }
}
