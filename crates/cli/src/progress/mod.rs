//! Runs a campaign with a progress display, and lets signals end it.

mod display;

use crashrate_model::{Record, StopReason};
use crashrate_supervisor::journal::RunFolder;
use crashrate_supervisor::runner::{self, Campaign, RunError, RunEvent};

use crate::signals::StopWatch;
use display::Progress;

/// Runs a campaign. A signal after its end prints `stopped_later` and ends the program.
pub(crate) fn run_campaign(
    campaign: &Campaign,
    folder: &RunFolder,
    watch: &StopWatch,
    stopped_later: String,
) -> Result<StopReason, RunError> {
    let mut progress = Progress::new(&campaign.plan);
    let stopped = runner::run(campaign, folder, &mut |event| {
        if let RunEvent::Record(Record::Started(_)) = event {
            watch.run_started();
        }
        progress.update(&event);
    });
    watch.run_ended(stopped_later);
    stopped
}
