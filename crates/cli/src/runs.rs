//! `crashrate runs`: which runs there are, and the removal of old ones.

use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use crashrate_report::{InShort, RunLine, runs_terminal};
use crashrate_supervisor::journal::{self, FolderError};

use crate::args::duration;
use crate::calibrating::calibrating;
use crate::exit::{Exit, Failure};
use crate::inspect::{columns_of_list, view};
use crate::screen::{print, tell};

#[derive(Args, Debug)]
pub(crate) struct RunsArguments {
    #[command(subcommand)]
    command: Option<RunsCommand>,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    /// Remove old runs: those that are beyond --keep and older than --older-than
    Prune(PruneArguments),
}

#[derive(Args, Debug)]
#[command(after_help = "\
What is removed is listed, and asked for. A run that is going on is never removed, nor is the last one: \
the next run's number comes after it.")]
struct PruneArguments {
    /// Keep the last N runs
    #[arg(long, value_name = "N", required_unless_present = "older_than")]
    keep: Option<usize>,

    /// Only runs whose journal was last written to before this time (90d, 12h)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    older_than: Option<Duration>,

    /// Do not ask
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
    let lines = lines(runs)?;
    match lines.is_empty() {
        true => tell(format_args!("no runs in {}", runs.display())),
        false => print(&runs_terminal(
            &lines,
            columns_of_list(),
            console::colors_enabled(),
        ))?,
    }
    Ok(Exit::Passed)
}

/// The runs that there are, in their order.
pub(crate) fn lines(runs: &Path) -> Result<Vec<RunLine>, Failure> {
    let folders = journal::list(runs).map_err(Failure::usage)?;
    let line = |folder: &PathBuf| RunLine {
        id: id(folder),
        known: view(folder, journal::is_live(folder))
            .ok()
            .as_ref()
            .map(InShort::from)
            .or_else(|| calibrating(folder)),
    };
    Ok(folders.iter().map(line).collect())
}

/// A run's id is its folder's name.
fn id(folder: &Path) -> String {
    folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn prune(runs: &Path, arguments: &PruneArguments) -> Result<Exit, Failure> {
    let mut folders = journal::list(runs).map_err(Failure::usage)?;
    // The last one stays, or its number would be given again.
    let keep = arguments.keep.unwrap_or(0).max(1);
    folders.truncate(folders.len().saturating_sub(keep));
    folders.retain(|folder| arguments.older_than.is_none_or(|age| is_older(folder, age)));
    folders.retain(|folder| {
        let live = journal::is_live(folder);
        if live {
            tell(format_args!("{} is going on and stays", id(folder)));
        }
        !live
    });
    if folders.is_empty() {
        tell("nothing to remove");
        return Ok(Exit::Passed);
    }
    for folder in &folders {
        tell(id(folder));
    }
    if !arguments.yes && !agreed(folders.len())? {
        tell("nothing was removed");
        return Ok(Exit::Passed);
    }
    let mut removed = 0;
    for folder in &folders {
        match journal::remove(folder) {
            Ok(()) => removed += 1,
            // It began to go on while this was asked.
            Err(error @ FolderError::Locked { .. }) => tell(format_args!("{error}, and stays")),
            Err(error) => return Err(Failure::new(Exit::Journal, error)),
        }
    }
    tell(format_args!("removed {removed} {}", word(removed)));
    Ok(Exit::Passed)
}

/// Whether nothing was written to a run's journal for so long. What cannot be looked at is not old.
fn is_older(folder: &Path, age: Duration) -> bool {
    let written = ["journal.jsonl", "lock"]
        .iter()
        .find_map(|name| folder.join(name).symlink_metadata().ok()?.modified().ok());
    written
        .and_then(|written| SystemTime::now().duration_since(written).ok())
        .is_some_and(|since| since > age)
}

fn agreed(n: usize) -> Result<bool, Failure> {
    if !stdin().is_terminal() {
        return Err(Failure::usage(
            "nothing was removed: there is no terminal to ask on; --yes removes without asking",
        ));
    }
    tell(format_args!("remove {} {} for good? [y/N]", n, word(n)));
    let mut answer = String::new();
    let read = stdin().read_line(&mut answer);
    Ok(read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn word(n: usize) -> &'static str {
    if n == 1 { "run" } else { "runs" }
}
