//! `crashrate minimize`: finds the smallest part of a sequence that still crashes.

use std::path::Path;

use clap::Args;
use crashrate_model::Stopping;
use crashrate_report::{
    Detail, ExitClass, RunState, TerminalOptions, View, exit_class, one_line, search_in_words,
    terminal,
};
use crashrate_supervisor::journal::RunFolder;
use crashrate_supervisor::minimize::{MinimizeOptions, suite_file};
use crashrate_supervisor::plan::{Plan, Selection};
use crashrate_supervisor::request::{Overrides, RunOptions, Until};
use crashrate_supervisor::safe_file;

use crate::error::{Exit, Failure};
use crate::measure::{self, MeasureArguments};
use crate::output::{print, report_options};
use crate::progress::{ProgressOptions, run_campaign};
use crate::run_folder::{page_view, report_page, write_reports};
use crate::signals::{StopWatch, keep_status_signals};
use crate::values::open_rate;

/// The suite file of the result, in the run's folder.
const MINIMAL: &str = "minimal.toml";

#[derive(Args, Debug)]
#[command(after_help = "\
Runs the sequence until it has crashed 5 times with one signature, then parts of it, and proves the
answer on fresh rounds. The result is minimal.toml in the run's folder, a suite for `crashrate run`.
Exit code 121: not found within --rounds or --for.

Examples:
  crashrate minimize suite.toml --sequence all
  crashrate minimize --from pytest -- tests/
  crashrate minimize suite.toml --params load:threads,iterations
  crashrate minimize --resume latest")]
pub(crate) struct MinimizeArguments {
    #[command(flatten)]
    measure: MeasureArguments,

    /// The sequence, if the suite has several
    #[arg(long, value_name = "ID", conflicts_with = "resume")]
    sequence: Option<String>,

    /// The signature to search, or a text in it, such as SIGSEGV [the first one seen 5 times]
    #[arg(long, value_name = "TEXT", conflicts_with = "resume")]
    signature: Option<String>,

    /// The largest probability that the answer is wrong
    #[arg(
        long,
        value_name = "RATE",
        value_parser = open_rate,
        default_value = "1%",
        conflicts_with = "resume"
    )]
    error: f64,

    /// The rate at which chapters die with this signature by themselves, at most, as isolated
    /// rounds show it [0.5%]
    #[arg(long, value_name = "RATE", value_parser = open_rate, conflicts_with = "resume")]
    background: Option<f64>,

    /// Then reduce the numbers of this chapter of a worker, such as `load` or
    /// `load:threads,iterations`
    #[arg(long, value_name = "CHAPTER[:KEY,...]", conflicts_with = "resume")]
    params: Option<String>,

    /// Stop after this many rounds
    #[arg(
        short = 'n',
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..),
        default_value_t = 5_000,
        conflicts_with = "resume"
    )]
    rounds: u32,

    /// Print the whole report
    #[arg(long)]
    full: bool,
}

pub(crate) fn minimize(runs: &Path, arguments: &MinimizeArguments) -> Result<Exit, Failure> {
    keep_status_signals();
    let measured = &arguments.measure;
    let found = measure::suite_here(measured)?;
    let suite = measured.suite.as_deref().or(found.as_deref());
    let (request, resumed) = measure::request(runs, measured, suite, options(runs, arguments)?)?;
    if !matches!(request.stopping, Stopping::Minimized(_)) {
        let problem = "the run is no search: resume it with `crashrate run --resume`";
        return Err(Failure::usage(problem));
    }
    let mut campaign = measure::campaign(request, measured)?;
    // Its rounds choose what runs next; others would say nothing about the parts.
    campaign.watching.rounds = false;
    let folder = match resumed {
        Some(folder) => folder,
        None => RunFolder::create(runs, &campaign.plan.suite.name, measured.number)?,
    };
    let watch = StopWatch::new(&campaign.plan);
    let progress = ProgressOptions {
        is_quiet: measured.quiet,
        tells_time: false,
    };
    measure::begin(&mut campaign, &folder, &watch, progress)?;
    let number = folder.number();
    let stopped_later =
        format!("stopped while the report was printed; `crashrate report {number}` shows it");
    let ended = run_campaign(&campaign, &folder, &watch, stopped_later, progress);
    let concluded = conclude(&folder, &campaign.plan, arguments);
    // Report what the journal has so far; the first error decides the exit code.
    ended?;
    concluded
}

