//! `crashrate provoke`: under which perturbation a program crashes more often.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use crashrate_model::{Mode, Perturbation, Perturbations, Stopping};
use crashrate_supervisor::plan::Selection;
use crashrate_supervisor::process;
use crashrate_supervisor::provoke::ProvokeOptions;
use crashrate_supervisor::request::{Overrides, RunOptions, Until};
use crashrate_supervisor::watching::EvidenceChoice;

use crate::error::{Exit, Failure};
use crate::measure::{self, MeasureArguments, Session, quoted};
use crate::run_folder::is_default;
use crate::signals::keep_status_signals;
use crate::values::{one_of, open_rate};

/// The time of the search unless --for says otherwise.
const BUDGET: Duration = Duration::from_secs(600);
/// Rounds are limited by time only.
const MOST_ROUNDS: u32 = 100_000_000;

#[derive(Args, Debug)]
#[command(after_help = "\
Tries perturbations in turn with the unperturbed program, a quarter of a second each, and gives more
time to those under which it crashes more often a second. The best one is then confirmed on fresh
rounds. `crashrate help perturbations` says what each does. Exit code 121: none is shown to help
within --for.

The rate under a perturbation is not the program's: use it to find the cause.

Examples:
  crashrate provoke -- ./my-test
  crashrate provoke suite.toml --chapter load --for 5m
  crashrate provoke --perturb stops --perturb stops+malloc -- ./my-test
  crashrate provoke --resume latest")]
pub(crate) struct ProvokeArguments {
    #[command(flatten)]
    measure: MeasureArguments,

    /// isolated: perturb a chapter. sequential: perturb a sequence
    #[arg(
        long,
        conflicts_with = "resume",
        value_parser = one_of([
            ("isolated", Mode::Isolated),
            ("sequential", Mode::Sequential),
        ])
    )]
    mode: Option<Mode>,

    /// The crash to search, or a text in its signature, such as SIGSEGV [those of the
    /// unperturbed program]
    #[arg(long, value_name = "TEXT", conflicts_with = "resume")]
    signature: Option<String>,

    /// Show at least this many times as many crashes a second
    #[arg(long, value_name = "FACTOR", value_parser = gain, default_value = "5", conflicts_with = "resume")]
    gain: f64,

    /// The largest probability that a claimed gain is not there
    #[arg(
        long,
        value_name = "RATE",
        value_parser = open_rate,
        default_value = "5%",
        conflicts_with = "resume"
    )]
    error: f64,

    /// Print the whole report
    #[arg(long)]
    full: bool,
}

pub(crate) fn provoke(runs: &Path, arguments: &ProvokeArguments) -> Result<Exit, Failure> {
    keep_status_signals();
    let measured = &arguments.measure;
    let found = measure::suite_here(measured)?;
    let suite = measured.suite.as_deref().or(found.as_deref());
    let options = options(runs, arguments)?;
    let request = measure::request(runs, measured, suite, options)?;
    if !matches!(request.0.stopping, Stopping::Provoked(_)) {
        let problem = "the run is no search for a perturbation: resume it with `crashrate run \
                       --resume`";
        return Err(Failure::usage(problem));
    }
    let worker = measured.worker.as_deref();
    let session = Session::run(runs, request, &measured.how, worker, |campaign| {
        // Further rounds would say nothing about the perturbations.
        campaign.watching.rounds = false;
        // The search counts the time of its rounds; the limit of the run would cut a slice.
        campaign.time_budget = None;
    })?;
    session.conclude(&measured.how, arguments.full, |_, _| Ok(None))
}

fn options(runs: &Path, arguments: &ProvokeArguments) -> Result<RunOptions, Failure> {
    let options = measure::options(runs, &arguments.measure)?;
    let given = options.selection.perturb.clone();
    let arms = if given.is_empty() { arms() } else { given };
    let others = arms.into_iter().filter(|arm| !arm.is_none());
    let perturb = std::iter::once(Perturbations::NONE).chain(others);
    let budget = arguments.measure.how.time_budget.unwrap_or(BUDGET);
    Ok(RunOptions {
        selection: Selection {
            mode: arguments.mode,
            rounds: Some(MOST_ROUNDS),
            perturb: perturb.collect(),
            ..options.selection
        },
        overrides: Overrides {
            retries: Some(0),
            ..options.overrides
        },
        // The unperturbed program runs without a tracer, which is an arm of its own.
        evidence: options.evidence.or(Some(EvidenceChoice::None)),
        until: Until::Provoked(ProvokeOptions {
            signature: arguments.signature.clone(),
            again: Some(again(runs, arguments)),
            places: arguments.measure.how.places.clone(),
            gain: arguments.gain,
            error: arguments.error,
            budget: budget.as_secs_f64(),
        }),
        ..options
    })
}

/// The command that runs the program under a perturbation.
fn again(runs: &Path, arguments: &ProvokeArguments) -> String {
    let measured = &arguments.measure;
    let mut words = vec!["crashrate run -n 100 {perturb}".to_owned()];
    let mut option = |name: &str, value: &OsStr| words.push(format!("{name} {}", quoted(value)));
    // The places that were learned are in this runs folder.
    if !is_default(runs) {
        option("--runs-dir", runs.as_os_str());
    }
    for (name, values) in [
        ("--chapter", &measured.chapter),
        ("--variant", &measured.variant),
    ] {
        values.iter().for_each(|value| option(name, value.as_ref()));
    }
    for (name, value) in [
        ("--mode", arguments.mode.map(|mode| mode.to_string())),
        ("--dose", measured.dose.map(|dose| dose.to_string())),
        ("--device", measured.device.clone()),
        ("--name", measured.name.clone()),
    ] {
        value.iter().for_each(|value| option(name, value.as_ref()));
    }
    if let Some(timeout) = measured.how.timeout {
        let timeout = humantime::format_duration(timeout)
            .to_string()
            .replace(' ', "");
        option("--timeout", timeout.as_ref());
    }
    if let Some(worker) = &measured.worker {
        option("--worker", worker.as_os_str());
    }
    words.extend(measured.no_fault.then(|| "--no-fault".to_owned()));
    let suite = measured.suite.iter().map(|suite| quoted(suite.as_os_str()));
    words.extend(suite);
    if !measured.argv.is_empty() {
        words.push("--".to_owned());
        words.extend(measured.argv.iter().map(|word| quoted(word)));
    }
    words.join(" ")
}

/// The perturbations that are tried if none is named: each one that is possible here, and one pair.
fn arms() -> Vec<Perturbations> {
    use Perturbation::{Ambush, Crowd, Delays, Malloc, Stops, Trace};
    let traced = [Trace, Ambush, Stops, Delays].map(Perturbations::from);
    let traced = traced
        .into_iter()
        .chain([Perturbations::from_iter([Stops, Malloc])]);
    let mut arms: Vec<Perturbations> = traced.filter(|_| process::TRACES).collect();
    arms.push(Malloc.into());
    arms.extend(process::PINS.then(|| Perturbations::from(Crowd)));
    arms
}

fn gain(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('x').parse::<f64>() {
        Ok(gain) if gain > 1.0 && gain.is_finite() => Ok(gain),
        _ => Err("must be a number above 1, such as 5".to_owned()),
    }
}
