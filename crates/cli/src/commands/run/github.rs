//! The step summary and the annotations of `run` in GitHub Actions.

use std::collections::hash_map::RandomState;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crashrate_report::{View, github_annotations, github_summary};

use crate::error::Failure;
use crate::output::{note, print};

/// Bytes of a step's summary. GitHub shows nothing of a larger one.
const MAX_SUMMARY: u64 = 1024 * 1024;

/// The summary file of the workflow step that this program runs in, if any.
pub(super) fn summary_file() -> Option<PathBuf> {
    let path = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty())?;
    Some(path.into())
}

/// Prints text without letting child output in it act as a workflow command.
pub(super) fn print_protected(text: &str) -> Result<(), Failure> {
    // Random, so that a child cannot print the line that ends the protection.
    let token = RandomState::new().build_hasher().finish();
    let token = format!("crashrate-{token:016x}");
    print(&format!("::stop-commands::{token}\n{text}\n::{token}::\n"))
}

/// Appends to the summary and prints the annotations.
pub(super) fn annotate(
    summary: &Path,
    view: &View,
    previous: Option<&View>,
) -> Result<(), Failure> {
    let printed = print(&(github_annotations(view).join("\n") + "\n"));
    if let Err(error) = append(summary, view, previous) {
        let path = summary.display();
        note(format_args!(
            "warning: the summary {path} could not be written: {error}"
        ));
    }
    printed
}

fn append(path: &Path, view: &View, previous: Option<&View>) -> io::Result<()> {
    let used = fs::metadata(path).map_or(0, |file| file.len());
    let room = MAX_SUMMARY.saturating_sub(used + 1);
    let summary = github_summary(view, previous, usize::try_from(room).unwrap_or(usize::MAX));
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(format!("{summary}\n").as_bytes())
}
