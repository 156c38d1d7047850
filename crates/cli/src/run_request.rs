//! From the command line, or from an earlier run, to what is to be run.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crashrate_model::{Axis, EvidenceMode, Gate, Mode, RunInfo, Spawn, Stopping};
use crashrate_supervisor::calibrate::FOLDER;
use crashrate_supervisor::decide::{gates_for_all, has_both_modes, hopeless_gates};
use crashrate_supervisor::journal::{self, RunFolder};
use crashrate_supervisor::plan::{Plan, PlanError, Selection, SpawnChoice};
use crashrate_supervisor::suite::{Action, Suite, word_to_text};
use crashrate_supervisor::watching::EvidenceChoice;
use crashrate_supervisor::{process, run_file};

use crate::args::{EvidenceArgument, ModeChoice, RunArguments, Until};
use crate::exit::{Exit, Failure};
use crate::inspect::{folder_failure, suite_failure};

/// Rounds of a command given on the command line.
const COMMAND_ROUNDS: u32 = 10;
/// Rounds of each unit when the run is to stop by itself and nothing else bounds it.
pub(crate) const OPEN_ROUNDS: u32 = 10_000;

/// What is to be run, and when it stops.
pub(crate) struct Wanted {
    pub(crate) plan: Plan,
    pub(crate) stopping: Stopping,
    /// How many attempts run at the same time.
    pub(crate) jobs: u32,
    /// How attempts are watched.
    pub(crate) evidence: EvidenceChoice,
    /// How much more often the second side of a comparison may be bad and still count as no worse, as a share.
    pub(crate) not_worse_by: Option<f64>,
}

/// A run that is to be gone on with, by its own plan and rule.
pub(crate) fn resume(
    runs: &Path,
    name: &str,
    jobs: Option<u32>,
    evidence: Option<EvidenceArgument>,
) -> Result<(Wanted, RunFolder), Failure> {
    let path = begun(runs, name)?;
    let folder = RunFolder::reopen(&path).map_err(folder_failure)?;
    let (plan, run) = run_file::read(&path).map_err(Failure::usage)?;
    let began_with = evidence_of(&run);
    let wanted = Wanted {
        plan,
        stopping: run.stopping,
        jobs: jobs.unwrap_or(run.jobs),
        // As it began, or the rates of its two parts would not be of the same thing.
        evidence: evidence.map_or(began_with, EvidenceChoice::from),
        not_worse_by: run.not_worse_by,
    };
    Ok((wanted, folder))
}

/// How the attempts of a run that began before were watched.
fn evidence_of(run: &RunInfo) -> EvidenceChoice {
    match (run.evidence, run.evidence_rounds) {
        (EvidenceMode::Trace, _) => EvidenceChoice::Trace,
        (EvidenceMode::Core, _) => EvidenceChoice::Core,
        (EvidenceMode::None, true) => EvidenceChoice::Auto,
        (EvidenceMode::None, false) => EvidenceChoice::None,
    }
}

/// The run of that name. `latest` is also one that was stopped in its calibration, and has nothing to report yet.
fn begun(runs: &Path, name: &str) -> Result<PathBuf, Failure> {
    let last = journal::list(runs).map_err(Failure::usage)?.pop();
    let calibrates = |folder: &PathBuf| {
        let id = folder.file_name().unwrap_or_default().to_string_lossy();
        // `crashrate calibrate` has nothing but that, and is done with it.
        folder.join(FOLDER).is_dir() && !id.contains(&format!("-{FOLDER}-"))
    };
    match last.filter(|last| name == "latest" && !journal::has_records(last) && calibrates(last)) {
        Some(last) => Ok(last),
        None => journal::find(runs, name).map_err(Failure::usage),
    }
}

/// What the command line asks for.
pub(crate) fn wanted(arguments: &RunArguments) -> Result<Wanted, Failure> {
    let mut suite = match &arguments.suite {
        Some(path) => Suite::read(path),
        None => Suite::of_command(&words(&arguments.argv), COMMAND_ROUNDS),
    }
    .map_err(suite_failure)?;
    override_suite(&mut suite, arguments);
    override_fault(&mut suite, arguments)?;
    if arguments.suite.is_none() && arguments.spawn.is_some() {
        // Who wants a command forked says with that that it can be.
        suite.chapters[0].spawning.zygote = true;
    }
    let spawn = spawn_choice(&suite, arguments)?;
    let is_open = arguments.until.is_some() || arguments.gate.is_some();
    let selection = Selection {
        mode: match arguments.mode {
            ModeChoice::Isolated => Some(Mode::Isolated),
            ModeChoice::Sequential => Some(Mode::Sequential),
            ModeChoice::Both => None,
        },
        chapters: arguments.chapter.clone(),
        variants: arguments.variant.clone(),
        only_round: arguments.round,
        rounds: arguments.rounds.or(is_open.then_some(OPEN_ROUNDS)),
        spawn,
    };
    let seed = arguments.seed.unwrap_or_else(random_seed);
    let plan = Plan::new(suite, &selection, seed).map_err(|error| match error {
        PlanError::Nothing(_) => Failure::new(Exit::NothingToRun, error),
        PlanError::Unknown { .. } | PlanError::Preload { .. } | PlanError::NoSuchRound { .. } => {
            Failure::usage(error)
        }
    })?;
    let stopping = stopping(&plan, arguments)?;
    let hopeless = hopeless_gates(&plan.units, &stopping);
    if arguments.strict && !hopeless.is_empty() {
        return Err(Failure::usage(format!("--strict: {}", hopeless.join("; "))));
    }
    Ok(Wanted {
        plan,
        stopping,
        jobs: arguments.jobs.unwrap_or(1),
        evidence: arguments
            .evidence
            .map_or_else(EvidenceChoice::default, EvidenceChoice::from),
        not_worse_by: arguments.not_worse_by,
    })
}

