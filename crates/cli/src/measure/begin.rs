//! What precedes the first round of a run.

use crashrate_supervisor::journal::RunFolder;
use crashrate_supervisor::runner::{self, Campaign};

use super::repeat::command_line;
use crate::error::Failure;
use crate::fault::calibrate;
use crate::progress::ProgressOptions;
use crate::signals::StopWatch;

/// Calibrates the suite's fault if it asks for that, and records the command line. A plan file says
/// the seed in place of the command line.
pub(crate) fn begin(
    campaign: &mut Campaign,
    folder: &RunFolder,
    watch: &StopWatch,
    progress: ProgressOptions,
    seed: Option<u64>,
) -> Result<(), Failure> {
    let is_calibrated = calibrate(campaign, folder, watch, progress)?.is_some();
    if is_calibrated {
        // Writes the plan again, now with the dose.
        runner::announce(campaign, folder)?;
    }
    if !folder.is_resumed() {
        let plan = &campaign.plan;
        let fault = plan.suite.fault.as_ref().filter(|_| is_calibrated);
        let command = command_line(seed, fault.map(|fault| fault.injected.dose));
        campaign.workers.facts.insert("command".into(), command);
    }
    Ok(())
}
