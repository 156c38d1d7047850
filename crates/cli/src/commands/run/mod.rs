//! `crashrate run`: from the command line to a campaign, and from its journal to the report.

mod args;
mod github;
mod repeat;
mod request;

use std::path::Path;

use crashrate_report::{ExitClass, RunState, exit_class, terminal};
use crashrate_supervisor::doctor;
use crashrate_supervisor::journal::{JournalError, RunFolder};
use crashrate_supervisor::process;
use crashrate_supervisor::request::RunRequest;
use crashrate_supervisor::runner::{self, Campaign, RunError};
use crashrate_supervisor::schedule::Bounds;
use crashrate_supervisor::watching::Watching;
use crashrate_supervisor::worker;

use crate::environment::{GUARDIAN, enough_for_run, this_program};
use crate::error::{Exit, Failure};
use crate::fault::calibrate;
use crate::output::{print, report_options};
use crate::progress::run_campaign;
use crate::run_folder::{previous, report_page, view, write_reports};
use crate::signals::StopWatch;
pub(crate) use args::RunArguments;
use repeat::command_line;

pub(crate) fn run(runs: &Path, arguments: &RunArguments) -> Result<Exit, Failure> {
    let (request, resumed) = request::request(runs, arguments)?;
    let mut campaign = campaign(request, arguments)?;
    let folder = match resumed {
        Some(folder) => folder,
        None => RunFolder::create(runs, &campaign.plan.suite.name, arguments.number)?,
    };
    let watch = StopWatch::new(&campaign.plan);
    let is_calibrated = calibrate(&mut campaign, &folder, &watch)?.is_some();
    if is_calibrated {
        // Writes the plan again, now with the dose.
        runner::announce(&campaign, &folder)?;
    }
    if !folder.is_resumed() {
        let plan = &campaign.plan;
        let fault = plan.suite.fault.as_ref().filter(|_| is_calibrated);
        let command = command_line(plan.seed, fault.map(|fault| fault.injected.dose));
        campaign.workers.facts.insert("command".into(), command);
    }
    let number = folder.number();
    let stopped_later =
        format!("stopped while the report was printed; `crashrate report {number}` shows it");
    match run_campaign(&campaign, &folder, &watch, stopped_later) {
        Ok(_) => conclude(runs, &folder, arguments),
        // Nothing was run, or the journal is no longer what was measured.
        Err(error @ (RunError::Replaced(_) | RunError::Journal(JournalError::Changed { .. }))) => {
            Err(error.into())
        }
        Err(error) => {
            // Report what the journal has so far; the first error decides the exit code.
            let _ = conclude(runs, &folder, arguments);
            Err(error.into())
        }
    }
}

/// Checks the machine and the programs, and sets up the campaign.
fn campaign(request: RunRequest, arguments: &RunArguments) -> Result<Campaign, Failure> {
    let unreachable_gates = request.unreachable_gates();
    let RunRequest {
        plan,
        stopping,
        jobs,
        evidence,
        not_worse_by,
    } = request;
    let (program, beside) = this_program()?;
    let refused = process::refused_calls((&program, GUARDIAN));
    if let Some(call) = refused.iter().find(|call| call.without.is_none()) {
        return Err(Failure::usage(format!(
            "{}: nothing can be measured without it; allow it",
            call.sentence()
        )));
    }
    let workers =
        worker::prepare(&plan, arguments.worker.as_deref(), &beside).map_err(Failure::usage)?;
    enough_for_run(jobs)?;
    if jobs > 1 && plan.is_load_sensitive() {
        tracing::warn!(
            "{jobs} attempts at the same time change timings and race rates; the run records it"
        );
    }
    for gate in unreachable_gates {
        tracing::warn!("{gate}");
    }
    let watching = Watching::choose(evidence, &plan, (&program, GUARDIAN), arguments.core_dumps)
        .map_err(Failure::usage)?;
    let mut findings = doctor::examine_for(&plan, &workers);
    findings.extend(refused.iter().map(doctor::refused_call));
    Ok(Campaign {
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
        ..Campaign::new(plan, workers, (program, GUARDIAN))
    })
}

/// Writes and prints the reports of a run, and decides the exit code.
fn conclude(runs: &Path, folder: &RunFolder, arguments: &RunArguments) -> Result<Exit, Failure> {
    // The lock is still held, but the run is over.
    let view = view(folder.path(), RunState::Ended);
    // The journal was readable when the run began: a later defect came from outside.
    let view = view.map_err(|failure| Failure {
        exit: Exit::Journal,
        ..failure
    })?;
    let previous = previous(runs, &view);
    // Write before printing: the terminal may have stopped reading.
    write_reports(folder.path(), &view, previous.as_ref());
    let page = report_page(folder.path());
    let text = terminal(&view, &report_options(arguments.full, page.as_deref()));
    match github::summary_file() {
        None => print(&text)?,
        Some(summary) => {
            let printed = github::print_protected(&text);
            let annotated = github::annotate(&summary, &view, previous.as_ref());
            printed.and(annotated)?;
        }
    }
    Ok(match exit_class(&view) {
        ExitClass::Incomplete => Exit::Incomplete,
        _ if arguments.report_only => Exit::Passed,
        ExitClass::Refuted => Exit::Refuted,
        ExitClass::Undecided => Exit::Undecided,
        ExitClass::NotPassed => Exit::NotPassed,
        ExitClass::Passed => Exit::Passed,
    })
}