/// The words of a command as text.
fn words(argv: &[OsString]) -> Vec<String> {
    argv.iter().map(|word| word_to_text(word)).collect()
}

/// What the command line says of it. What only the suite wants is executed where nothing can be forked.
fn spawn_choice(suite: &Suite, arguments: &RunArguments) -> Result<Option<SpawnChoice>, Failure> {
    let choice = arguments.spawn.map(SpawnChoice::from);
    match (choice, process::why_not(&suite.device, suite.fork_cuda)) {
        (None, Some(_)) => Ok(Some(SpawnChoice::Exec)),
        (Some(SpawnChoice::Fork | SpawnChoice::Both), Some(why)) => {
            Err(Failure::usage(format!("--spawn: {why}")))
        }
        (choice, _) => Ok(choice),
    }
}

fn stopping(plan: &Plan, arguments: &RunArguments) -> Result<Stopping, Failure> {
    if arguments.round.is_some() {
        // The command of the run that is repeated may say when to stop; one round decides nothing.
        return Ok(Stopping::FixedRounds);
    }
    if let Some(limit) = &arguments.gate {
        return Ok(Stopping::Gates(gates_for_all(&plan.units, limit)));
    }
    match arguments.until {
        Some(Until::FirstCrash) => Ok(Stopping::FirstBad),
        Some(Until::Decided) => axis(plan).map(Stopping::Decided),
        None => Ok(match suite_gates(plan) {
            gates if gates.is_empty() => Stopping::FixedRounds,
            gates => Stopping::Gates(gates),
        }),
    }
}

/// Two variants are compared with each other, in each mode for itself; with one, its two modes are.
fn axis(plan: &Plan) -> Result<Axis, Failure> {
    let first = plan.units[0].suite_variant();
    let has = |spawn| plan.units.iter().any(|u| u.spawn == spawn);
    if plan.units.iter().any(|u| u.suite_variant() != first) {
        Ok(Axis::Variant)
    } else if has(Spawn::Exec) && has(Spawn::Fork) {
        Ok(Axis::Spawn)
    } else if has_both_modes(&plan.units) {
        Ok(Axis::Mode)
    } else {
        let problem = "--until decided has nothing to compare: run both modes of a suite with a [[sequence]], \
                       or name two variants with --variant";
        Err(Failure::usage(problem))
    }
}

fn suite_gates(plan: &Plan) -> Vec<Gate> {
    let mut by_unit: HashMap<(&str, Mode), Vec<&Gate>> = HashMap::new();
    for gate in &plan.suite.gates {
        let of_unit = by_unit.entry((&gate.name, gate.mode)).or_default();
        of_unit.push(gate);
    }
    let mut gates = Vec::new();
    for unit in &plan.units {
        let of_unit = by_unit.get(&(unit.name.as_str(), unit.mode));
        for gate in of_unit.into_iter().flatten() {
            gates.push(Gate {
                variant: unit.variant.clone(),
                ..(*gate).clone()
            });
        }
    }
    gates
}

/// What the command line says is in place of what the suite says.
fn override_suite(suite: &mut Suite, arguments: &RunArguments) {
    if let Some(device) = &arguments.device {
        suite.device.clone_from(device);
    }
    for chapter in &mut suite.chapters {
        chapter.limits.timeout = arguments.timeout.unwrap_or(chapter.limits.timeout);
        chapter.retries = arguments.retries.unwrap_or(chapter.retries);
        let process = &mut chapter.process;
        process.descendants = arguments
            .descendants
            .map(Into::into)
            .or(process.descendants);
        process.fresh_directory |= arguments.fresh_directory;
        process.pty |= arguments.pty && matches!(chapter.action, Action::Command(_));
    }
    let process = &mut suite.process;
    process.descendants = arguments
        .descendants
        .map(Into::into)
        .or(process.descendants);
    process.fresh_directory |= arguments.fresh_directory;
    suite.around.timeout = arguments.timeout.unwrap_or(suite.around.timeout);
    for sequence in &mut suite.sequences {
        sequence.retries = arguments.retries.unwrap_or(sequence.retries);
    }
}

fn override_fault(suite: &mut Suite, arguments: &RunArguments) -> Result<(), Failure> {
    if arguments.no_fault {
        suite.fault = None;
    }
    match (arguments.dose, &mut suite.fault) {
        (Some(dose), Some(fault)) => fault.fix(dose),
        (Some(_), None) => return Err(Failure::usage("--dose: the suite has no [fault]")),
        (None, _) => {}
    }
    Ok(())
}

/// Any number below 2^53 will do; it is on record.
pub(crate) fn random_seed() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mixed = (now.as_nanos() as u64 ^ u64::from(std::process::id()) << 40)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed >> 11
}
