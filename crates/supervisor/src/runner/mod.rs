//! A run from its campaign to its end: what it needs is made here, and joined.

mod clock;
mod coordinator;
mod evidence_rounds;
mod state;

use std::io;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crashrate_model::{EvidenceMode, Finding, Record, RunInfo, StopReason, Stopping};
use thiserror::Error;

use crate::decide::Decider;
use crate::fault::SuiteFault;
use crate::journal::{Journal, JournalError, RunFolder};
use crate::outcome::Note;
use crate::plan::{Plan, Progress, RoundKey, SpecBuilder};
use crate::process::{
    self, ForkStarter, ForkWatch, Guardian, SlotContext, Slots, Start, Starter, ZygotePool,
};
use crate::program::{self, Programs};
use crate::resume::Resume;
use crate::schedule::{Bounds, Schedule};
use crate::watching::Watching;
use crate::worker::Workers;
use crate::{doctor, machine, outputs, run_file, safe_file};
use coordinator::{Coordinator, Leaving};
use evidence_rounds::EvidenceRounds;
use state::{RunArtifacts, Runner};

/// Locked by a guardian for as long as it lives.
const GUARDIAN_LOCK: &str = "guardian.lock";
/// Where attempts in a directory of their own run.
const WORK: &str = "work";
/// Where core dumps are kept.
const CORES: &str = "cores";

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The plan.
    pub plan: Plan,
    /// The workers of its variants.
    pub workers: Workers,
    /// How many attempts may run at the same time, and how many rounds may fail.
    pub bounds: Bounds,
    /// When the run stops by itself.
    pub stopping: Stopping,
    /// After this time no more rounds are started.
    pub time_budget: Option<Duration>,
    /// How much more often the second side of a comparison may be bad and still count as no worse, as a share.
    pub not_worse_by: Option<f64>,
    /// What was found out about the machine.
    pub findings: Vec<Finding>,
    /// How attempts are watched for evidence of their deaths.
    pub watching: Watching,
    /// Whether a core dump of each signature is kept.
    pub core_dumps: bool,
    /// The program that is the guardian, with the arguments before the run's id.
    pub guardian: (PathBuf, &'static [&'static str]),
}

impl Campaign {
    /// All rounds of a plan, one attempt at a time, watched in the default way.
    pub fn new(
        plan: Plan,
        workers: Workers,
        guardian: (PathBuf, &'static [&'static str]),
    ) -> Campaign {
        Campaign {
            plan,
            workers,
            bounds: Bounds {
                slots: 1,
                max_failures: None,
            },
            stopping: Stopping::FixedRounds,
            time_budget: None,
            not_worse_by: None,
            findings: Vec::new(),
            watching: Watching::default(),
            core_dumps: false,
            guardian,
        }
    }
}

