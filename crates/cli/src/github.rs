//! What `run` leaves for GitHub Actions, where it finds itself there: a summary, and annotations.

use std::collections::hash_map::RandomState;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crashrate_report::{View, github_annotations, github_summary};

use crate::exit::Failure;
use crate::screen::{print, tell};

/// A step's summary may have so many bytes; one that is larger is not shown at all.
const SUMMARY: u64 = 1024 * 1024;

/// A step of a workflow.
pub(crate) struct Step {
    summary: PathBuf,
}

impl Step {
    /// The step that this program runs in, if it does.
    pub(crate) fn here() -> Option<Step> {
        let summary = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty())?;
        Some(Step {
            summary: summary.into(),
        })
    }

    /// Prints text in which nothing is taken for a command of the workflow, whatever a child said.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        // A child cannot know it, so it cannot end what it begins.
        let token = format!(
            "crashrate-{:016x}",
            RandomState::new().build_hasher().finish()
        );
        print(&format!("::stop-commands::{token}\n{text}\n::{token}::\n"))
    }

    /// Appends the summary, and says the annotations.
    pub(crate) fn tell(&self, view: &View, previous: Option<&View>) -> Result<(), Failure> {
        let lines = github_annotations(view);
        let printed = print(
            &lines
                .iter()
                .map(|line| format!("{line}\n"))
                .collect::<String>(),
        );
        if let Err(error) = append(&self.summary, view, previous) {
            let path = self.summary.display();
            tell(format_args!(
                "warning: the summary {path} could not be written: {error}"
            ));
        }
        printed
    }
}

fn append(path: &Path, view: &View, previous: Option<&View>) -> io::Result<()> {
    let used = fs::metadata(path).map_or(0, |file| file.len());
    let room = SUMMARY.saturating_sub(used + 1);
    let summary = github_summary(view, previous, usize::try_from(room).unwrap_or(usize::MAX));
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(format!("{summary}\n").as_bytes())
}
