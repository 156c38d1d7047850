//! `crashrate runs`: the list of runs, and the removal of old ones.

use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use crashrate_report::{InShort, RunLine, plural, runs_terminal};
use crashrate_supervisor::build::KeptBuilds;
use crashrate_supervisor::journal::{self, FolderError, JOURNAL};
use crashrate_supervisor::suite::bytes_text;

use crate::error::{Exit, Failure};
use crate::fault::calibrating;
use crate::output::{colors, list_width, note, print};
use crate::run_folder::{self, id, view};
use crate::values::duration;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crashrate runs
  crashrate runs prune --keep 20")]
pub(crate) struct RunsArguments {
    #[command(subcommand)]
    command: Option<RunsCommand>,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    /// Remove old runs: those outside --keep and older than --older-than
    Prune(PruneArguments),
}

#[derive(Args, Debug)]
#[command(after_help = "\
The runs to remove are listed, and removed only after a confirmation. Running runs and the last \
run are never removed: \
the last number must stay taken.

Examples:
  crashrate runs prune --keep 20
  crashrate runs prune --older-than 90d --yes")]
struct PruneArguments {
    /// Keep the last N runs
    #[arg(long, value_name = "N", required_unless_present = "older_than")]
    keep: Option<usize>,

    /// Remove only runs whose journal was last written longer ago than this, such as 90d or 12h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    older_than: Option<Duration>,

    /// Remove without asking
    #[arg(long)]
    yes: bool,
}

pub(crate) fn runs(runs: &Path, arguments: &RunsArguments) -> Result<Exit, Failure> {
    match &arguments.command {
        None => list(runs),
        Some(RunsCommand::Prune(prune)) => self::prune(runs, prune),
    }
}

fn list(runs: &Path) -> Result<Exit, Failure> {
    let folders = run_folder::list(runs)?;
    let line = |folder: &PathBuf| RunLine {
        id: id(folder),
        known: view(folder, run_folder::state(folder))
            .ok()
            .as_ref()
            .map(InShort::from)
            .or_else(|| calibrating(folder)),
    };
    let lines: Vec<_> = folders.iter().map(line).collect();
    if lines.is_empty() {
        note(format_args!("no runs in {}", runs.display()));
    } else {
        print(&runs_terminal(&lines, list_width(), colors()))?;
    }
    let kept = KeptBuilds::of_runs(runs);
    let (builds, bytes) = kept.size();
    if builds > 0 {
        note(format_args!(
            "{} kept in {} ({}); `crashrate ab --clean` removes them",
            plural(builds as u64, "build"),
            kept.folder().display(),
            bytes_text(bytes)
        ));
    }
    Ok(Exit::Passed)
}

fn prune(runs: &Path, arguments: &PruneArguments) -> Result<Exit, Failure> {
    let mut folders = run_folder::list(runs)?;
    // Without the last run, its number would be given to the next one.
    let keep = arguments.keep.unwrap_or(0).max(1);
    folders.truncate(folders.len().saturating_sub(keep));
    folders.retain(|folder| arguments.older_than.is_none_or(|age| is_older(folder, age)));
    folders.retain(|folder| {
        let live = journal::is_live(folder);
        if live {
            note(format_args!("{} is running and stays", id(folder)));
        }
        !live
    });
    if folders.is_empty() {
        note("nothing to remove");
        return Ok(Exit::Passed);
    }
    for folder in &folders {
        note(id(folder));
    }
    if !arguments.yes && !confirmed(folders.len())? {
        note("nothing was removed");
        return Ok(Exit::Passed);
    }
    let mut removed = 0;
    for folder in &folders {
        match journal::remove(folder) {
            Ok(()) => removed += 1,
            // It was resumed during the question.
            Err(error @ FolderError::Locked { .. }) => note(format_args!("{error}, and stays")),
            Err(error) => return Err(Failure::new(Exit::Journal, error)),
        }
    }
    note(format_args!("removed {}", count(removed)));
    Ok(Exit::Passed)
}

/// Whether a run's journal was last written longer ago than `age`. An unreadable one does not count
/// as old.
fn is_older(folder: &Path, age: Duration) -> bool {
    let written = [JOURNAL, "lock"]
        .iter()
        .find_map(|name| folder.join(name).symlink_metadata().ok()?.modified().ok());
    written
        .and_then(|written| SystemTime::now().duration_since(written).ok())
        .is_some_and(|since| since > age)
}

fn confirmed(n: usize) -> Result<bool, Failure> {
    if !stdin().is_terminal() {
        return Err(Failure::usage(
            "nothing was removed: there is no terminal for the question; --yes removes without \
             asking",
        ));
    }
    note(format_args!("remove {} for good? [y/N]", count(n)));
    let mut answer = String::new();
    let read = stdin().read_line(&mut answer);
    Ok(read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn count(n: usize) -> String {
    format!("{n} {}", if n == 1 { "run" } else { "runs" })
}
