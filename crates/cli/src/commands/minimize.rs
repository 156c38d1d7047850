//! `crashrate minimize`: finds the smallest part of a sequence that still crashes.

use std::path::Path;

use clap::Args;
use crashrate_model::Stopping;
use crashrate_report::{View, one_line, search_in_words};
use crashrate_supervisor::minimize::{MinimizeOptions, suite_file};
use crashrate_supervisor::plan::Selection;
use crashrate_supervisor::request::{Overrides, RunOptions, Until};
use crashrate_supervisor::safe_file;

use crate::error::{Exit, Failure};
use crate::measure::{self, MeasureArguments, Session};
use crate::signals::keep_status_signals;
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
    let worker = measured.worker.as_deref();
    let session = Session::run(
        runs,
        (request, resumed),
        &measured.how,
        worker,
        |campaign| {
            // Its rounds choose what runs next; others would say nothing about the parts.
            campaign.watching.rounds = false;
        },
    )?;
    session.conclude(&measured.how, arguments.full, write_minimal)
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

/// Writes `minimal.toml` if a part of the sequence is known to crash. Returns how to run it.
fn write_minimal(session: &Session, view: &View) -> Result<Option<String>, Failure> {
    let found = (view.search.as_ref()).and_then(|search| search.found.as_ref());
    let found = found.filter(|found| found.rate.is_some());
    let text = found.and_then(|found| suite_file(&session.plan, found, &search_in_words(view)));
    let Some(text) = text else {
        return Ok(None);
    };
    let folder = session.folder.path();
    safe_file::write(folder, MINIMAL, text.as_bytes())
        .map_err(|error| Failure::usage(format!("{MINIMAL} cannot be written: {error}")))?;
    let path = folder.join(MINIMAL);
    Ok(Some(format!(
        "run it  crashrate run {}\n",
        one_line(&path.display().to_string())
    )))
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
