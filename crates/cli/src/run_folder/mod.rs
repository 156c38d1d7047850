//! Run folders: found by name, read back from their journals, and completed with reports.

mod attempts;
mod evidence;
mod outputs;
mod page;
mod reader;
mod suggested;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crashrate_model::{GivenCommand, RunInfo};
use crashrate_report::{History, RunState, View, html, markdown, one_line};
use crashrate_supervisor::journal::{self, FolderError, JOURNAL};
use crashrate_supervisor::names::nearest;
use crashrate_supervisor::safe_file;

use crate::error::Failure;
use crate::output::note;

pub(crate) use attempts::stream_attempts;
pub(crate) use evidence::{LinesOf, parts as evidence};
pub(crate) use page::{add_page_details, page_view};
pub(crate) use reader::{JournalReader, add_source_lines, source_lines, view};
pub(crate) use suggested::{is_default, name_run};

/// The page of a run, in its folder.
pub(crate) const PAGE: &str = "report.html";

/// The folder of a run: `name` is a folder, an id, a number, or `latest`.
pub(crate) fn find(runs: &Path, name: &str) -> Result<PathBuf, Failure> {
    journal::find(runs, name).map_err(find_failure)
}

/// Explains why a run was not found.
pub(crate) fn find_failure(error: FolderError) -> Failure {
    match error {
        FolderError::NotFound { name, runs } => Failure::usage(not_found(&runs, &name)),
        error => Failure::usage(error),
    }
}

fn not_found(runs: &Path, name: &str) -> String {
    let ids: Vec<String> = list(runs).unwrap_or_default().iter().map(id).collect();
    let shown = runs.display();
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else {
        return format!("there is no run `{name}` in {shown}: it has no runs yet");
    };
    let known = ids.iter().map(String::as_str).chain(["latest"]);
    let instead = match nearest(name, known.filter(|known| *known != name)) {
        Some(id) => format!("did you mean `{id}`?"),
        None if ids.len() == 1 => format!("its only run is {first}"),
        None => format!("it has {} runs, {first} to {last}", ids.len()),
    };
    format!("there is no run `{name}` in {shown}: {instead}; `crashrate runs` lists them")
}

/// The run folders, in the order of their numbers.
pub(crate) fn list(runs: &Path) -> Result<Vec<PathBuf>, Failure> {
    journal::list(runs).map_err(Failure::usage)
}

/// A run's id is its folder's name.
pub(crate) fn id(folder: impl AsRef<Path>) -> String {
    let name = folder.as_ref().file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Whether a supervisor is still working on the run.
pub(crate) fn state(folder: &Path) -> RunState {
    RunState::of_journal(journal::is_live(folder))
}

/// The view of the run of that name.
pub(crate) fn view_of(runs: &Path, name: &str) -> Result<View, Failure> {
    let folder = find(runs, name)?;
    view(&folder, state(&folder))
}

/// The latest earlier run of the same suite that ran some of the same, and has a readable journal.
pub(crate) fn previous(runs: &Path, of: &View) -> Option<View> {
    earlier_among(&list(runs).ok()?, of)
        .map(|folder| view(folder, state(folder)))
        .find_map(Result::ok)
}

/// The runs with a lower number that belong to the same history, the latest first: of the same
/// suite or command, with a unit that ran the same.
pub(crate) fn earlier_among<'a>(
    folders: &'a [PathBuf],
    of: &'a View,
) -> impl Iterator<Item = &'a PathBuf> {
    let is_earlier = |folder: &&PathBuf| {
        whole_run(folder).is_some_and(|run| {
            (&run.suite, &run.given) == (&of.run.suite, &of.run.given)
                && run.number < of.run.number
                && of.runs_some_of(&run)
        })
    };
    folders.iter().rev().filter(is_earlier)
}

