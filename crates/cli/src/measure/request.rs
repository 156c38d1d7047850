//! From arguments to a request to the supervisor.

use std::path::{Path, PathBuf};

use crashrate_model::Mode;
use crashrate_supervisor::journal::RunFolder;
use crashrate_supervisor::listing::TestLister;
use crashrate_supervisor::plan::{PlanError, Selection, round_seed};
use crashrate_supervisor::plan_file::PlanFile;
use crashrate_supervisor::request::{
    DeviceChoice, FaultOption, Overrides, RequestError, RunOptions, RunRequest, Subject,
};
use crashrate_supervisor::run_file;
use crashrate_supervisor::suite::{SuiteError, Variant, word_to_text};

use super::{HowArguments, MeasureArguments};
use crate::error::{Exit, Failure};
use crate::output::note;
use crate::run_folder::{find, find_failure};
use crate::suite_file::find_suite;
use crate::tests_of::lister;

/// The suite file that is found where the arguments name nothing to run.
pub(crate) fn suite_here(arguments: &MeasureArguments) -> Result<Option<PathBuf>, Failure> {
    let is_named = arguments.suite.is_some() || arguments.how.resume.is_some();
    if is_named || !arguments.argv.is_empty() {
        return Ok(None);
    }
    let found = find_suite()?;
    if !arguments.how.quiet {
        note(format_args!("suite {}", found.display()));
    }
    Ok(Some(found))
}

/// Plans a new run of the suite or of the command, or reopens the one named by `--resume`.
pub(crate) fn request(
    runs: &Path,
    arguments: &MeasureArguments,
    suite: Option<&Path>,
    options: RunOptions,
) -> Result<(RunRequest, Option<RunFolder>), Failure> {
    if let Some(name) = &arguments.how.resume {
        return resume(runs, name, &arguments.how);
    }
    if let Some(path) = suite {
        refuse_plan(path)?;
    }
    let lister = lister_of(runs, &arguments.how);
    let words = || arguments.argv.iter().map(|word| word_to_text(word));
    let subject = match (suite, arguments.from) {
        (Some(path), _) => Subject::Suite(path.to_owned()),
        (None, Some(framework)) => Subject::Tests(framework, words().collect()),
        (None, None) => Subject::Command(words().collect()),
    };
    match RunRequest::new(&subject, options, &lister) {
        Ok(request) => Ok((request, None)),
        Err(error) => {
            let hint = arguments.suite.as_deref().and_then(command_hint);
            Err(match (&error, hint) {
                (RequestError::Suite(SuiteError::Empty { .. }), _) => failure(error),
                (RequestError::Suite(_), Some(hint)) => Failure::usage(hint),
                _ => failure(error),
            })
        }
    }
}

/// Refuses a plan file where a suite is expected.
pub(crate) fn refuse_plan(path: &Path) -> Result<(), Failure> {
    match PlanFile::is_plan(path) {
        true => Err(Failure::usage(format!(
            "{0}: this is a plan file, and a suite is expected; to run the plan: crashrate run {0} \
             --shard I/N",
            path.display()
        ))),
        false => Ok(()),
    }
}

/// Reopens a run.
pub(crate) fn resume(
    runs: &Path,
    name: &str,
    how: &HowArguments,
) -> Result<(RunRequest, Option<RunFolder>), Failure> {
    RunRequest::resume(runs, name, how.jobs, how.evidence, &lister_of(runs, how))
        .map(|(request, folder)| (request, Some(folder)))
        .map_err(failure)
}

/// Plans a new run of these variants of a command.
pub(crate) fn of_variants(
    runs: &Path,
    how: &HowArguments,
    argv: Vec<String>,
    variants: Vec<Variant>,
    options: RunOptions,
) -> Result<RunRequest, Failure> {
    let subject = Subject::Variants(argv, variants);
    RunRequest::new(&subject, options, &lister_of(runs, how)).map_err(failure)
}

pub(super) fn lister_of(runs: &Path, how: &HowArguments) -> TestLister {
    let lister = lister(runs);
    match how.no_additions {
        true => lister.without_additions(),
        false => lister,
    }
}

/// The seed by which a round of an earlier run shuffled its chapters.
fn order_seed(runs: &Path, arguments: &MeasureArguments) -> Result<Option<u64>, Failure> {
    let Some((name, round)) = &arguments.order else {
        return Ok(None);
    };
    let (plan, _) = run_file::read(&find(runs, name)?).map_err(Failure::usage)?;
    let sequences = plan
        .units
        .iter()
        .filter(|unit| unit.mode == Mode::Sequential);
    let rounds = sequences.map(|unit| unit.rounds).max();
    if rounds.is_none_or(|rounds| *round > rounds) {
        return Err(Failure::usage(match rounds {
            None => format!("--order: run {name} has no sequence"),
            Some(_) => format!("--order: run {name} has no round {round}"),
        }));
    }
    let seed = plan.order_seed;
    Ok(Some(seed.unwrap_or_else(|| round_seed(plan.seed, *round))))
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

/// The options that these arguments stand for; all others have their defaults.
pub(crate) fn options(runs: &Path, arguments: &MeasureArguments) -> Result<RunOptions, Failure> {
    let options = how_options(&arguments.how);
    Ok(RunOptions {
        selection: Selection {
            chapters: arguments.chapter.clone(),
            variants: arguments.variant.clone(),
            spawn: arguments.spawn,
            ..options.selection
        },
        overrides: Overrides {
            device: arguments.device.clone(),
            ..options.overrides
        },
        name: arguments.name.clone(),
        devices: DeviceChoice::Here(arguments.local_devices()),
        fault: match (arguments.no_fault, arguments.dose) {
            (true, _) => FaultOption::None,
            (false, Some(dose)) => FaultOption::Dose(dose),
            (false, None) => FaultOption::Suite,
        },
        order_seed: order_seed(runs, arguments)?,
        ..options
    })
}

/// The options that only say how rounds run.
pub(crate) fn how_options(how: &HowArguments) -> RunOptions {
    RunOptions {
        selection: Selection {
            perturb: how.perturb.clone(),
            ..Selection::default()
        },
        overrides: Overrides {
            timeout: how.timeout,
            probe: probe(how),
            descendants: how.descendants,
            fresh_directory: how.fresh_directory,
            pty: how.pty,
            ..Overrides::default()
        },
        seed: how.seed,
        jobs: how.jobs,
        evidence: how.evidence,
        ..RunOptions::default()
    }
}

/// The command of `--probe`. The suite may be in another folder than the program that is named here.
pub(super) fn probe(how: &HowArguments) -> Option<Vec<String>> {
    let mut words = how.probe.as_ref()?.0.clone();
    if words[0].contains('/')
        && let Ok(program) = std::path::absolute(&words[0])
    {
        words[0] = word_to_text(program.as_os_str());
    }
    Some(words)
}

pub(super) fn failure(error: RequestError) -> Failure {
    match error {
        RequestError::Suite(error) => error.into(),
        RequestError::Folder(error) => error.into(),
        RequestError::Find(error) => find_failure(error),
        RequestError::Plan(PlanError::Nothing(_)) => Failure::new(Exit::NothingToRun, error),
        error => Failure::usage(error),
    }
}
