//! The parts that a run is made of.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crashrate_model::RunInfo;
use tokio::runtime::Runtime;

use super::campaign::{Campaign, RunError};
use super::evidence_rounds::EvidenceRounds;
use super::perturbing::Perturbing;
use super::resume::Resume;
use crate::decide::Decider;
use crate::device::Surroundings;
use crate::fault::SuiteFault;
use crate::journal::RunFolder;
use crate::plan::{Plan, SpecBuilder};
use crate::process::{self, Guardian, RunContext, Starter};
use crate::program::{self, Programs};
use crate::{doctor, machine, outputs, run_file, safe_file};

/// Locked by a guardian while it lives.
const GUARDIAN_LOCK: &str = "guardian.lock";
/// The folder for attempts that ask for an empty directory.
const WORK: &str = "work";

pub(super) fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// Describes the run, with its programs and with the limits that are in force on this machine.
pub(super) fn run_info_with(
    campaign: &Campaign,
    folder: &RunFolder,
    programs: &Programs,
) -> RunInfo {
    let mut info = run_info(campaign, folder);
    info.programs = programs.hashes();
    let (limits, findings) = process::in_force(&campaign.plan.suite);
    for finding in &findings {
        let advice = finding.advice.as_deref().unwrap_or_default();
        tracing::warn!("{}: {}; {advice}", finding.name, finding.found);
    }
    info.limits = limits;
    info.findings.extend(findings);
    info
}

pub(super) fn run_info(campaign: &Campaign, folder: &RunFolder) -> RunInfo {
    let plan = &campaign.plan;
    let mut machine = machine::describe(&plan.suite.sequence_timing.directory);
    machine.extend(campaign.workers.facts.clone());
    RunInfo {
        id: folder.id().to_owned(),
        number: folder.number(),
        suite: plan.suite.name.clone(),
        seed: plan.seed,
        device: plan.suite.device.clone(),
        jobs: campaign.bounds.slots,
        retries: plan.retries().into_iter().max().unwrap_or(0),
        bad: plan.suite.bad.clone(),
        fault: plan.suite.fault.as_ref().map(SuiteFault::record),
        evidence: campaign.watching.mode,
        evidence_rounds: campaign.watching.rounds,
        stopping: campaign.stopping.clone(),
        max_failures: campaign.bounds.max_failures,
        time_budget: campaign.time_budget.map(|time| time.as_secs_f64()),
        not_worse_by: campaign.not_worse_by,
        only_round: plan.only_round,
        order_seed: plan.order_seed,
        shard: plan.shard,
        merged: None,
        plan: Some(plan.fingerprint()),
        devices: campaign.devices.devices.clone(),
        machine,
        chapters: campaign.workers.chapter_facts(&plan.suite),
        findings: campaign.findings.clone(),
        recommendations: plan.suite.recommendations.clone(),
        programs: Default::default(),
        limits: Default::default(),
        imported: None,
        baseline: plan.suite.baseline.clone(),
        added_env: plan.suite.added_env(),
        given: plan.given(),
        identities: plan.identities(),
        units: plan.units.clone(),
    }
}

pub(super) fn prepare_folder(
    folder: &RunFolder,
    plan: &Plan,
    info: &RunInfo,
) -> Result<(), RunError> {
    let wrong = RunError::folder(folder.path());
    if !folder.is_resumed() {
        run_file::write(folder.path(), info, Some(plan)).map_err(&wrong)?;
    }
    safe_file::make_folder(folder.path(), outputs::FOLDER).map_err(wrong)
}

/// Removes the folder of empty directories, unless something in it could not be removed.
pub(super) fn remove_work_folder(folder: &RunFolder) {
    let _ = std::fs::remove_dir(folder.path().join(WORK));
}

/// Reads what earlier supervisors recorded and checks that the programs are still the same.
pub(super) fn resume(
    campaign: &Campaign,
    folder: &RunFolder,
    specs: &SpecBuilder<'_>,
    info: &RunInfo,
) -> Result<Resume, RunError> {
    let plan = &campaign.plan;
    let bad = &plan.suite.bad;
    let decider = Decider::new(&campaign.stopping, &plan.units, bad, campaign.not_worse_by)
        .map_err(RunError::Rule)?
        .of_shard(plan.shard);
    let judged_by_exit = specs.units().map(|unit| !unit.needs_verdict);
    let evidence_rounds = (campaign.watching.rounds).then(|| EvidenceRounds::new(judged_by_exit));
    let perturbing = Perturbing::new(&plan.units, folder.path(), &campaign.places);
    let resume = Resume::read(folder, plan, decider, evidence_rounds, perturbing)?;
    match program::differ(&resume.programs, &info.programs) {
        Some(how) => Err(RunError::Replaced(how)),
        None => Ok(resume),
    }
}

/// Starts the guardian and makes what all attempts share.
pub(super) fn run_context(
    campaign: &Campaign,
    folder: &RunFolder,
    info: &mut RunInfo,
) -> Result<RunContext, RunError> {
    let guardian = Arc::new(guardian(campaign, folder)?);
    let start =
        Starter::new(guardian.clone(), campaign.watching.stack_capture).map_err(RunError::SetUp)?;
    add_findings(campaign, info);
    Ok(RunContext {
        run_id: folder.id().into(),
        start: Arc::new(start),
        guardian,
        work: folder.path().join(WORK),
        cores: campaign.watching.cores.clone(),
        surroundings: Arc::new(surroundings(campaign)),
        keep_cores: (campaign.core_dumps).then(|| folder.path().to_owned()),
    })
}

/// Watches the GPU of each slot, as far as it is known.
fn surroundings(campaign: &Campaign) -> Surroundings {
    let set = &campaign.devices;
    let own = match set.devices.is_empty() {
        true => set.in_use(campaign.plan.device_in_use()),
        false => set.devices.clone(),
    };
    let uuids = own.iter().map(|device| device.uuid.clone());
    let by_slot = uuids.chain((own.is_empty()).then_some(None)).cycle();
    Surroundings::new(by_slot.take(campaign.bounds.slots as usize).collect())
}

fn guardian(campaign: &Campaign, folder: &RunFolder) -> Result<Guardian, RunError> {
    let path = folder.path().join(GUARDIAN_LOCK);
    let lock =
        safe_file::open_or_create(folder.path(), GUARDIAN_LOCK).map_err(RunError::folder(&path))?;
    let (program, arguments): &(PathBuf, _) = &campaign.guardian;
    Guardian::start(program, arguments, folder.id(), lock).map_err(RunError::SetUp)
}

/// Adds what was found about evidence and forks.
fn add_findings(campaign: &Campaign, info: &mut RunInfo) {
    info.findings
        .extend(campaign.watching.findings.iter().cloned());
    let plan = &campaign.plan;
    if plan.units.iter().all(|unit| unit.spawn.is_exec())
        && plan.wants_forks()
        && let Some(why) = process::why_not(&plan.suite.device, plan.suite.fork_cuda)
    {
        tracing::warn!("nothing is forked in this run: {why}");
        info.findings.push(doctor::not_forked(&why));
    }
}
