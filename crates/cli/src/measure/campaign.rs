//! From a request to a campaign on this machine.

use std::path::Path;

use crashrate_model::Perturbation;
use crashrate_supervisor::crashes::{self, LearnedPlaces};
use crashrate_supervisor::doctor;
use crashrate_supervisor::plan::Plan;
use crashrate_supervisor::process;
use crashrate_supervisor::request::RunRequest;
use crashrate_supervisor::runner::{self, Campaign};
use crashrate_supervisor::schedule::Bounds;
use crashrate_supervisor::watching::Watching;
use crashrate_supervisor::worker;

use super::HowArguments;
use crate::environment::{GUARDIAN, enough_for_run, this_program};
use crate::error::Failure;
use crate::run_folder::find;

/// Checks the programs, and sets up the campaign. [`lock_devices`](super::lock_devices) examines the
/// machine.
pub(crate) fn campaign(
    runs: &Path,
    request: RunRequest,
    how: &HowArguments,
    worker: Option<&Path>,
) -> Result<Campaign, Failure> {
    let unreachable_gates = request.unreachable_gates();
    let RunRequest {
        plan,
        stopping,
        jobs,
        devices,
        evidence,
        not_worse_by,
    } = request;
    let (program, beside) = this_program()?;
    let refused = process::refused_calls((&program, GUARDIAN));
    if let Some(call) = refused.iter().find(|call| call.without.is_none()) {
        return Err(Failure::usage(format!(
            "{}: nothing can be measured without it; allow it",
            call.sentence()
        )));
    }
    let workers = worker::prepare(&plan, worker, &beside).map_err(Failure::usage)?;
    runner::check_probe(&plan, &workers).map_err(Failure::usage)?;
    enough_for_run(jobs)?;
    if jobs > devices.count().max(1) && plan.is_load_sensitive() {
        tracing::warn!(
            "{jobs} attempts at the same time change timings and race rates; the run records it"
        );
    }
    for gate in unreachable_gates {
        tracing::warn!("{gate}");
    }
    let watching = Watching::choose(evidence, &plan, (&program, GUARDIAN), how.core_dumps)
        .map_err(Failure::usage)?;
    let places = places(runs, &plan, how)?;
    Ok(Campaign {
        findings: (refused.iter().map(doctor::refused_call))
            .chain(doctor::absent_device(&devices, &plan))
            .collect(),
        bounds: Bounds {
            slots: jobs,
            max_failures: None,
        },
        devices,
        stopping,
        time_budget: how.time_budget,
        not_worse_by,
        watching,
        places,
        core_dumps: how.core_dumps,
        ..Campaign::new(plan, workers, (program, GUARDIAN))
    })
}

/// The places of `--places`.
///
/// # Errors
/// The plan cannot use them, or the run has none.
pub(crate) fn places(
    runs: &Path,
    plan: &Plan,
    how: &HowArguments,
) -> Result<Vec<LearnedPlaces>, Failure> {
    let Some(name) = &how.places else {
        return Ok(Vec::new());
    };
    if !(plan.units.iter()).any(|unit| unit.perturb.contains(Perturbation::Ambush)) {
        let problem = "--places: only an ambush uses places; add --perturb ambush";
        return Err(Failure::usage(problem));
    }
    let places = crashes::places(&find(runs, name)?);
    if places.is_empty() {
        return Err(Failure::usage(format!(
            "--places: run {name} has no crash that was traced: repeat it with --perturb ambush or \
             --evidence trace"
        )));
    }
    Ok(places)
}
