//! Reports in GitHub Actions: their text, the step's summary and the annotations.

use std::collections::hash_map::RandomState;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crashrate_report::{View, github_annotations, github_summary};

use super::note;
use crate::error::Failure;

/// Bytes of a step's summary. GitHub shows nothing of a larger one.
const MAX_SUMMARY: u64 = 1024 * 1024;

/// Shows the report of a run by `show`. In GitHub Actions it cannot act on the workflow, and with a
/// summary of the step, the report is there too and each kind of crash has an annotation.
///
/// # Errors
/// It cannot be shown.
pub(crate) fn show_report(
    text: &str,
    view: &View,
    previous: Option<&View>,
    show: fn(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let summary = summary_file();
    let is_actions = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    if summary.is_none() && !is_actions {
        return show(text);
    }
    let printed = show(&protected(text));
    let Some(summary) = summary else {
        return printed;
    };
    let annotated = show(&annotations(view));
    append_summary(&summary, view, previous);
    printed.and(annotated)
}

/// The summary file of the workflow step that this program runs in, if any.
fn summary_file() -> Option<PathBuf> {
    let path = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty())?;
    Some(path.into())
}

/// The text, with commands around it that keep child output in it from acting as a workflow command.
fn protected(text: &str) -> String {
    // Random, so that a child cannot print the line that ends the protection.
    let token = RandomState::new().build_hasher().finish();
    let token = format!("crashrate-{token:016x}");
    format!("::stop-commands::{token}\n{text}\n::{token}::\n")
}

/// The annotations of a run, a line each.
fn annotations(view: &View) -> String {
    github_annotations(view).join("\n") + "\n"
}

/// Appends the report to the summary.
fn append_summary(summary: &Path, view: &View, previous: Option<&View>) {
    if let Err(error) = append(summary, view, previous) {
        let path = summary.display();
        note(format_args!(
            "warning: the summary {path} could not be written: {error}"
        ));
    }
}

fn append(path: &Path, view: &View, previous: Option<&View>) -> io::Result<()> {
    let used = fs::metadata(path).map_or(0, |file| file.len());
    let room = MAX_SUMMARY.saturating_sub(used + 1);
    let summary = github_summary(view, previous, usize::try_from(room).unwrap_or(usize::MAX));
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(format!("{summary}\n").as_bytes())
}
