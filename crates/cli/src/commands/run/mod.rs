//! `crashrate run`: from the command line to a campaign, and from its journal to the report.

mod args;
mod github;
mod repeat;
mod request;

use std::path::{Path, PathBuf};

use crashrate_report::{Detail, ExitClass, RunState, TerminalOptions, exit_class, terminal};
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
use crate::messages::Messages;
use crate::output::{log, note, print, report_options};
use crate::progress::{ProgressOptions, run_campaign};
use crate::run_folder::{previous, report_page, view, write_reports};
use crate::signals::{StopWatch, keep_status_signals};
use crate::suite_file::find_suite;
use args::MessageFormat;
pub(crate) use args::RunArguments;
use repeat::command_line;

pub(crate) fn run(runs: &Path, arguments: &RunArguments) -> Result<Exit, Failure> {
    keep_status_signals();
    let found = suite_here(arguments)?;
    let suite = arguments.suite.as_deref().or(found.as_deref());
    let (request, resumed) = request::request(runs, arguments, suite)?;
    let mut campaign = campaign(request, arguments)?;
    let folder = match resumed {
        Some(folder) => folder,
        None => RunFolder::create(runs, &campaign.plan.suite.name, arguments.number)?,
    };
    let watch = StopWatch::new(&campaign.plan);
    let mut progress = ProgressOptions {
        is_quiet: arguments.quiet,
        tells_time: false,
    };
    let is_calibrated = calibrate(&mut campaign, &folder, &watch, progress)?.is_some();
    progress.tells_time = arguments.from.is_some();
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
    let messages = match arguments.message_format {
        MessageFormat::Human => None,
        MessageFormat::Json => Some(Messages::begin(&folder)?),
    };
    let ended = run_campaign(&campaign, &folder, &watch, stopped_later, progress);
    let copied = messages.map_or(Ok(()), Messages::end);
    let origin = found.as_ref().map(|path| path.display().to_string());
    let conclude = || conclude(runs, &folder, arguments, origin.as_deref());
    let concluded = match ended {
        Ok(_) => conclude(),
        // Nothing was run, or the journal is no longer what was measured.
        Err(error @ (RunError::Replaced(_) | RunError::Journal(JournalError::Changed { .. }))) => {
            Err(error.into())
        }
        Err(error) => {
            // Report what the journal has so far; the first error decides the exit code.
            let _ = conclude();
            Err(error.into())
        }
    };
    copied.and(concluded)
}

/// The suite file that is found where the arguments name nothing to run.
fn suite_here(arguments: &RunArguments) -> Result<Option<PathBuf>, Failure> {
    let is_named = arguments.suite.is_some() || arguments.resume.is_some();
    if is_named || !arguments.argv.is_empty() {
        return Ok(None);
    }
    let found = find_suite()?;
    if !arguments.quiet {
        note(format_args!("suite {}", found.display()));
    }
    Ok(Some(found))
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

/// For a report whose place on standard output is taken.
fn print_to_stderr(text: &str) -> Result<(), Failure> {
    log(text.trim_end());
    Ok(())
}

/// Writes and prints the reports of a run, and decides the exit code.
fn conclude(
    runs: &Path,
    folder: &RunFolder,
    arguments: &RunArguments,
    origin: Option<&str>,
) -> Result<Exit, Failure> {
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
    let mut options = TerminalOptions {
        origin,
        ..report_options(arguments.full, page.as_deref())
    };
    if arguments.quiet {
        options.detail = Detail::Headline;
        options.page = None;
    }
    let show: fn(&str) -> Result<(), Failure> = match arguments.message_format {
        MessageFormat::Human => print,
        MessageFormat::Json => {
            options.color = console::colors_enabled_stderr();
            print_to_stderr
        }
    };
    let text = terminal(&view, &options);
    match github::summary_file() {
        None => show(&text)?,
        Some(summary) => {
            let printed = show(&github::protected(&text));
            let annotated = show(&github::annotations(&view));
            github::append_summary(&summary, &view, previous.as_ref());
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
