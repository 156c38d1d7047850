//! One round of a recorded run, to be started again outside of a run.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::slice;
use std::time::Duration;

use crashrate_adapters::{ExitCodes, ExitMeaning};
use crashrate_model::{
    Device, Ended, Mode, Outcome, Perturbation, Perturbations, Record, RunInfo, Unit,
};
use thiserror::Error;

use crate::journal::{self, JOURNAL, JournalError};
use crate::plan::{AttemptSpec, Plan, RoundKey, SpecBuilder, round_seed};
use crate::process::StartFile;
use crate::program::{self, Programs};
use crate::run_file::{self, RunFileError};
use crate::suite::word_of_text;
use crate::worker::{self, WorkerError};

/// The most units that an error lists.
const LISTED: usize = 10;

/// Which round of a run is repeated.
#[derive(Clone, Debug, Default)]
pub struct RoundChoice {
    /// The round's number.
    pub round: u32,
    /// The chapter, in isolated mode, or the sequence.
    pub unit: Option<(Mode, String)>,
    /// The variant.
    pub variant: Option<String>,
    /// The perturbations, in place of those that it had in the run.
    pub perturb: Option<Perturbations>,
}

/// A round that can be started again.
#[derive(Clone, Debug)]
pub struct RepeatedRound {
    /// Its unit.
    pub unit: Unit,
    /// The seed of the round.
    pub seed: u64,
    /// The program, found as the run found it, and its arguments.
    pub command: Vec<OsString>,
    /// How it is started.
    pub start: StartFile,
    /// Time limit of the whole process, with its grace period.
    pub timeout: Duration,
    /// The recorded end of the attempt that is repeated.
    pub ended: Option<Ended>,
    /// How the repetition differs from the recorded round, in plain sentences.
    pub differences: Vec<String>,
    exit_codes: ExitCodes,
}

/// A round that cannot be repeated.
#[derive(Debug, Error)]
pub enum RepeatError {
    /// The plan of the run cannot be read.
    #[error(transparent)]
    RunFile(#[from] RunFileError),
    /// Its journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Its worker cannot be used.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// A supervisor works on the run. It would kill the repetition as a leftover of its own.
    #[error("the run is still going on: wait until it has ended")]
    Live,
    /// No unit fits.
    #[error("{0}")]
    None(String),
    /// Several units fit.
    #[error(
        "round {round} was run for {}; choose one with --chapter, --sequence or --variant",
        units.join(", ")
    )]
    Several {
        /// The round.
        round: u32,
        /// The units, in words.
        units: Vec<String>,
    },
    /// A debugger traces the program itself.
    #[error("--perturb {0}: under a debugger only malloc is possible")]
    Perturb(Perturbations),
    /// The program does not exist any more.
    #[error("{0}")]
    Program(String),
}

impl RepeatedRound {
    /// Finds a round in the folder of a run. Without a choice, the unit that crashed in that round.
    /// `worker` and `beside` are as in [`worker::prepare`].
    ///
    /// # Errors
    /// There is no such round, several units fit, or the round cannot be started again.
    pub fn find(
        folder: &Path,
        choice: &RoundChoice,
        worker: Option<&Path>,
        beside: &Path,
    ) -> Result<RepeatedRound, RepeatError> {
        if journal::is_live(folder) {
            return Err(RepeatError::Live);
        }
        let (mut plan, run) = run_file::read(folder)?;
        let recorded = JournalOfRound::read(folder, choice.round)?;
        let run = recorded.run.as_ref().unwrap_or(&run);
        let index = select(&plan, choice, &recorded)?;
        let asked = choice.perturb.unwrap_or_default();
        if asked.iter().any(|one| one != Perturbation::Malloc) {
            return Err(RepeatError::Perturb(asked));
        }
        let was_perturbed = plan.units[index].perturb;
        if choice.perturb.is_some() {
            plan.units[index].perturb = asked;
        }
        let unit = &plan.units[index];
        let measured = recorded_worker(run, unit);
        let given = worker.or(measured.as_deref());
        let workers = worker::prepare(&plan, given, beside)?;
        let (ended, device) = recorded.end_of(index).cloned().unzip();
        let device = device.flatten();
        let key = RoundKey {
            unit: index as u32,
            round: choice.round,
        };
        let attempt = ended.as_ref().map_or(1, |ended| ended.attempt);
        let specs = SpecBuilder::new(&plan, &run.id, &workers.by_variant);
        // A lost attempt has no device on record.
        let devices = device.as_ref().map_or(&*run.devices, slice::from_ref);
        let specs = specs.on_devices(devices);
        // The first slot that had the device.
        let slot = ended.as_ref().and_then(|ended| ended.device).unwrap_or(0);
        let spec = match ended.as_ref().and_then(|ended| ended.part.as_ref()) {
            Some(part) => specs.of_part(key, part, slot),
            None => specs.attempt(key, attempt, slot),
        };
        let found = program::find(&spec.argv()[0], &spec.unit.directory, &spec.unit.env);
        let found = found.map_err(|error| RepeatError::Program(error.to_string()))?;
        let arguments = spec.argv()[1..].iter().map(|word| word_of_text(word));
        Ok(RepeatedRound {
            seed: round_seed(plan.seed, choice.round),
            command: [found.into_os_string()]
                .into_iter()
                .chain(arguments)
                .collect(),
            start: StartFile::of(&spec),
            timeout: time_limit(&spec),
            ended,
            differences: differences(&spec, unit, was_perturbed, run),
            exit_codes: spec.unit.exit_codes.clone(),
            unit: unit.clone(),
        })
    }

