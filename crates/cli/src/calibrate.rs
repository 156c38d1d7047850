//! Calibrating a fault: before a run that wants it, and for itself.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use crashrate_model::{Calibration, Mode};
use crashrate_supervisor::fault::calibrate::{self, FOLDER, Next};
use crashrate_supervisor::journal::RunFolder;
use crashrate_supervisor::plan::{Plan, Selection};
use crashrate_supervisor::request::random_seed;
use crashrate_supervisor::runner::{self, Campaign};
use crashrate_supervisor::suite::Suite;
use crashrate_supervisor::worker;

use crate::args::device;
use crate::environment::enough_for_run;
use crate::exit::{Exit, Failure};
use crate::guardian;
use crate::inspect::{folder_failure, suite_failure};
use crate::run::{attend, run_failure};
use crate::screen::{print, tell};
use crate::stop::StopWatch;

#[derive(Args, Debug)]
pub(crate) struct CalibrateArguments {
    /// The suite's TOML file; it has a [fault] and a [[sequence]]
    suite: PathBuf,

    /// The share of rounds that is to pass, in place of the suite's [0.4]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pass: Option<f64>,

    /// How many rounds it may take, in place of the suite's [20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,

    /// auto, mps, cuda, cuda:N or cpu, in place of the suite's
    #[arg(long, value_parser = device)]
    device: Option<String>,

    /// The worker program
    #[arg(long, value_name = "PATH")]
    worker: Option<PathBuf>,
}

/// `crashrate calibrate SUITE`: a run that has nothing but its calibration.
pub(crate) fn calibrate(runs: &Path, arguments: CalibrateArguments) -> Result<Exit, Failure> {
    let mut suite = Suite::read(&arguments.suite).map_err(suite_failure)?;
    suite.device = arguments.device.unwrap_or(suite.device);
    calibrate::require(&mut suite, arguments.pass, arguments.rounds).map_err(Failure::usage)?;
    let selection = Selection {
        mode: Some(Mode::Sequential),
        ..Selection::default()
    };
    let plan = Plan::new(suite, &selection, random_seed())
        .map_err(|error| Failure::new(Exit::NothingToRun, error))?;
    let program = std::env::current_exe()
        .map_err(|e| Failure::usage(format!("this program's own path cannot be found: {e}")))?;
    let beside = program.parent().map(Path::to_owned).unwrap_or_default();
    let workers =
        worker::prepare(&plan, arguments.worker.as_deref(), &beside).map_err(Failure::usage)?;
    let mut campaign = Campaign::new(plan, workers, (program, guardian::ARGUMENTS));
    let name = format!("{FOLDER}-{}", campaign.plan.suite.name);
    let folder = RunFolder::create(runs, &name, None).map_err(folder_failure)?;
    enough_for_run(1)?;
    let watch = StopWatch::new(&campaign.plan);
    let found = found(&mut campaign, &folder, &watch)?;
    let dose = campaign.plan.suite.fault.map_or(0, |h| h.injected.dose);
    print(&match found {
        Some(calibration) => words(&calibration, dose),
        None => String::new(),
    })?;
    tell(format_args!(
        "its runs: {}",
        folder.path().join(FOLDER).display()
    ));
    Ok(Exit::Passed)
}

/// Calibrates the fault of a campaign, if that is still to be done.
///
/// # Errors
/// Something stood in the way, or the user stopped it.
pub(crate) fn found(
    campaign: &mut Campaign,
    folder: &RunFolder,
    watch: &StopWatch,
) -> Result<Option<Calibration>, Failure> {
    let runs = folder.path().join(FOLDER);
    let failure = |error| Failure::new(Exit::Incomplete, error);
    loop {
        match calibrate::next(campaign, &runs).map_err(failure)? {
            None => return Ok(None),
            Some(Next::Cohort {
                campaign: cohort,
                folder: own,
                done,
            }) => run(&cohort, &own, done, campaign, folder, watch)?,
            Some(Next::Found(calibration)) => return Ok(Some(calibration)),
        }
    }
}

/// Runs a cohort.
fn run(
    cohort: &Campaign,
    own: &RunFolder,
    done: u32,
    campaign: &Campaign,
    folder: &RunFolder,
    watch: &StopWatch,
) -> Result<(), Failure> {
    if done == 0 {
        // Whoever stops it can go on with it.
        runner::announce(campaign, folder).map_err(run_failure)?;
    }
    let fault = |campaign: &Campaign| campaign.plan.suite.fault.clone();
    let most = fault(campaign)
        .and_then(|h| h.calibrate)
        .map_or(0, |rule| rule.rounds);
    let dose = fault(cohort).map_or(0, |h| h.injected.dose);
    tell(format_args!(
        "calibrating the fault: {dose} dose, after {done} of at most {most} rounds"
    ));
    let stopped = format!(
        "stopped while calibrating; to continue: crashrate run --resume {}",
        folder.id()
    );
    match attend(cohort, own, watch, stopped.clone()).map_err(run_failure)? {
        crashrate_model::StopReason::Done => Ok(()),
        _ => Err(Failure::new(Exit::Incomplete, stopped)),
    }
}

/// What was tried, and what came out.
fn words(calibration: &Calibration, dose: u32) -> String {
    let mut text = format!("sequence {}\n", calibration.sequence);
    for step in &calibration.steps {
        let _ = writeln!(
            text,
            "dose {:>8}: {} of {} passed",
            step.dose, step.passed, step.of
        );
    }
    let _ = match calibration.interval {
        Some((low, high)) => writeln!(
            text,
            "dose = {dose}: about {:.0}% pass (95%: {:.0}-{:.0}%)",
            calibration.rule.pass * 100.0,
            low * 100.0,
            high * 100.0
        ),
        None => writeln!(
            text,
            "the fault is not injected on the device in use: nothing was found"
        ),
    };
    text
}

fn share(text: &str) -> Result<f64, String> {
    let number = text
        .parse()
        .ok()
        .filter(|&share: &f64| share > 0.0 && share < 1.0);
    number.ok_or_else(|| "must be a number between 0 and 1, such as 0.4".to_owned())
}
