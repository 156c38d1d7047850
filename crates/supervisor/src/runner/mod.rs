//! Runs a campaign to its end.
//!
//! [`run`] makes what a run needs. `coordinator` feeds events to `state`, whose `handle` is the
//! main loop. `finish` decides outcomes and writes files in the slots' threads, and `ended`
//! applies the end of an attempt.

mod built;
mod campaign;
mod clock;
mod coordinator;
mod devices;
mod ended;
mod event;
mod evidence_rounds;
mod finish;
mod journal;
mod perturbing;
mod probes;
mod resume;
mod set_up;
mod state;
mod status;
mod stop_notice;
mod stops;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crashrate_model::StopReason;
use tracing::info_span;

use crate::journal::RunFolder;
use crate::plan::SpecBuilder;
use crate::process::{self, Slots};
use crate::program::Programs;
use crate::run_file;
use coordinator::Coordinator;
use finish::Finisher;
use journal::RunJournal;
use probes::Probes;
use state::Runner;

pub use campaign::{Campaign, Observer, RunError, RunEvent, RunningAttempt};
pub use probes::{ProbeError, check_probe};

/// Runs a campaign to its end and reports its events to `observer`. If the folder has a journal,
/// runs exactly the rounds that have no end in it.
///
/// # Errors
/// The journal cannot be written, or nothing can be started at all. Nothing is left running.
pub fn run(
    campaign: &Campaign,
    folder: &RunFolder,
    observer: &mut Observer<'_>,
) -> Result<StopReason, RunError> {
    let _span = info_span!("run", id = folder.id()).entered();
    let runtime = set_up::runtime().map_err(RunError::SetUp)?;
    process::prepare(campaign.bounds.slots).map_err(RunError::SetUp)?;
    let plan = &campaign.plan;
    let specs = SpecBuilder::new(plan, folder.id(), &campaign.workers.by_variant)
        .on_devices(&campaign.devices.devices);
    let programs = Programs::of(specs.units());
    let mut info = set_up::run_info_with(campaign, folder, &programs);
    set_up::prepare_folder(folder, plan, &info)?;
    let resume = set_up::resume(campaign, folder, &specs, &info)?;
    let journal = RunJournal::open(folder)?;
    let context = set_up::run_context(campaign, folder, &mut info)?;
    let (slots, threads) = Slots::new(campaign.bounds.slots, &context).map_err(RunError::SetUp)?;
    let probes = Arc::new(Probes::new(&specs, &info.findings));
    let given = (&programs, Arc::clone(&probes));
    let finisher = Finisher::new(folder, &specs, given, context.guardian, info.evidence);
    let programs = (&programs, probes);
    let runner = Runner::new(campaign, specs, resume, slots, programs, journal, observer);
    let coordinator = Coordinator::new(runner, finisher);
    let ended = coordinator.run(&runtime, threads, info, campaign.time_budget);
    set_up::remove_work_folder(folder);
    ended
}

/// Writes the run file before the journal is opened, so that the run can be resumed from here.
///
/// # Errors
/// A file cannot be written.
pub fn announce(campaign: &Campaign, folder: &RunFolder) -> Result<(), RunError> {
    let info = set_up::run_info(campaign, folder);
    run_file::write(folder.path(), &info, Some(&campaign.plan))
        .map_err(RunError::folder(folder.path()))
}