    /// Whether an exit code of its process means a crash.
    pub fn is_crash(&self, code: i32) -> bool {
        self.exit_codes.meaning(code) == ExitMeaning::Crashed
    }
}

/// What the journal says about a round.
struct JournalOfRound {
    run: Option<RunInfo>,
    /// The ends of attempts, with the devices that they ran on.
    ends: Vec<(Ended, Option<Device>)>,
    /// By unit: the rounds of the whole run that crashed.
    crashes: BTreeMap<usize, u32>,
}

impl JournalOfRound {
    fn read(folder: &Path, round: u32) -> Result<JournalOfRound, JournalError> {
        let mut recorded = JournalOfRound {
            run: None,
            ends: Vec::new(),
            crashes: BTreeMap::new(),
        };
        for record in journal::read(&folder.join(JOURNAL))? {
            match record? {
                Record::Opened(opened) => recorded.run = Some(opened.run),
                Record::Ended(ended) => {
                    if ended.outcome == Outcome::Crashed {
                        *recorded.crashes.entry(ended.unit as usize).or_default() += 1;
                    }
                    if ended.round == round {
                        let run = recorded.run.as_ref();
                        let device = run.and_then(|run| run.device_of(&ended)).cloned();
                        recorded.ends.push((*ended, device));
                    }
                }
                _ => {}
            }
        }
        Ok(recorded)
    }

    /// The end of the attempt of a unit that crashed, else of the first one.
    fn end_of(&self, unit: usize) -> Option<&(Ended, Option<Device>)> {
        let of_unit = || (self.ends.iter()).filter(|(ended, _)| ended.unit as usize == unit);
        let crashed = of_unit().find(|(ended, _)| ended.outcome == Outcome::Crashed);
        crashed.or_else(|| of_unit().next())
    }

    /// Units in words. Of many, those that crashed in the run, the worst first.
    fn described(&self, plan: &Plan, units: &[usize]) -> Vec<String> {
        let crashes = |unit: &usize| self.crashes.get(unit).copied().unwrap_or(0);
        let mut shown = units.to_vec();
        if units.len() > LISTED
            || self
                .run
                .as_ref()
                .is_some_and(|run| run.stopping.is_search())
        {
            if shown.iter().any(|unit| crashes(unit) > 0) {
                shown.retain(|unit| crashes(unit) > 0);
            }
            shown.sort_by_key(|unit| Reverse(crashes(unit)));
            shown.truncate(LISTED);
        }
        let left = units.len() - shown.len();
        let words = shown.iter().map(|&unit| described(&plan.units[unit]));
        let more = (left > 0).then(|| format!("... and {left} more"));
        words.chain(more).collect()
    }
}

