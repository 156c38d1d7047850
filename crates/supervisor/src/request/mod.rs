//! A run as the user asks for it: options applied to a suite, as a plan with a stopping rule.

mod devices;
mod error;
mod shard;
mod stopping;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crashrate_adapters::Framework;
use crashrate_model::{RateBound, RunInfo, Stopping};

use crate::bisect::BisectOptions;
use crate::decide::unreachable_gates;
use crate::device::DeviceSet;
use crate::fault::calibrate;
use crate::journal::{self, FolderError, RunFolder};
use crate::listing::TestLister;
use crate::minimize::MinimizeOptions;
use crate::plan::{Plan, Selection, SpawnChoice};
use crate::process;
use crate::provoke::ProvokeOptions;
use crate::run_file;
use crate::suite::{Action, DescendantCrash, ProcessOptions, Suite, TestSource, Variant};
use crate::watching::EvidenceChoice;
use stopping::stopping;

pub use devices::{CpuUse, DeviceChoice, LocalDevices};
pub use error::RequestError;
pub use shard::DivideError;

/// Rounds of a command that is given in place of a suite.
pub const COMMAND_ROUNDS: u32 = 10;
/// Largest number of rounds of a unit when a stopping rule ends the run and nothing else bounds it.
const MOST_ROUNDS: u32 = 10_000;

/// What to measure and when to stop.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The units and rounds.
    pub plan: Plan,
    /// When the run stops by itself.
    pub stopping: Stopping,
    /// How many attempts run at the same time.
    pub jobs: u32,
    /// The devices among which they are divided; empty if there is one at most.
    pub devices: DeviceSet,
    /// How evidence of crashes is collected.
    pub evidence: EvidenceChoice,
    /// Margin, as a share, within which the second side of a comparison counts as no worse.
    pub not_worse_by: Option<f64>,
}

/// What the rounds run.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A suite file.
    Suite(PathBuf),
    /// A command, as [`word_to_text`](crate::suite::word_to_text) encodes its words.
    Command(Vec<String>),
    /// The tests of a command. Without a framework, the command tells it.
    Tests(Option<Framework>, Vec<String>),
    /// These variants of a command. What they change is not the same in all of them.
    Variants(Vec<String>, Vec<Variant>),
}

/// The user's options; what is not set keeps the suite's value or its default.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Which part of the suite is measured.
    pub selection: Selection,
    /// Values in place of the suite's.
    pub overrides: Overrides,
    /// The name of a command, in place of its program's.
    pub name: Option<String>,
    /// What becomes of the suite's `[fault]`.
    pub fault: FaultOption,
    /// When the run stops by itself.
    pub until: Until,
    /// Margin, as a share, within which the second side of a comparison counts as no worse.
    pub not_worse_by: Option<f64>,
    /// Whether gates that cannot be shown within their rounds are an error.
    pub strict: bool,
    /// Seed of the order of rounds and of the rounds' own seeds; random by default.
    pub seed: Option<u64>,
    /// Seed of the order in shuffled sequences, in place of each round's own.
    pub order_seed: Option<u64>,
    /// How many attempts run at the same time; by default 1, or 1 on each device.
    pub jobs: Option<u32>,
    /// The CUDA devices to measure on, one slot each.
    pub devices: DeviceChoice,
    /// How evidence of crashes is collected.
    pub evidence: Option<EvidenceChoice>,
}

/// Values in place of the suite's.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The device.
    pub device: Option<String>,
    /// The command that asks whether a device works.
    pub probe: Option<Vec<String>>,
    /// Time limit of every chapter, and of a sequence between its chapters.
    pub timeout: Option<Duration>,
    /// How often a round that did not pass is tried again.
    pub retries: Option<u32>,
    /// What the crash of a descendant does.
    pub descendants: Option<DescendantCrash>,
    /// Also give chapters and sequences that do not ask for it an empty directory.
    pub fresh_directory: bool,
    /// Also give commands that do not ask for it a terminal.
    pub pty: bool,
}

/// What becomes of the suite's `[fault]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaultOption {
    /// It is injected as the suite says.
    #[default]
    Suite,
    /// Nothing is injected.
    None,
    /// It is injected with this dose.
    Dose(u32),
}

