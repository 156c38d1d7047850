//! Runs by a plan file, and runs of a shard.

use std::path::{Path, PathBuf};

use clap::Args;
use crashrate_supervisor::journal::RunFolder;
use crashrate_supervisor::plan_file::PlanFile;
use crashrate_supervisor::request::{RunOptions, RunRequest};
use crashrate_supervisor::worker;

use super::request::probe;
use super::rounds::RoundsArguments;
use super::shard::ShardChoice;
use super::{MeasureArguments, request};
use crate::environment::this_program;
use crate::error::Failure;
use crate::tests_of::lister;

/// Which part of a plan runs here.
#[derive(Args, Debug)]
pub(crate) struct ShardArguments {
    /// Run only shard I of N: blocks I, I+N, I+2N and so on, so that N machines run the whole plan;
    /// `crashrate merge` joins their runs. auto: the array task, job or node that the environment
    /// says. Needs --seed or a plan file
    #[arg(long, value_name = "I/N", conflicts_with_all = ["resume", "round"])]
    pub(crate) shard: Option<ShardChoice>,

    /// The plan that all shards share: the first one writes this file, the others read it and check
    /// that they have the same suite and programs
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    pub(crate) plan_file: Option<PathBuf>,

    /// Resume the run of this shard in --runs-dir if there is one, for engines that start a shard
    /// again on another machine. Waits while another crashrate is running it
    #[arg(long = "continue", requires = "shard")]
    pub(crate) continues: bool,
}

/// What a run measures, and where its plan is from.
pub(crate) struct Planned {
    pub(crate) request: RunRequest,
    /// The folder of a run that is resumed.
    pub(crate) resumed: Option<RunFolder>,
    /// The file that has the plan.
    pub(crate) file: Option<PlanFile>,
}

/// Plans a run of a suite, a command or a plan file, or of a shard of it; or reopens a run.
pub(crate) fn planned(
    runs: &Path,
    measure: &MeasureArguments,
    rounds: &RoundsArguments,
    shard: &ShardArguments,
    suite: Option<&Path>,
    options: RunOptions,
) -> Result<Planned, Failure> {
    let choice = shard.shard.map(ShardChoice::resolve).transpose()?;
    let has_seed = options.seed.is_some();
    let only_round = options.selection.only_round;
    let mut planned = match (suite, &shard.plan_file) {
        (Some(path), given) if PlanFile::is_plan(path) => {
            if given.is_some() {
                return Err(Failure::usage(format!(
                    "--plan-file: {} is a plan file already",
                    path.display()
                )));
            }
            let file = PlanFile::read(path)?;
            refuse_changes(path, &file, measure, rounds)?;
            by_file(runs, file, measure)?
        }
        (_, Some(path)) => with_file(runs, measure, suite, options, path)?,
        (_, None) => {
            let (request, resumed) = request(runs, measure, suite, options)?;
            Planned {
                request,
                resumed,
                file: None,
            }
        }
    };
    if planned.file.is_some() {
        planned.request.repeat(only_round).map_err(Failure::usage)?;
    }
    let Some(shard) = choice else {
        return Ok(planned);
    };
    if planned.file.is_none() && !has_seed {
        return Err(Failure::usage(
            "--shard: shards need one seed: add --seed N or --plan-file FILE",
        ));
    }
    let request = planned.request.for_shard(shard);
    Ok(Planned {
        request: request.map_err(|error| Failure::usage(format!("--shard: {error}")))?,
        ..planned
    })
}

/// A run of the plan in a file.
fn by_file(
    runs: &Path,
    mut file: PlanFile,
    measure: &MeasureArguments,
) -> Result<Planned, Failure> {
    file.prepare(&lister(runs))?;
    let mut request = file.request.clone();
    let how = &measure.how;
    let chosen = request.use_devices(&measure.local_devices(), how.jobs);
    chosen.map_err(Failure::usage)?;
    if let Some(probe) = probe(how) {
        request.plan.suite.probe = Some(probe);
    }
    Ok(Planned {
        request,
        resumed: None,
        file: Some(file),
    })
}

/// Plans a run by this file. Writes the file first if it does not exist.
fn with_file(
    runs: &Path,
    measure: &MeasureArguments,
    suite: Option<&Path>,
    mut options: RunOptions,
    path: &Path,
) -> Result<Planned, Failure> {
    options.selection.only_round = None;
    options.leave_devices();
    if !path.exists() {
        let (request, _) = request(runs, measure, suite, options.clone())?;
        let file = plan_file(request, measure.worker.as_deref(), path)?;
        if file.write_new()? {
            return by_file(runs, file, measure);
        }
        // Another shard was faster.
    }
    let file = PlanFile::read(path)?;
    options.seed.get_or_insert(file.request.plan.seed);
    let (here, _) = request(runs, measure, suite, options)?;
    file.check_request(&here)?;
    by_file(runs, file, measure)
}

/// Makes the plan file of a request.
pub(crate) fn plan_file(
    request: RunRequest,
    worker: Option<&Path>,
    path: &Path,
) -> Result<PlanFile, Failure> {
    let (_, beside) = this_program()?;
    let workers = worker::prepare(&request.plan, worker, &beside).map_err(Failure::usage)?;
    Ok(PlanFile::new(request, &workers, path)?)
}

/// Refuses options that would change a plan. Some depend on the devices of a machine.
fn refuse_changes(
    path: &Path,
    file: &PlanFile,
    measure: &MeasureArguments,
    rounds: &RoundsArguments,
) -> Result<(), Failure> {
    let is_local =
        |option: &&str| file.request.chooses_devices() && ["--jobs", "--probe"].contains(option);
    let mut given = measure.given().chain(rounds.given());
    match given.find(|option| !is_local(option)) {
        Some(option) => Err(Failure::usage(format!(
            "{option}: {} has the plan with all its options; leave {option} out, or write a new \
             plan with `crashrate plan-file`",
            path.display()
        ))),
        None => Ok(()),
    }
}