/// The index of the only unit that fits: by the choice, else the one that crashed, else the one that
/// did not pass, else the one that ran.
fn select(
    plan: &Plan,
    choice: &RoundChoice,
    recorded: &JournalOfRound,
) -> Result<usize, RepeatError> {
    let round = choice.round;
    let planned = (0..plan.units.len()).filter(|&index| plan.has(&plan.units[index], round));
    let planned: Vec<usize> = planned.collect();
    if planned.is_empty() {
        return Err(RepeatError::None(format!("the run has no round {round}")));
    }
    let fits = |unit: &Unit| {
        let by_name = (choice.unit.as_ref())
            .is_none_or(|(mode, name)| *mode == unit.mode && *name == unit.name);
        let named = choice.variant.as_ref();
        by_name && named.is_none_or(|id| *id == unit.variant || id == unit.suite_variant())
    };
    let chosen: Vec<usize> = (planned.iter().copied())
        .filter(|&index| fits(&plan.units[index]))
        .collect();
    let ended = |index: usize, test: fn(Outcome) -> bool| {
        let mut of_unit = (recorded.ends.iter()).filter(|(ended, _)| ended.unit as usize == index);
        of_unit.any(|(ended, _)| test(ended.outcome))
    };
    let narrowed = |test: fn(Outcome) -> bool| {
        let mut left = chosen.iter().copied().filter(|&index| ended(index, test));
        left.next().filter(|_| left.next().is_none())
    };
    let only = match chosen.as_slice() {
        [only] => Some(*only),
        _ => narrowed(|outcome| outcome == Outcome::Crashed)
            .or_else(|| narrowed(|outcome| outcome != Outcome::Passed))
            // In a search a round runs only one unit.
            .or_else(|| narrowed(|_| true)),
    };
    let described = |indices: &[usize]| recorded.described(plan, indices);
    match only {
        Some(index) => Ok(index),
        None if chosen.is_empty() => Err(RepeatError::None(format!(
            "round {round} was run for {}, and not for what was chosen",
            described(&planned).join(", ")
        ))),
        None => Err(RepeatError::Several {
            round,
            units: described(&chosen),
        }),
    }
}

/// A unit in words.
pub fn described(unit: &Unit) -> String {
    let name = unit.name.escape_debug();
    let of_variant = match unit.variant.as_str() {
        crate::suite::DEFAULT_VARIANT => String::new(),
        variant => format!(" (variant `{}`)", variant.escape_debug()),
    };
    match unit.mode {
        Mode::Isolated => format!("chapter `{name}`{of_variant}"),
        Mode::Sequential => format!("sequence `{name}`{of_variant}"),
    }
}

/// The worker that the run used, if it is still there.
fn recorded_worker(run: &RunInfo, unit: &Unit) -> Option<PathBuf> {
    let fact = match unit.suite_variant() {
        crate::suite::DEFAULT_VARIANT => "worker".to_owned(),
        other => format!("worker ({other})"),
    };
    let path = PathBuf::from(run.machine.get(&fact)?);
    path.is_file().then_some(path)
}

/// The longest that the process may take.
fn time_limit(spec: &AttemptSpec) -> Duration {
    let unit = &*spec.unit;
    let chapters = unit.chapters.iter().map(|chapter| chapter.timeout);
    let outside = match unit.mode {
        Mode::Isolated => Duration::ZERO,
        Mode::Sequential => unit.timeout,
    };
    chapters.fold(outside.saturating_add(unit.grace), Duration::saturating_add)
}

fn differences(
    spec: &AttemptSpec,
    unit: &Unit,
    was_perturbed: Perturbations,
    run: &RunInfo,
) -> Vec<String> {
    let mut differences = Vec::new();
    let is_done = |one: &Perturbation| *one == Perturbation::Malloc && unit.perturb.contains(*one);
    let missing: Perturbations = was_perturbed.iter().filter(|one| !is_done(one)).collect();
    if !missing.is_none() {
        differences.push(format!("the run perturbed it by {missing}; now it is not"));
    }
    if !unit.spawn.is_exec() {
        differences.push("the run forked this process; now it is executed".to_owned());
    }
    if spec.unit.process.pty {
        differences.push("the run gave it a terminal of its own; now it has none".to_owned());
    }
    let now = Programs::of([&*spec.unit].into_iter()).hashes();
    let is_same = |(path, _): &(&String, &String)| now.contains_key(*path);
    let measured: BTreeMap<_, _> = (run.programs.iter())
        .filter(is_same)
        .map(|(path, hash)| (path.clone(), hash.clone()))
        .collect();
    differences.extend(program::differ(&measured, &now));
    differences
}
