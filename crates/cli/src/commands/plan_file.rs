//! `crashrate plan-file`: writes the plan of a run, for machines that run shards of it.

use std::path::{Path, PathBuf};

use clap::{Arg, Args};
use crashrate_report::plural;
use crashrate_supervisor::request::{DeviceChoice, RunOptions, RunRequest};

use crate::error::{Exit, Failure};
use crate::measure::{self, JOBS_HELP, MeasureArguments, RoundsArguments, SUITE_HELP};
use crate::output::{answer, note};

#[derive(Args, Debug)]
#[command(
    after_help = "\
The file has the suite with its tests, the rounds, the seed, the stopping rule, and the SHA-256 of \
each program. A machine whose programs differ refuses to run it.

Examples:
  crashrate plan-file suite.toml -n 1600 -o plan.json
  crashrate plan-file -n 1600 -o plan.json -- ./my-test
  crashrate run plan.json --shard 3/16             on each of 16 machines
  crashrate merge shared-runs                      when they are done",
    mut_args(of_plan)
)]
pub(crate) struct PlanFileArguments {
    #[command(flatten)]
    measure: MeasureArguments,

    #[command(flatten)]
    rounds: RoundsArguments,

    /// The file to write [standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

const EVIDENCE_HELP: &str = "Where evidence of crashes comes from. auto: core dumps where they are \
     safe, else extra traced rounds that do not count. core: core dumps. trace: trace every attempt, \
     which changes the rate of races [auto]";

/// Hides what [`refuse_of_run`] refuses.
fn of_plan(option: Arg) -> Arg {
    if option.get_long().is_some_and(measure::is_of_run) {
        return option.hide(true);
    }
    match option.get_id().as_str() {
        "suite" => option.help(SUITE_HELP),
        "jobs" => option.help(JOBS_HELP),
        "evidence" => option.help(EVIDENCE_HELP),
        "quiet" => option.help("Print no note of the plan"),
        _ => option,
    }
}

impl PlanFileArguments {
    /// The suite that is named.
    pub(crate) fn suite(&self) -> Option<&Path> {
        self.measure.suite.as_deref()
    }

    /// Whether the chapters are the tests of a command.
    pub(crate) fn lists_tests(&self) -> bool {
        self.measure.from.is_some()
    }
}

pub(crate) fn plan_file(runs: &Path, arguments: &PlanFileArguments) -> Result<Exit, Failure> {
    let measure = &arguments.measure;
    let request = request(runs, arguments)?;
    for gate in request.unreachable_gates() {
        tracing::warn!("{gate}");
    }
    let shown = arguments
        .output
        .as_deref()
        .unwrap_or(Path::new("plan.json"));
    let file = measure::plan_file(request, measure.worker.as_deref(), shown)?;
    let Some(path) = &arguments.output else {
        return answer(&file.text()?);
    };
    let replaces_another = file.replaces_another();
    file.write()?;
    if replaces_another {
        note(format_args!(
            "warning: {} had another plan; shards that ran it cannot be merged with shards of this one",
            path.display()
        ));
    }
    if !measure.how.quiet {
        let plan = &file.request.plan;
        let rounds = u32::try_from(plan.count()).unwrap_or(u32::MAX);
        note(format_args!(
            "{}: {} of {}, seed {}; to run it: crashrate run {} --shard I/N",
            path.display(),
            plural(rounds, "round"),
            plural(plan.units.len() as u32, "unit"),
            plan.seed,
            measure::quoted(path.as_os_str())
        ));
    }
    Ok(Exit::Passed)
}

/// Plans the run.
pub(crate) fn request(runs: &Path, arguments: &PlanFileArguments) -> Result<RunRequest, Failure> {
    let measure = &arguments.measure;
    refuse_of_run(measure)?;
    let found = measure::suite_here(measure)?;
    let suite = measure.suite.as_deref().or(found.as_deref());
    let options = RunOptions {
        devices: DeviceChoice::Later,
        ..arguments.rounds.apply(measure::options(runs, measure)?)
    };
    let (request, _) = measure::request(runs, measure, suite, options)?;
    Ok(request)
}

/// Refuses options of a run that no plan has.
fn refuse_of_run(measure: &MeasureArguments) -> Result<(), Failure> {
    match measure.given_of_run().next() {
        Some("devices") => Err(Failure::usage(
            "--devices: each machine chooses its own when it runs the plan; plan for all of them with \
             --device 'cuda:*'",
        )),
        Some(option) => Err(Failure::usage(format!(
            "--{option}: not part of a plan; give it to `crashrate run`"
        ))),
        None => Ok(()),
    }
}
