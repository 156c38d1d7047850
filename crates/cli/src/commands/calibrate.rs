//! `crashrate calibrate`: finds the dose of a suite's fault, and measures nothing else.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use crashrate_model::{Calibration, Mode};
use crashrate_supervisor::fault::calibrate::{FOLDER, require};
use crashrate_supervisor::journal::RunFolder;
use crashrate_supervisor::plan::{Plan, Selection};
use crashrate_supervisor::request::random_seed;
use crashrate_supervisor::runner::Campaign;
use crashrate_supervisor::suite::Suite;
use crashrate_supervisor::worker;

use crate::environment::{GUARDIAN, enough_for_run, this_program};
use crate::error::{Exit, Failure};
use crate::fault;
use crate::output::{note, print};
use crate::progress::ProgressOptions;
use crate::signals::StopWatch;
use crate::tests_of::lister;
use crate::values::{device, open_rate};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crashrate calibrate configs/n1972.toml --pass 50%")]
pub(crate) struct CalibrateArguments {
    /// The suite, a TOML file with a [fault] and a [[sequence]]
    suite: PathBuf,

    /// The share of rounds that should pass, such as 40%, instead of the suite's [40%]
    #[arg(long, value_name = "RATE", value_parser = open_rate)]
    pass: Option<f64>,

    /// Rounds of the calibration at most, instead of the suite's [20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,

    /// auto, mps, cuda, cuda:N, cuda:* or cpu, instead of the suite's
    #[arg(long, value_parser = device)]
    device: Option<String>,

    /// The worker program
    #[arg(long, value_name = "PATH")]
    worker: Option<PathBuf>,
}

pub(crate) fn calibrate(runs: &Path, arguments: CalibrateArguments) -> Result<Exit, Failure> {
    let lister = lister(runs);
    let mut suite = Suite::read(&arguments.suite, &|source| lister.list(source))?;
    suite.device = arguments.device.unwrap_or(suite.device);
    require(&mut suite, arguments.pass, arguments.rounds).map_err(Failure::usage)?;
    let selection = Selection {
        mode: Some(Mode::Sequential),
        ..Selection::default()
    };
    let plan = Plan::new(suite, &selection, random_seed())
        .map_err(|error| Failure::new(Exit::NothingToRun, error))?;
    let (program, beside) = this_program()?;
    let workers =
        worker::prepare(&plan, arguments.worker.as_deref(), &beside).map_err(Failure::usage)?;
    let mut campaign = Campaign::new(plan, workers, (program, GUARDIAN));
    let name = format!("{FOLDER}-{}", campaign.plan.suite.name);
    let folder = RunFolder::create(runs, &name, None)?;
    enough_for_run(1)?;
    let watch = StopWatch::new(&campaign.plan);
    if let Some(calibration) =
        fault::calibrate(&mut campaign, &folder, &watch, ProgressOptions::default())?
    {
        let dose = campaign.plan.suite.fault.map_or(0, |f| f.injected.dose);
        print(&summary(&calibration, dose))?;
    }
    note(format_args!(
        "its runs: {}",
        folder.path().join(FOLDER).display()
    ));
    Ok(Exit::Passed)
}

/// The doses that were tried, and the result.
fn summary(calibration: &Calibration, dose: u32) -> String {
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
