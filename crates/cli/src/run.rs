//! `crashrate run`: from the command line to a campaign, and from its journal to the report.

use std::path::Path;

use crashrate_model::{Record, StopReason};
use crashrate_report::{ExitClass, View, exit_class};
use crashrate_supervisor::doctor;
use crashrate_supervisor::journal::{JournalError, RunFolder};
use crashrate_supervisor::plan::Plan;
use crashrate_supervisor::process;
use crashrate_supervisor::request::RunRequest;
use crashrate_supervisor::runner::{self, Campaign, RunError, RunEvent};
use crashrate_supervisor::schedule::Bounds;
use crashrate_supervisor::watching::Watching;
use crashrate_supervisor::worker;

use crate::args::RunArguments;
use crate::calibrate;
use crate::environment::enough_for_run;
use crate::exit::{Exit, Failure};
use crate::github::Step;
use crate::guardian;
use crate::inspect::{folder_failure, for_terminal, page, previous, view};
use crate::live::Live;
use crate::repetition::repetition;
use crate::report_files;
use crate::run_request::{resume, run_request};
use crate::screen::print;
use crate::stop::StopWatch;

pub(crate) fn run(runs: &Path, arguments: Box<RunArguments>) -> Result<Exit, Failure> {
    let (request, resumed) = match &arguments.resume {
        Some(name) => resume(runs, name, arguments.jobs, arguments.evidence)
            .map(|(request, folder)| (request, Some(folder)))?,
        None => (run_request(&arguments)?, None),
    };
    let unreachable_gates = request.unreachable_gates();
    let RunRequest {
        plan,
        stopping,
        jobs,
        evidence,
        not_worse_by,
    } = request;
    let program = std::env::current_exe()
        .map_err(|e| Failure::usage(format!("this program's own path cannot be found: {e}")))?;
    let refused = process::refused_calls((&program, guardian::ARGUMENTS));
    if let Some(call) = refused.iter().find(|call| call.without.is_none()) {
        return Err(Failure::usage(format!(
            "{}: nothing can be measured without it; allow it",
            call.sentence()
        )));
    }
    let beside = program.parent().map(Path::to_owned).unwrap_or_default();
    let workers =
        worker::prepare(&plan, arguments.worker.as_deref(), &beside).map_err(Failure::usage)?;
    enough_for_run(jobs)?;
    warn_of_jobs(&plan, jobs);
    for gate in unreachable_gates {
        tracing::warn!("{gate}");
    }
    let watching = Watching::choose(
        evidence,
        &plan,
        (&program, guardian::ARGUMENTS),
        arguments.core_dumps,
    )
    .map_err(Failure::usage)?;
    let folder = match resumed {
        Some(folder) => folder,
        None => {
            RunFolder::create(runs, &plan.suite.name, arguments.number).map_err(folder_failure)?
        }
    };
    let mut findings = doctor::examine_for(&plan, &workers);
    findings.extend(refused.iter().map(doctor::refused_call));
    let mut campaign = Campaign {
        findings,
        bounds: Bounds {
            slots: jobs,
            max_failures: arguments.max_failures.or(arguments.fail_fast.then_some(1)),
        },
        stopping,
        time_budget: arguments.time_budget,
        not_worse_by,
        watching,
        core_dumps: arguments.core_dumps,
        ..Campaign::new(plan, workers, (program, guardian::ARGUMENTS))
    };
    let watch = StopWatch::new(&campaign.plan);
    let calibrated = calibrate::found(&mut campaign, &folder, &watch)?;
    if calibrated.is_some() {
        // With what was found in it.
        runner::announce(&campaign, &folder).map_err(run_failure)?;
    }
    if !folder.is_resumed() {
        let plan = &campaign.plan;
        let fault = plan.suite.fault.as_ref().filter(|_| calibrated.is_some());
        let command = repetition(plan.seed, fault.map(|fault| fault.injected.dose));
        campaign.workers.facts.insert("command".into(), command);
    }
    let done = attend(&campaign, &folder, &watch, unread(&folder));
    match done {
        Ok(_) => conclude(runs, &folder, &arguments),
        // Nothing was done, or what is on record is not what was measured.
        Err(error @ (RunError::Replaced(_) | RunError::Journal(JournalError::Changed { .. }))) => {
            Err(run_failure(error))
        }
        Err(error) => {
            // What was measured is on record, and reported as far as that goes.
            let _ = conclude(runs, &folder, &arguments);
            Err(run_failure(error))
        }
    }
}

/// What to say when a signal ends the program after the run.
fn unread(folder: &RunFolder) -> String {
    let number = folder.number();
    format!("stopped while the report was printed; `crashrate report {number}` shows it")
}

/// Runs a campaign, shows its progress, and ends it on signals.
pub(crate) fn attend(
    campaign: &Campaign,
    folder: &RunFolder,
    watch: &StopWatch,
    if_stopped_then: String,
) -> Result<StopReason, RunError> {
    let mut live = Live::new(&campaign.plan);
    let done = runner::run(campaign, folder, &mut |fact| {
        if let RunEvent::Record(Record::Started(_)) = fact {
            watch.running();
        }
        live.show(&fact);
    });
    watch.ended(if_stopped_then);
    done
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

fn warn_of_jobs(plan: &Plan, jobs: u32) {
    if jobs > 1 && plan.is_load_sensitive() {
        tracing::warn!(
            "{jobs} attempts at the same time change timings and race rates; the run records it"
        );
    }
}

/// Writes the reports of a run and says how the program ends.
fn conclude(runs: &Path, folder: &RunFolder, arguments: &RunArguments) -> Result<Exit, Failure> {
    // The lock is still held, but nothing runs any more.
    let view = view(folder.path(), false);
    // It was read when the run began, or begun by it: what is wrong with it now came from outside meanwhile.
    let view = view.map_err(|failure| Failure::new(Exit::Journal, failure.message()))?;
    let previous = previous(runs, &view);
    // Before anything is printed: the terminal may have stopped reading.
    report_files::write(folder.path(), &view, previous.as_ref());
    let page = page(folder.path());
    let text = for_terminal(&view, arguments.full, page.as_deref());
    let step = Step::here();
    let printed = match &step {
        Some(step) => step.print(&text),
        None => print(&text),
    };
    let told = step.map_or(Ok(()), |step| step.tell(&view, previous.as_ref()));
    printed.and(told)?;
    Ok(match exit(&view) {
        Exit::NotPassed | Exit::Refuted | Exit::Undecided if arguments.report_only => Exit::Passed,
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
