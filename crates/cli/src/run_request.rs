//! The command line as a request to the engine.

use std::ffi::OsString;
use std::path::Path;

use crashrate_model::Mode;
use crashrate_supervisor::journal::RunFolder;
use crashrate_supervisor::plan::{PlanError, Selection, SpawnChoice};
use crashrate_supervisor::request::{
    FaultOption, Overrides, RequestError, RunOptions, RunRequest, Subject, UnreachableGates, Until,
};
use crashrate_supervisor::suite::word_to_text;
use crashrate_supervisor::watching::EvidenceChoice;

use crate::args::{EvidenceArgument, ModeChoice, RunArguments, UntilArgument};
use crate::exit::{Exit, Failure};
use crate::inspect::{folder_failure, suite_failure};

/// The run to resume.
pub(crate) fn resume(
    runs: &Path,
    name: &str,
    jobs: Option<u32>,
    evidence: Option<EvidenceArgument>,
) -> Result<(RunRequest, RunFolder), Failure> {
    RunRequest::resume(runs, name, jobs, evidence.map(EvidenceChoice::from))
        .map_err(request_failure)
}

/// The run that the command line asks for.
pub(crate) fn run_request(arguments: &RunArguments) -> Result<RunRequest, Failure> {
    let subject = match &arguments.suite {
        Some(path) => Subject::Suite(path.clone()),
        None => Subject::Command(words(&arguments.argv)),
    };
    RunRequest::new(&subject, options(arguments)).map_err(request_failure)
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

/// A request that cannot be met, with its exit code.
fn request_failure(error: RequestError) -> Failure {
    match error {
        RequestError::Suite(error) => suite_failure(error),
        RequestError::Folder(error) => folder_failure(error),
        RequestError::Plan(PlanError::Nothing(_)) => Failure::new(Exit::NothingToRun, error),
        error => Failure::usage(error),
    }
}

/// The words of a command as text.
fn words(argv: &[OsString]) -> Vec<String> {
    argv.iter().map(|word| word_to_text(word)).collect()
}