/// When a run stops by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Until {
    /// After its rounds, or when the suite's gates are decided.
    #[default]
    Suite,
    /// When each comparison of variants, spawns or modes has its verdict.
    Decided,
    /// After the first bad round.
    FirstBad,
    /// When each unit's rate is shown to be below or above this limit.
    Gate(RateBound),
    /// When the smallest part of a sequence that still crashes is found.
    Minimized(MinimizeOptions),
    /// When the commit that raised the rate is found.
    Bisected(BisectOptions),
    /// When a perturbation is shown to raise the rate.
    Provoked(ProvokeOptions),
}

impl RunRequest {
    /// Applies options to a suite or a command and plans the rounds.
    ///
    /// # Errors
    /// The suite cannot be used, or the options ask for what it does not have.
    pub fn new(
        subject: &Subject,
        options: RunOptions,
        lister: &TestLister,
    ) -> Result<RunRequest, RequestError> {
        let list = |source: &TestSource| lister.list(source);
        let mut suite = match subject {
            Subject::Suite(path) => Suite::read(path, &list)?,
            Subject::Command(argv) => Suite::of_command(argv, COMMAND_ROUNDS)?,
            Subject::Tests(framework, argv) => {
                Suite::of_tests(*framework, argv, COMMAND_ROUNDS, &list)?
            }
            Subject::Variants(argv, variants) => Suite::of_variants(argv, variants)?,
        };
        if let Some(name) = options.name {
            subject.rename(&mut suite, name);
        }
        options.overrides.apply(&mut suite);
        options.fault.apply(&mut suite)?;
        let devices = devices::chosen(&mut suite, &options.devices)?;
        let mut selection = options.selection;
        if let Subject::Variants(_, variants) = subject {
            selection.variants = variants.iter().map(|variant| variant.id.clone()).collect();
        }
        if matches!(subject, Subject::Command(_)) && selection.spawn.is_some() {
            // Asking for a command to be forked declares that its program can be.
            suite.chapters[0].spawning.zygote = true;
        }
        selection.spawn = spawn_choice(&suite, selection.spawn)?;
        if options.until != Until::Suite {
            selection.rounds = selection.rounds.or(Some(MOST_ROUNDS));
        }
        lister
            .add_package(&mut suite)
            .and_then(|()| lister.write_package(&suite))
            .map_err(RequestError::Package)?;
        suite.builds = lister.builds_of(&suite);
        let seed = options.seed.unwrap_or_else(random_seed);
        let plan = Plan {
            order_seed: options.order_seed,
            ..Plan::new(suite, &selection, seed)?
        };
        let (plan, stopping) = stopping(plan, &options.until)?;
        let request = RunRequest {
            jobs: devices::jobs(options.jobs, devices::default_jobs(&plan), &devices)?,
            devices: devices::unless_search(devices, &stopping)?,
            stopping,
            plan,
            evidence: options.evidence.unwrap_or_default(),
            not_worse_by: options.not_worse_by,
        };
        let unreachable = request.unreachable_gates();
        if options.strict && !unreachable.is_empty() {
            return Err(RequestError::UnreachableGates(unreachable));
        }
        Ok(request)
    }

    /// Reopens a run to complete it by its own plan and rule; `name` is a folder, an id, a number
    /// or `latest`.
    ///
    /// # Errors
    /// There is no such run, or it cannot be resumed.
    pub fn resume(
        runs: &Path,
        name: &str,
        jobs: Option<u32>,
        evidence: Option<EvidenceChoice>,
        lister: &TestLister,
    ) -> Result<(RunRequest, RunFolder), RequestError> {
        let path = resumable(runs, name).map_err(RequestError::Find)?;
        let (mut request, run, folder) = reopened(&path, evidence, lister)?;
        request.devices = devices::again(&run)?;
        request.jobs = devices::jobs(jobs.or(Some(run.jobs)), run.jobs, &request.devices)?;
        Ok((request, folder))
    }

    /// Reopens the run of this shard, which another machine may have begun. The devices and the
    /// probe are those of this request: the engine gave them to this start of the shard.
    ///
    /// # Errors
    /// The run cannot be resumed.
    pub fn resume_shard(
        &self,
        path: &Path,
        jobs: Option<u32>,
        evidence: Option<EvidenceChoice>,
        lister: &TestLister,
    ) -> Result<(RunRequest, RunFolder), RequestError> {
        let (mut request, _, folder) = reopened(path, evidence, lister)?;
        if self.chooses_devices() {
            request.devices.clone_from(&self.devices);
            request.jobs = self.jobs;
        } else {
            request.jobs = jobs.unwrap_or(request.jobs);
        }
        let probe = &self.plan.suite.probe;
        request.plan.suite.probe.clone_from(probe);
        Ok((request, folder))
    }