fn options(runs: &Path, arguments: &MinimizeArguments) -> Result<RunOptions, Failure> {
    let options = measure::options(runs, &arguments.measure)?;
    let params = arguments.params.as_deref();
    Ok(RunOptions {
        selection: Selection {
            rounds: Some(arguments.rounds),
            ..options.selection
        },
        overrides: Overrides {
            retries: Some(0),
            ..options.overrides
        },
        until: Until::Minimized(MinimizeOptions {
            sequence: arguments.sequence.clone(),
            signature: arguments.signature.clone(),
            error: arguments.error,
            background: arguments.background,
            params: params.map(chapter_and_keys),
        }),
        ..options
    })
}

/// Splits `load:threads,iterations`. An id may have colons, a key may not.
fn chapter_and_keys(text: &str) -> (String, Vec<String>) {
    let is_key = |key: &str| !key.is_empty() && !key.contains([':', ' ', '/']);
    match text.rsplit_once(':') {
        Some((chapter, keys)) if !chapter.ends_with(':') && keys.split(',').all(is_key) => (
            chapter.to_owned(),
            keys.split(',').map(str::to_owned).collect(),
        ),
        _ => (text.to_owned(), Vec::new()),
    }
}

/// Writes the result, writes and prints the reports, and decides the exit code.
fn conclude(
    folder: &RunFolder,
    plan: &Plan,
    arguments: &MinimizeArguments,
) -> Result<Exit, Failure> {
    // The lock is still held, but the run is over.
    let view = page_view(folder.path(), RunState::Ended).map_err(|failure| Failure {
        exit: Exit::Journal,
        ..failure
    })?;
    write_reports(folder.path(), &view, None);
    let is_written = write_minimal(folder, plan, &view)?;
    let page = report_page(folder.path());
    let mut options: TerminalOptions<'_> = report_options(arguments.full, page.as_deref());
    if arguments.measure.quiet {
        options.detail = Detail::Headline;
        options.page = None;
    }
    print(&terminal(&view, &options))?;
    if is_written {
        let path = folder.path().join(MINIMAL);
        print(&format!(
            "run it  crashrate run {}\n",
            one_line(&path.display().to_string())
        ))?;
    }
    Ok(match exit_class(&view) {
        ExitClass::Incomplete => Exit::Incomplete,
        ExitClass::Undecided => Exit::Undecided,
        ExitClass::Refuted | ExitClass::NotPassed | ExitClass::Passed => Exit::Passed,
    })
}

/// Writes `minimal.toml` if a part of the sequence is known to crash.
fn write_minimal(folder: &RunFolder, plan: &Plan, view: &View) -> Result<bool, Failure> {
    let Some(search) = &view.search else {
        return Ok(false);
    };
    let Some(found) = search.found.as_ref().filter(|found| found.rate.is_some()) else {
        return Ok(false);
    };
    let Some(text) = suite_file(plan, found, &search_in_words(view)) else {
        return Ok(false);
    };
    safe_file::write(folder.path(), MINIMAL, text.as_bytes())
        .map_err(|error| Failure::usage(format!("{MINIMAL} cannot be written: {error}")))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_the_last_colon() {
        let of = |text| {
            let (chapter, keys) = chapter_and_keys(text);
            (chapter, keys.join(" "))
        };
        assert_eq!(of("load"), ("load".into(), String::new()));
        assert_eq!(
            of("load:threads,iterations"),
            ("load".into(), "threads iterations".into())
        );
        let test = "tests/test_a.py::test_b";
        assert_eq!(of(test), (test.into(), String::new()));
    }
}
