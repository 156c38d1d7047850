//! From the arguments of `crashrate run` to a request to the supervisor.

use std::ffi::OsString;
use std::path::Path;

use crashrate_model::Mode;
use crashrate_supervisor::journal::RunFolder;
use crashrate_supervisor::plan::{PlanError, Selection, SpawnChoice};
use crashrate_supervisor::request::{
    FaultOption, Overrides, RequestError, RunOptions, RunRequest, Subject, UnreachableGates, Until,
};
use crashrate_supervisor::suite::{SuiteError, word_to_text};
use crashrate_supervisor::watching::EvidenceChoice;

use super::args::{EvidenceArgument, ModeChoice, RunArguments, UntilArgument};
use crate::error::{Exit, Failure};
use crate::run_folder::find_failure;

/// Reopens the run named by `--resume`.
pub(super) fn resume(
    runs: &Path,
    name: &str,
    jobs: Option<u32>,
    evidence: Option<EvidenceArgument>,
) -> Result<(RunRequest, RunFolder), Failure> {
    let evidence = evidence.map(EvidenceChoice::from);
    RunRequest::resume(runs, name, jobs, evidence).map_err(failure)
}

/// Plans a new run.
pub(super) fn run_request(arguments: &RunArguments) -> Result<RunRequest, Failure> {
    let subject = match &arguments.suite {
        Some(path) => Subject::Suite(path.clone()),
        None => Subject::Command(words(&arguments.argv)),
    };
    RunRequest::new(&subject, options(arguments)).map_err(|error| match &error {
        RequestError::Suite(SuiteError::Empty { .. }) => failure(error),
        RequestError::Suite(_) => match arguments.suite.as_deref().and_then(command_hint) {
            Some(hint) => Failure::usage(hint),
            None => failure(error),
        },
        _ => failure(error),
    })
}

/// What a user may have meant who names a program instead of a suite.
fn command_hint(path: &Path) -> Option<String> {
    if path
        .extension()
        .is_some_and(|extension| extension == "toml")
        || path.is_dir()
    {
        return None;
    }
    let problem = if path.exists() {
        "a suite is a TOML file"
    } else {
        "no such file"
    };
    let path = path.display();
    Some(format!(
        "{path}: {problem}; to run a command: crashrate run -- {path}"
    ))
}

fn options(arguments: &RunArguments) -> RunOptions {
    RunOptions {
        selection: Selection {
            mode: match arguments.mode {
                ModeChoice::Isolated => Some(Mode::Isolated),
                ModeChoice::Sequential => Some(Mode::Sequential),
                ModeChoice::Both => None,
            },
            chapters: arguments.chapter.clone(),
            variants: arguments.variant.clone(),
            only_round: arguments.round,
            rounds: arguments.rounds,
            spawn: arguments.spawn.map(SpawnChoice::from),
        },
        overrides: Overrides {
            device: arguments.device.clone(),
            timeout: arguments.timeout,
            retries: arguments.retries,
            descendants: arguments.descendants.map(Into::into),
            fresh_directory: arguments.fresh_directory,
            pty: arguments.pty,
        },
        fault: match (arguments.no_fault, arguments.dose) {
            (true, _) => FaultOption::None,
            (false, Some(dose)) => FaultOption::Dose(dose),
            (false, None) => FaultOption::Suite,
        },
        until: match (&arguments.gate, arguments.until) {
            (Some(limit), _) => Until::Gate(limit.clone()),
            (None, Some(UntilArgument::Decided)) => Until::Decided,
            (None, Some(UntilArgument::FirstCrash)) => Until::FirstBad,
            (None, None) => Until::Suite,
        },
        not_worse_by: arguments.not_worse_by,
        unreachable_gates: if arguments.strict {
            UnreachableGates::Refuse
        } else {
            UnreachableGates::Allow
        },
        seed: arguments.seed,
        jobs: arguments.jobs,
        evidence: arguments.evidence.map(EvidenceChoice::from),
    }
}

fn failure(error: RequestError) -> Failure {
    match error {
        RequestError::Suite(error) => error.into(),
        RequestError::Folder(error) => error.into(),
        RequestError::Find(error) => find_failure(error),
        RequestError::Plan(PlanError::Nothing(_)) => Failure::new(Exit::NothingToRun, error),
        error => Failure::usage(error),
    }
}

fn words(argv: &[OsString]) -> Vec<String> {
    argv.iter().map(|word| word_to_text(word)).collect()
}