    /// Gates that cannot be shown within the rounds of their units, a sentence for each.
    pub fn unreachable_gates(&self) -> Vec<String> {
        unreachable_gates(&self.plan, &self.stopping)
    }
}

impl Subject {
    /// Names the suite, and the chapter of a command.
    fn rename(&self, suite: &mut Suite, name: String) {
        if let (Subject::Command(_) | Subject::Variants(..), [chapter]) =
            (self, &mut suite.chapters[..])
        {
            chapter.id.clone_from(&name);
        }
        suite.name = name;
    }
}

impl Overrides {
    fn apply(&self, suite: &mut Suite) {
        if let Some(device) = &self.device {
            suite.device.clone_from(device);
        }
        suite.probe = self.probe.clone().or(suite.probe.take());
        for chapter in &mut suite.chapters {
            chapter.timing.timeout = self.timeout.unwrap_or(chapter.timing.timeout);
            chapter.retries = self.retries.unwrap_or(chapter.retries);
            self.apply_to_process(&mut chapter.process);
            chapter.process.pty |= self.pty && matches!(chapter.action, Action::Command(_));
        }
        self.apply_to_process(&mut suite.process);
        let own = suite.sequences.iter_mut().filter_map(|s| s.timing.as_mut());
        for timing in own.chain([&mut suite.sequence_timing]) {
            timing.timeout = self.timeout.unwrap_or(timing.timeout);
        }
        for sequence in &mut suite.sequences {
            sequence.retries = self.retries.unwrap_or(sequence.retries);
        }
    }

    fn apply_to_process(&self, process: &mut ProcessOptions) {
        process.descendants = self.descendants.or(process.descendants);
        process.fresh_directory |= self.fresh_directory;
    }
}

impl FaultOption {
    fn apply(self, suite: &mut Suite) -> Result<(), RequestError> {
        match (self, &mut suite.fault) {
            (FaultOption::Suite, _) => {}
            (FaultOption::None, fault) => *fault = None,
            (FaultOption::Dose(dose), Some(fault)) => fault.fix(dose),
            (FaultOption::Dose(_), None) => return Err(RequestError::NoFault),
        }
        Ok(())
    }
}

/// The user's choice. What only the suite asks to fork is executed where nothing can be forked.
fn spawn_choice(
    suite: &Suite,
    choice: Option<SpawnChoice>,
) -> Result<Option<SpawnChoice>, RequestError> {
    match (choice, process::why_not(&suite.device, suite.fork_cuda)) {
        (None, Some(_)) => Ok(Some(SpawnChoice::Exec)),
        (Some(SpawnChoice::Fork | SpawnChoice::Both), Some(why)) => Err(RequestError::Spawn(why)),
        (choice, _) => Ok(choice),
    }
}

/// The request of a run that is reopened, without its devices.
fn reopened(
    path: &Path,
    evidence: Option<EvidenceChoice>,
    lister: &TestLister,
) -> Result<(RunRequest, RunInfo, RunFolder), RequestError> {
    let folder = RunFolder::reopen(path)?;
    let (plan, run) = run_file::read(path)?;
    if run.merged.is_some() {
        return Err(RequestError::Merged(path.to_owned()));
    }
    lister.check(&plan.suite).map_err(RequestError::Tests)?;
    let written = lister.write_package(&plan.suite);
    written.map_err(RequestError::Package)?;
    let request = RunRequest {
        plan,
        stopping: run.stopping.clone(),
        jobs: run.jobs,
        devices: DeviceSet::default(),
        // Rounds that are watched in another way have another rate, so the default is the run's
        // own.
        evidence: evidence.unwrap_or_else(|| EvidenceChoice::of_run(&run)),
        not_worse_by: run.not_worse_by,
    };
    Ok((request, run, folder))
}

/// The run of that name. `latest` also finds a run that was stopped while it calibrated: it has no
/// record yet, but it can be resumed.
fn resumable(runs: &Path, name: &str) -> Result<PathBuf, FolderError> {
    if name == "latest"
        && let Some(last) = journal::list(runs)?.pop()
        && !journal::has_records(&last)
        && calibrate::is_part_of_run(&last)
    {
        return Ok(last);
    }
    journal::find(runs, name)
}

/// A seed below 2^53, so that every JSON reader keeps it exactly.
pub fn random_seed() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mixed = (now.as_nanos() as u64 ^ u64::from(std::process::id()) << 40)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed >> 11
}