/// The histories of a name over these folders: one of the suite, and one of each command that was
/// given in place of a suite. Empty if no run has that name. Runs with an unreadable journal are
/// left out with a warning.
pub(crate) fn histories_among(folders: &[PathBuf], name: &str) -> Vec<History> {
    let mut of_one: Vec<(Option<GivenCommand>, Vec<View>)> = Vec::new();
    let runs = folders.iter().filter_map(|folder| {
        let run = whole_run(folder).filter(|run| run.suite == name)?;
        Some((folder, run))
    });
    for (folder, run) in latest_merges(runs.collect()) {
        let place = of_one.iter().position(|(given, _)| *given == run.given);
        let place = place.unwrap_or_else(|| {
            of_one.push((run.given, Vec::new()));
            of_one.len() - 1
        });
        match view(folder, state(folder)) {
            Ok(view) => of_one[place].1.push(view),
            Err(_) => note(format_args!(
                "warning: {} is left out: its journal cannot be read (`crashrate report` says why)",
                folder.display()
            )),
        }
    }
    let histories = of_one.iter();
    histories
        .map(|(_, views)| crashrate_report::history(name, views))
        .collect()
}

/// These runs, in their order, with only the last one that was merged from each plan: the earlier
/// ones have rounds that it has too.
fn latest_merges(runs: Vec<(&PathBuf, RunInfo)>) -> Vec<(&PathBuf, RunInfo)> {
    let mut plans = BTreeSet::new();
    let mut latest: Vec<_> = (runs.into_iter().rev())
        .filter(|(_, run)| run.merged.is_none() || plans.insert(run.plan.clone()))
        .collect();
    latest.reverse();
    latest
}

/// The names of the suites of these runs.
pub(crate) fn suites(folders: &[PathBuf]) -> Vec<String> {
    let runs = folders.iter().filter_map(|folder| whole_run(folder));
    runs.map(|run| run.suite).collect()
}

/// The numbers of the runs that are shards of the suite's latest plan.
pub(crate) fn shards_of(folders: &[PathBuf], suite: &str) -> Vec<u32> {
    let runs = folders.iter().filter_map(|folder| {
        let run = journal::first_opened(&folder.join(JOURNAL))?.run;
        (run.suite == suite && run.shard.is_some()).then_some(run)
    });
    let runs: Vec<RunInfo> = runs.collect();
    let of_latest = |run: &&RunInfo| runs.last().is_some_and(|last| last.plan == run.plan);
    runs.iter()
        .filter(of_latest)
        .map(|run| run.number)
        .collect()
}

/// The first record of a run's journal. A run of one chosen round (`--round`) is no sample and has
/// none, and a shard is a part of the merged run.
fn whole_run(folder: &Path) -> Option<RunInfo> {
    let run = journal::first_opened(&folder.join(JOURNAL))?.run;
    let is_whole = run.only_round.is_none() && run.shard.is_none() && !run.stopping.is_search();
    is_whole.then_some(run)
}

/// Writes `report.md` and `report.html`, and warns if that fails.
pub(crate) fn write_reports(folder: &Path, view: &View, previous: Option<&View>) {
    let forms = [
        ("report.md", markdown(view, previous)),
        (PAGE, html(view, previous)),
    ];
    for (name, text) in forms {
        if let Err(error) = safe_file::write(folder, name, text.as_bytes()) {
            let path = folder.join(name);
            let path = path.display();
            note(format_args!(
                "warning: {path} could not be written: {error}"
            ));
        }
    }
}

/// The path of `report.html` in words, if it exists.
pub(crate) fn report_page(folder: &Path) -> Option<String> {
    report_path(folder).map(|path| one_line(&path.to_string_lossy()))
}

/// The path of `report.html` if it exists, relative to the current directory if that is above it.
pub(crate) fn report_path(folder: &Path) -> Option<PathBuf> {
    let page = folder.join(PAGE);
    let here = std::env::current_dir().unwrap_or_default();
    let shown = page.strip_prefix(&here).unwrap_or(&page).to_owned();
    page.is_file().then_some(shown)
}
