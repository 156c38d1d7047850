//! From a request to a campaign on this machine.

use crashrate_supervisor::doctor;
use crashrate_supervisor::process;
use crashrate_supervisor::request::RunRequest;
use crashrate_supervisor::runner::Campaign;
use crashrate_supervisor::schedule::Bounds;
use crashrate_supervisor::watching::Watching;
use crashrate_supervisor::worker;

use std::path::Path;

use super::HowArguments;
use crate::environment::{GUARDIAN, enough_for_run, this_program};
use crate::error::Failure;

/// Checks the machine and the programs, and sets up the campaign.
pub(crate) fn campaign(
    request: RunRequest,
    how: &HowArguments,
    worker: Option<&Path>,
) -> Result<Campaign, Failure> {
    let unreachable_gates = request.unreachable_gates();
    let RunRequest {
        plan,
        stopping,
        jobs,
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
    enough_for_run(jobs)?;
    if jobs > 1 && plan.is_load_sensitive() {
        tracing::warn!(
            "{jobs} attempts at the same time change timings and race rates; the run records it"
        );
    }
    for gate in unreachable_gates {
        tracing::warn!("{gate}");
    }
    let watching = Watching::choose(evidence, &plan, (&program, GUARDIAN), how.core_dumps)
        .map_err(Failure::usage)?;
    let mut findings = doctor::examine_for(&plan, &workers);
    findings.extend(refused.iter().map(doctor::refused_call));
    Ok(Campaign {
        findings,
        bounds: Bounds {
            slots: jobs,
            max_failures: None,
        },
        stopping,
        time_budget: how.time_budget,
        not_worse_by,
        watching,
        core_dumps: how.core_dumps,
        ..Campaign::new(plan, workers, (program, GUARDIAN))
    })
}