/// A plain fact for whoever shows the run while it goes on.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// The journal has a new record.
    Record(&'a Record),
    /// A running attempt said something of its progress.
    Progress(RoundKey, &'a Note),
    /// Asked to stop: what runs may end.
    Stopping,
    /// Asked to stop at once: what runs is being killed.
    Killing,
    /// It cannot go on, for this reason.
    Trouble(&'a str),
}

/// Who is told of facts, in whichever thread they come up.
pub type Observer<'t> = dyn FnMut(RunEvent<'_>) + Send + 't;

/// A run that could not go on.
#[derive(Debug, Error)]
pub enum RunError {
    /// The journal could not be written. What was measured before is on record.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The run's folder could not be prepared.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program that the run measures is another by now.
    #[error(
        "{0}; the rounds of two programs are no rate: put it back, or begin a new run and compare the two"
    )]
    Replaced(String),
    /// The stopping rule makes no sense.
    #[error("the stopping rule: {0}")]
    Rule(#[source] crashrate_stats::StatsError),
    /// The supervisor's process could not be prepared.
    #[error("children cannot be started from here: {0}")]
    SetUp(#[source] io::Error),
}

/// Runs a campaign to its end; `tell` is handed every fact. A folder that has a journal already is gone on
/// with: exactly the rounds that have no end on record are run.
///
/// # Errors
/// The journal cannot be written, or nothing can be started at all. Nothing is left running.
pub fn run(
    campaign: &Campaign,
    folder: &RunFolder,
    tell: &mut Observer<'_>,
) -> Result<StopReason, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunError::SetUp)?;
    process::prepare(campaign.bounds.slots).map_err(RunError::SetUp)?;
    let plan = &campaign.plan;
    let recipe = SpecBuilder::new(plan, folder.id(), &campaign.workers.by_variant);
    let programs = Programs::of(recipe.first_attempts());
    let mut info = run_info(campaign, folder);
    info.programs = programs.hashes();
    let in_force = process::in_force(&plan.suite);
    for finding in &in_force.findings {
        let advice = finding.advice.as_deref().unwrap_or_default();
        tracing::warn!("{}: {}; {advice}", finding.name, finding.found);
    }
    info.limits = in_force.limits;
    info.findings.extend(in_force.findings);
    prepare_folder(folder, plan, &info)?;
    let bad = &plan.suite.bad;
    let decider = Decider::new(&campaign.stopping, &plan.units, bad, campaign.not_worse_by)
        .map_err(RunError::Rule)?;
    let mut past = Resume::new(Progress::new(plan), decider);
    let judged_by_exit = recipe.units().map(|unit| !unit.needs_verdict);
    let mut evidence_rounds = EvidenceRounds::new(judged_by_exit);
    past.read(folder, &plan.units, |record| evidence_rounds.push(record))?;
    if let Some(differ) = program::differ(&past.programs, &info.programs) {
        return Err(RunError::Replaced(differ));
    }
    let journal = Journal::open(&folder.journal())?;
    let (program, arguments) = &campaign.guardian;
    let at_work = safe_file::open_or_create(folder.path(), GUARDIAN_LOCK);
    let at_work = at_work.map_err(|source| RunError::Folder {
        path: folder.path().join(GUARDIAN_LOCK),
        source,
    })?;
    let guardian = Guardian::start(program, arguments, folder.id(), at_work);
    let guardian = Arc::new(guardian.map_err(RunError::SetUp)?);
    let zygotes = ZygotePool::new(guardian.clone(), fork_watch(campaign));
    let zygotes = Arc::new(zygotes);
    let start = starter(campaign, &guardian, &zygotes, &mut info).map_err(RunError::SetUp)?;
    let jobs = campaign.bounds.slots;
    let context = SlotContext {
        run_id: folder.id().into(),
        start,
        zygotes,
        guardian,
        work: folder.path().join(WORK),
        cores: campaign.watching.cores.clone(),
        keep_cores: campaign.core_dumps.then(|| folder.path().join(CORES)),
    };
    let (slots, works) = Slots::new(jobs, &context).map_err(RunError::SetUp)?;
    drop(context);
    let lost = past.history.open().to_vec();
    let left = past.history.left(plan.rounds());
    let retries = plan.retries();
    let schedule = Schedule::new(left, campaign.bounds, |unit| retries[unit as usize]);
    let kept = RunArtifacts::new(folder, journal, info.evidence);
    let mut driver = Runner::new(recipe, schedule, slots, programs, kept, tell);
    driver.rule(past.decider, past.decided);
    if info.evidence_rounds {
        driver.make_evidence_rounds(evidence_rounds);
    }
    driver.open(info, &lost)?;
    let hub = Coordinator::new(driver);
    let ended = std::thread::scope(|scope| {
        let threads = works.into_iter().map(|slot| {
            let (name, hub) = (slot.name(), &hub);
            let thread = std::thread::Builder::new().name(name);
            thread.spawn_scoped(scope, move || {
                let _leaving = Leaving(hub);
                slot.work(|news| hub.hear(news));
            })
        });
        let ended = (threads.collect::<io::Result<Vec<_>>>())
            .map_err(RunError::SetUp)
            .and_then(|threads| {
                let ended = runtime.block_on(hub.attend(campaign.time_budget));
                hub.close_slots();
                for thread in threads {
                    thread.join().unwrap_or_else(|panic| resume_unwind(panic));
                }
                ended
            });
        // Also where a thread could not be started: those that were must end.
        hub.close_slots();
        ended
    });
    // Empty, if all that was in it could be removed.
    let _ = std::fs::remove_dir(folder.path().join(WORK));
    ended
}

/// Prepares the folder of a run whose journal is not opened yet, so that it can be gone on with from there.
///
/// # Errors
/// A file cannot be written.
pub fn announce(campaign: &Campaign, folder: &RunFolder) -> Result<(), RunError> {
    let info = run_info(campaign, folder);
    run_file::write(folder.path(), &campaign.plan, &info).map_err(|source| RunError::Folder {
        path: folder.path().to_owned(),
        source,
    })
}

/// How forked children are watched.
fn fork_watch(campaign: &Campaign) -> ForkWatch {
    if campaign.watching.mode == EvidenceMode::Trace {
        ForkWatch::Trace
    } else if campaign.watching.captures_hangs {
        ForkWatch::Hangs
    } else {
        ForkWatch::None
    }
}

/// How children are started.
fn starter(
    campaign: &Campaign,
    guardian: &Arc<Guardian>,
    zygotes: &Arc<ZygotePool>,
    info: &mut RunInfo,
) -> io::Result<Arc<dyn Start>> {
    let watching = &campaign.watching;
    info.findings.extend(watching.findings.iter().cloned());
    let start: Arc<dyn Start> = Arc::new(Starter::new(guardian.clone(), watching.captures_hangs)?);
    let plan = &campaign.plan;
    if plan.units.iter().any(|unit| !unit.spawn.is_exec()) {
        let starter = ForkStarter::new(start, guardian.clone(), zygotes.clone());
        return Ok(Arc::new(starter?));
    }
    if let Some(why) = process::why_not(&plan.suite.device, plan.suite.fork_cuda)
        && plan.wants_forks()
    {
        tracing::warn!("nothing is forked in this run: {why}");
        info.findings.push(doctor::not_forked(&why));
    }
    Ok(start)
}

fn prepare_folder(folder: &RunFolder, plan: &Plan, info: &RunInfo) -> Result<(), RunError> {
    let wrong = |source| RunError::Folder {
        path: folder.path().to_owned(),
        source,
    };
    if !folder.is_resumed() {
        run_file::write(folder.path(), plan, info).map_err(wrong)?;
    }
    safe_file::make_folder(folder.path(), outputs::FOLDER).map_err(wrong)
}

fn run_info(campaign: &Campaign, folder: &RunFolder) -> RunInfo {
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
        machine,
        chapters: campaign.workers.chapter_facts(&plan.suite),
        findings: campaign.findings.clone(),
        recommendations: plan.suite.recommendations.clone(),
        programs: Default::default(),
        limits: Default::default(),
        imported: None,
        baseline: plan.suite.baseline.clone(),
        units: plan.units.clone(),
    }
}
