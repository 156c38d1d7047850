//! `crashrate run`: from the command line to a campaign, and from its journal to the report.

use std::path::{Path, PathBuf};

use crashrate_model::Mode;
use crashrate_report::{ExitClass, View, exit_class};
use crashrate_supervisor::decide::hopeless_gates;
use crashrate_supervisor::doctor;
use crashrate_supervisor::driver::{self, Campaign, RunError};
use crashrate_supervisor::journal::RunFolder;
use crashrate_supervisor::plan::Plan;
use crashrate_supervisor::schedule::Bounds;
use crashrate_supervisor::suite::Action;
use crashrate_supervisor::worker;

use crate::args::RunArguments;
use crate::calibrate;
use crate::exit::{Exit, Failure};
use crate::github::Step;
use crate::guard;
use crate::inspect::{folder_failure, for_terminal, previous, print, tell, view};
use crate::kept;
use crate::live::Live;
use crate::wanted::{Wanted, resume, wanted};

pub(crate) fn run(runs: &Path, arguments: Box<RunArguments>) -> Result<Exit, Failure> {
    let (wanted, resumed) = match &arguments.resume {
        Some(name) => {
            let no_trace = arguments.no_trace;
            resume(runs, name, arguments.jobs, no_trace)
                .map(|(wanted, folder)| (wanted, Some(folder)))?
        }
        None => (wanted(&arguments)?, None),
    };
    let Wanted {
        plan,
        stopping,
        jobs,
        trace,
        not_worse_by,
    } = wanted;
    let program = std::env::current_exe()
        .map_err(|e| Failure::usage(format!("this program's own path cannot be found: {e}")))?;
    let beside = program.parent().map(Path::to_owned).unwrap_or_default();
    let workers =
        worker::prepare(&plan, arguments.worker.as_deref(), &beside).map_err(Failure::usage)?;
    warn_of_jobs(&plan, jobs);
    for gate in hopeless_gates(&plan.units, &stopping) {
        tracing::warn!("{gate}");
    }
    let folder = match resumed {
        Some(folder) => folder,
        None => {
            RunFolder::create(runs, &plan.suite.name, arguments.number).map_err(folder_failure)?
        }
    };
    let findings = doctor::examine_for(&plan, &workers);
    let mut campaign = Campaign {
        plan,
        workers,
        findings,
        bounds: Bounds {
            slots: jobs,
            max_failures: arguments.max_failures.or(arguments.fail_fast.then_some(1)),
        },
        stopping,
        time_budget: arguments.time_budget,
        not_worse_by,
        trace,
        core_dumps: arguments.core_dumps,
        guardian: (program, guard::ARGUMENTS),
    };
    let calibrated = calibrate::found(&mut campaign, &folder)?;
    if calibrated.is_some() {
        // With what was found in it.
        driver::announce(&campaign, &folder).map_err(run_failure)?;
    }
    if !folder.is_resumed() {
        let plan = &campaign.plan;
        let hazard = plan.suite.hazard.as_ref().filter(|_| calibrated.is_some());
        let command = repetition(plan.seed, hazard.map(|hazard| hazard.injected.writes));
        campaign.workers.facts.insert("command".into(), command);
    }
    let mut live = Live::new(&campaign.plan);
    let done = driver::run(&campaign, &folder, &mut |fact| live.show(&fact));
    live.end();
    match done {
        Ok(_) => conclude(runs, &folder, arguments.report_only),
        // Nothing was done.
        Err(error @ RunError::Replaced(_)) => Err(run_failure(error)),
        Err(error) => {
            // What was measured is on record, and reported as far as that goes.
            let _ = conclude(runs, &folder, arguments.report_only);
            Err(run_failure(error))
        }
    }
}

/// How the program ends when a run could not go on.
pub(crate) fn run_failure(error: RunError) -> Failure {
    let exit = match &error {
        // What was written before is an input of this run.
        RunError::Journal(error) if error.is_of_reading() => Exit::Usage,
        RunError::Journal(_) | RunError::Folder { .. } => Exit::Journal,
        RunError::SetUp(_) => Exit::Incomplete,
        RunError::Rule(_) | RunError::Replaced(_) => Exit::Usage,
    };
    Failure::new(exit, error)
}

/// How to repeat this run: its command line, with the seed if that was drawn, and the writes if they were found.
fn repetition(seed: u64, writes: Option<u32>) -> String {
    let given: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| quoted(&argument.to_string_lossy()))
        .collect();
    // What stands behind `--` is a command of the user's own.
    let end = given.iter().position(|argument| argument == "--");
    let (own, command) = given.split_at(end.unwrap_or(given.len()));
    let has_seed = |argument: &String| argument == "--seed" || argument.starts_with("--seed=");
    let mut words = vec!["crashrate".to_owned()];
    words.extend_from_slice(own);
    if !own.iter().any(has_seed) {
        words.extend(["--seed".to_owned(), seed.to_string()]);
    }
    if let Some(writes) = writes {
        words.extend(["--writes".to_owned(), writes.to_string()]);
    }
    words.extend_from_slice(command);
    words.join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
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
fn conclude(runs: &Path, folder: &RunFolder, report_only: bool) -> Result<Exit, Failure> {
    // The lock is still held, but nothing runs any more.
    let view = view(folder.path(), false)?;
    let previous = previous(runs, &view);
    let step = Step::here();
    let printed = match &step {
        Some(step) => step.print(&for_terminal(&view)),
        None => print(&for_terminal(&view)),
    };
    for report in kept::write(folder.path(), &view, previous.as_ref()) {
        tell(format_args!("report: {}", shown(&report).display()));
    }
    let told = step.map_or(Ok(()), |step| step.tell(&view, previous.as_ref()));
    printed.and(told)?;
    Ok(match exit(&view) {
        Exit::NotPassed | Exit::Refuted | Exit::Undecided if report_only => Exit::Passed,
        exit => exit,
    })
}

fn exit(view: &View) -> Exit {
    match exit_class(view) {
        ExitClass::Incomplete => Exit::Incomplete,
        ExitClass::Refuted => Exit::Refuted,
        ExitClass::Undecided => Exit::Undecided,
        ExitClass::NotPassed => Exit::NotPassed,
        ExitClass::Passed => Exit::Passed,
    }
}

/// A path as short as it can be said from here.
fn shown(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).to_owned()
}
