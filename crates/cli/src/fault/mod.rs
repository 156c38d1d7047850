//! Calibration of an injected fault: rounds before a run that find the right dose and count in no
//! rate.
//!
//! Only suites with a `[fault]` section use it.

mod calibrating;

use crashrate_model::{Calibration, StopReason};
use crashrate_supervisor::fault::calibrate::{self, FOLDER, Next};
use crashrate_supervisor::journal::RunFolder;
use crashrate_supervisor::runner::{self, Campaign};

use crate::error::{Exit, Failure};
use crate::output::note;
use crate::progress::run_campaign;
use crate::signals::StopWatch;

pub(crate) use calibrating::{calibrating, last_if_calibrating, sentence};

/// Calibrates the fault of a campaign; `None` if it has a dose already.
///
/// # Errors
/// A round could not be run, or the user stopped the calibration.
pub(crate) fn calibrate(
    campaign: &mut Campaign,
    folder: &RunFolder,
    watch: &StopWatch,
) -> Result<Option<Calibration>, Failure> {
    let runs = folder.path().join(FOLDER);
    let failure = |error| Failure::new(Exit::Incomplete, error);
    loop {
        let (cohort, cohort_folder, done) =
            match calibrate::next(campaign, &runs).map_err(failure)? {
                None => return Ok(None),
                Some(Next::Found(calibration)) => return Ok(Some(calibration)),
                Some(Next::Cohort {
                    campaign,
                    folder,
                    done,
                }) => (campaign, folder, done),
            };
        if done == 0 {
            // From now on `--resume` finds the run.
            runner::announce(campaign, folder)?;
        }
        let fault = |campaign: &Campaign| campaign.plan.suite.fault.clone();
        let rule = fault(campaign).and_then(|fault| fault.calibrate);
        let max = rule.map_or(0, |rule| rule.rounds);
        let dose = fault(&cohort).map_or(0, |fault| fault.injected.dose);
        note(format_args!(
            "calibrating the fault: dose {dose}, after {done} of at most {max} rounds"
        ));
        let stopped = format!(
            "stopped while calibrating; to continue: crashrate run --resume {}",
            folder.id()
        );
        if run_campaign(&cohort, &cohort_folder, watch, stopped.clone())? != StopReason::Done {
            return Err(Failure::new(Exit::Incomplete, stopped));
        }
    }
}
