//! `crashrate run`: from the command line to a campaign, and from its journal to the report.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crashrate_model::Mode;
use crashrate_report::{View, markdown};
use crashrate_supervisor::driver::{self, Campaign, RunError};
use crashrate_supervisor::journal::{self, RunFolder};
use crashrate_supervisor::plan::{Plan, PlanError, Selection};
use crashrate_supervisor::run_file;
use crashrate_supervisor::schedule::Bounds;
use crashrate_supervisor::suite::{Action, Suite};
use crashrate_supervisor::worker;

use crate::args::{ModeChoice, RunArguments};
use crate::exit::{Exit, Failure};
use crate::guard;
use crate::inspect::{folder_failure, for_terminal, print, suite_failure, tell, view};
use crate::live::Live;

/// Rounds of a command given on the command line.
const COMMAND_ROUNDS: u32 = 10;

pub(crate) fn run(runs: &Path, arguments: Box<RunArguments>) -> Result<Exit, Failure> {
    let resumed = match &arguments.resume {
        Some(name) => Some(resume(runs, name)?),
        None => None,
    };
    let (plan, resumed) = match resumed {
        Some((folder, plan)) => (plan, Some(folder)),
        None => (plan(&arguments)?, None),
    };
    let program = std::env::current_exe()
        .map_err(|e| Failure::usage(format!("this program's own path cannot be found: {e}")))?;
    let beside = program.parent().map(Path::to_owned).unwrap_or_default();
    let workers =
        worker::prepare(&plan, arguments.worker.as_deref(), &beside).map_err(Failure::usage)?;
    warn_of_jobs(&plan, arguments.jobs);
    let folder = match resumed {
        Some(folder) => folder,
        None => {
            RunFolder::create(runs, &plan.suite.name, arguments.number).map_err(folder_failure)?
        }
    };
    let campaign = Campaign {
        plan,
        workers,
        bounds: Bounds {
            slots: arguments.jobs,
            max_failures: arguments.max_failures.or(arguments.fail_fast.then_some(1)),
        },
        time_budget: arguments.time_budget,
        findings: Vec::new(),
        core_dumps: arguments.core_dumps,
        guardian: (program, guard::ARGUMENTS),
    };
    let mut live = Live::new(&campaign.plan);
    let done = driver::run(&campaign, &folder, &mut |fact| live.show(&fact));
    live.end();
    let ended = conclude(&folder, arguments.report_only);
    match done {
        Ok(_) => ended,
        Err(error) => {
            // What was measured is on record, and reported as far as that goes.
            let exit = match error {
                RunError::Journal(_) | RunError::Folder { .. } => Exit::Journal,
                RunError::SetUp(_) => Exit::Incomplete,
            };
            Err(Failure::new(exit, error))
        }
    }
}

/// The folder and the plan of a run that is to be gone on with.
fn resume(runs: &Path, name: &str) -> Result<(RunFolder, Plan), Failure> {
    let path = journal::find(runs, name).map_err(Failure::usage)?;
    let folder = RunFolder::reopen(&path).map_err(folder_failure)?;
    let (plan, _) = run_file::read(&path).map_err(Failure::usage)?;
    Ok((folder, plan))
}

fn plan(arguments: &RunArguments) -> Result<Plan, Failure> {
    let mut suite = match &arguments.suite {
        Some(path) => Suite::read(path),
        None => Suite::of_command(&arguments.argv, COMMAND_ROUNDS),
    }
    .map_err(suite_failure)?;
    override_suite(&mut suite, arguments);
    let selection = Selection {
        mode: match arguments.mode {
            ModeChoice::Isolated => Some(Mode::Isolated),
            ModeChoice::Sequential => Some(Mode::Sequential),
            ModeChoice::Both => None,
        },
        chapters: arguments.chapter.clone(),
        variants: arguments.variant.clone(),
        rounds: arguments.rounds,
    };
    let seed = arguments.seed.unwrap_or_else(random_seed);
    Plan::new(suite, &selection, seed).map_err(|error| match error {
        PlanError::Nothing(_) => Failure::new(Exit::NothingToRun, error),
        PlanError::Unknown { .. } => Failure::usage(error),
    })
}

/// What the command line says is in place of what the suite says.
fn override_suite(suite: &mut Suite, arguments: &RunArguments) {
    if let Some(device) = &arguments.device {
        suite.device.clone_from(device);
    }
    for chapter in &mut suite.chapters {
        chapter.limits.timeout = arguments.timeout.unwrap_or(chapter.limits.timeout);
        chapter.retries = arguments.retries.unwrap_or(chapter.retries);
    }
    suite.around.timeout = arguments.timeout.unwrap_or(suite.around.timeout);
    for sequence in &mut suite.sequences {
        sequence.retries = arguments.retries.unwrap_or(sequence.retries);
    }
}

/// Any number below 2^53 will do; it is on record.
fn random_seed() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mixed = (now.as_nanos() as u64 ^ u64::from(std::process::id()) << 40)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed >> 11
}

fn warn_of_jobs(plan: &Plan, jobs: u32) {
    let has_worker = |a: &Action| matches!(a, Action::Worker { .. });
    let disturbs = plan.suite.chapters.iter().any(|c| has_worker(&c.action))
        || plan.units.iter().any(|u| u.mode == Mode::Sequential);
    if jobs > 1 && disturbs {
        tracing::warn!(
            "{jobs} attempts at the same time change timings and race rates; the run records it"
        );
    }
}

/// Writes the reports of a run and says how the program ends.
fn conclude(folder: &RunFolder, report_only: bool) -> Result<Exit, Failure> {
    // The lock is still held, but nothing runs any more.
    let view = view(folder.path(), false)?;
    let report = folder.path().join("report.md");
    let written = fs::write(&report, markdown(&view));
    print(&for_terminal(&view));
    match written {
        Ok(()) => tell(format_args!("report: {}", shown(&report).display())),
        Err(error) => tell(format_args!(
            "warning: {} could not be written: {error}",
            report.display()
        )),
    }
    Ok(match exit(&view) {
        Exit::NotPassed if report_only => Exit::Passed,
        exit => exit,
    })
}

fn exit(view: &View) -> Exit {
    if !view.run.complete {
        Exit::Incomplete
    } else if view.totals.passed_after_retries < view.totals.planned {
        Exit::NotPassed
    } else {
        Exit::Passed
    }
}

/// A path as short as it can be said from here.
fn shown(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).to_owned()
}
