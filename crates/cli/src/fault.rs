//! Calibration of an injected fault: rounds before a run that find the right dose and count in no
//! rate.
//!
//! Only suites with a `[fault]` section use it.

use std::path::{Path, PathBuf};

use crashrate_model::{Calibration, StopReason};
use crashrate_report::{InShort, RunState, Share, one_line};
use crashrate_supervisor::fault::calibrate::{self, FOLDER, Next};
use crashrate_supervisor::journal::{self, RunFolder};
use crashrate_supervisor::run_file;
use crashrate_supervisor::runner::{self, Campaign};

use crate::error::{Exit, Failure};
use crate::output::note;
use crate::progress::{ProgressOptions, run_campaign};
use crate::run_folder::{state, view};
use crate::signals::StopWatch;

/// Calibrates the fault of a campaign; `None` if it has a dose already.
///
/// # Errors
/// A round could not be run, or the user stopped the calibration.
pub(crate) fn calibrate(
    campaign: &mut Campaign,
    folder: &RunFolder,
    watch: &StopWatch,
    options: ProgressOptions,
) -> Result<Option<Calibration>, Failure> {
    let runs = folder.path().join(FOLDER);
    let failure = |error| Failure::new(Exit::Incomplete, error);
    while let Some(next) = calibrate::next(campaign, &runs).map_err(failure)? {
        let (cohort, cohort_folder, done) = match next {
            Next::Found(calibration) => {
                tracing::info!(
                    steps = calibration.steps.len(),
                    "calibration of the fault ended"
                );
                return Ok(Some(calibration));
            }
            Next::Cohort {
                campaign,
                folder,
                done,
            } => (campaign, folder, done),
        };
        if done == 0 {
            tracing::info!("calibration of the fault started");
            // From now on `--resume` finds the run.
            runner::announce(campaign, folder)?;
        }
        let fault = |campaign: &Campaign| campaign.plan.suite.fault.clone();
        let rule = fault(campaign).and_then(|fault| fault.calibrate);
        let max = rule.map_or(0, |rule| rule.rounds);
        let dose = fault(&cohort).map_or(0, |fault| fault.injected.dose);
        if !options.is_quiet {
            note(format_args!(
                "calibrating the fault: dose {dose}, after {done} of at most {max} rounds"
            ));
        }
        let stopped = format!(
            "stopped while calibrating; to continue: crashrate run --resume {}",
            folder.id()
        );
        let ended = run_campaign(&cohort, &cohort_folder, watch, stopped.clone(), options)?;
        if ended != StopReason::Done {
            return Err(Failure::new(Exit::Incomplete, stopped));
        }
    }
    Ok(None)
}

/// The state of a run that has no journal yet because it calibrates; `None` for other runs.
pub(crate) fn calibrating(folder: &Path) -> Option<InShort> {
    if journal::has_records(folder) || !is_inside(folder) {
        return None;
    }
    let state = state(folder);
    let (_, run) = run_file::read(folder).ok()?;
    let cohorts = journal::list(&folder.join(FOLDER)).ok()?;
    let cohorts: Vec<InShort> = (cohorts.iter())
        .filter_map(|cohort| view(cohort, state).ok())
        .map(|view| InShort::from(&view))
        .collect();
    let sum = |of: fn(&InShort) -> u32| cohorts.iter().map(of).sum();
    let n = sum(|cohort| cohort.bad.n);
    Some(InShort {
        number: run.number,
        suite: run.suite,
        device: run.device,
        started: cohorts
            .first()
            .map(|cohort| cohort.started.clone())
            .unwrap_or_default(),
        state,
        complete: false,
        calibrating: true,
        imported: false,
        rounds: (n, n),
        passed: sum(|cohort| cohort.passed),
        bad: Share {
            bad: sum(|cohort| cohort.bad.bad),
            n,
        },
    })
}

/// The folder of the last run, if it is calibrating now.
pub(crate) fn last_if_calibrating(runs: &Path) -> Option<PathBuf> {
    let last = journal::list(runs).ok()?.pop()?;
    calibrating(&last)
        .filter(|short| short.state.is_running())
        .map(|_| last)
}

/// The message that replaces the report of such a run.
pub(crate) fn sentence(short: &InShort) -> String {
    let what = match short.state {
        RunState::Running => "is calibrating the fault",
        RunState::Ended => "has nothing but a calibration of the fault",
    };
    format!(
        "run {} of suite {} {what}: {} of {} rounds passed so far; they are not counted, and \
         there is no report yet",
        short.number,
        one_line(&short.suite),
        short.passed,
        short.bad.n
    )
}

/// Whether the calibration folder is inside the run's folder, and not a link elsewhere.
fn is_inside(folder: &Path) -> bool {
    let real = folder.join(FOLDER).canonicalize();
    let folder = folder.canonicalize();
    matches!((real, folder), (Ok(real), Ok(folder)) if real.parent() == Some(&folder))
}
