//! `crashrate plan-file`: writes the plan of a run, for machines that run shards of it.

use std::path::{Path, PathBuf};

use clap::Args;
use crashrate_report::plural;
use crashrate_supervisor::request::{DeviceChoice, RunOptions};

use crate::error::{Exit, Failure};
use crate::measure::{self, MeasureArguments, RoundsArguments};
use crate::output::{answer, note};

#[derive(Args, Debug)]
#[command(after_help = "\
The file has the suite with its tests, the rounds, the seed, the stopping rule, and the SHA-256 of \
each program. A machine whose programs differ refuses to run it.

Examples:
  crashrate plan-file suite.toml -n 1600 -o plan.json
  crashrate plan-file -n 1600 -o plan.json -- ./my-test
  crashrate run plan.json --shard 3/16             on each of 16 machines
  crashrate merge shared-runs                      when they are done")]
pub(crate) struct PlanFileArguments {
    #[command(flatten)]
    measure: MeasureArguments,

    #[command(flatten)]
    rounds: RoundsArguments,

    /// The file to write [standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn plan_file(runs: &Path, arguments: &PlanFileArguments) -> Result<Exit, Failure> {
    let measure = &arguments.measure;
    refuse_of_run(measure)?;
    if !measure.devices.is_empty() {
        return Err(Failure::usage(
            "--devices: each machine chooses its own when it runs the plan; plan for all of them with \
             --device 'cuda:*'",
        ));
    }
    let found = measure::suite_here(measure)?;
    let suite = measure.suite.as_deref().or(found.as_deref());
    let options = RunOptions {
        devices: DeviceChoice::Later,
        ..arguments.rounds.apply(measure::options(runs, measure)?)
    };
    let (request, _) = measure::request(runs, measure, suite, options)?;
    for gate in request.unreachable_gates() {
        tracing::warn!("{gate}");
    }
    let shown = arguments
        .output
        .as_deref()
        .unwrap_or(Path::new("plan.json"));
    let file = measure::plan_file(request, measure.worker.as_deref(), shown)?;
    let Some(path) = &arguments.output else {
        return answer(&file.text().map_err(Failure::usage)?);
    };
    file.write().map_err(Failure::usage)?;
    if !measure.how.quiet {
        let plan = &file.request.plan;
        let rounds = u32::try_from(plan.count()).unwrap_or(u32::MAX);
        note(format_args!(
            "{}: {} of {}, seed {}; to run it: crashrate run {} --shard I/N",
            path.display(),
            plural(rounds, "round"),
            plural(plan.units.len() as u32, "unit"),
            plan.seed,
            path.display()
        ));
    }
    Ok(Exit::Passed)
}

/// Refuses options of a run that no plan has.
fn refuse_of_run(measure: &MeasureArguments) -> Result<(), Failure> {
    let how = &measure.how;
    let given = [
        ("--resume", how.resume.is_some()),
        ("--for", how.time_budget.is_some()),
        ("--number", how.number.is_some()),
        ("--places", how.places.is_some()),
        ("--core-dumps", how.core_dumps),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => Err(Failure::usage(format!(
            "{option}: not part of a plan; give it to `crashrate run`"
        ))),
        None => Ok(()),
    }
}
