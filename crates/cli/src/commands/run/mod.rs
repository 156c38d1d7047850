//! `crashrate run`: from the command line to a campaign, and from its journal to the report.

mod args;

use std::path::Path;

use crashrate_model::Stopping;
use crashrate_report::{Detail, RunState, TerminalOptions, terminal};
use crashrate_supervisor::journal::{JournalError, RunFolder};
use crashrate_supervisor::plan_file::PlanFile;
use crashrate_supervisor::request::RunOptions;
use crashrate_supervisor::runner::{Campaign, RunError};

use crate::error::{Exit, Failure};
use crate::measure;
use crate::messages::Messages;
use crate::output::{log, print, report_options, show_report};
use crate::progress::{ProgressOptions, run_campaign};
use crate::run_folder::{name_run, page_view, previous, report_page, write_reports};
use crate::signals::{StopWatch, keep_status_signals};
use args::MessageFormat;
pub(crate) use args::RunArguments;

pub(crate) fn run(runs: &Path, arguments: &RunArguments) -> Result<Exit, Failure> {
    keep_status_signals();
    let found = measure::suite_here(&arguments.measure)?;
    let suite = arguments.measure.suite.as_deref().or(found.as_deref());
    let origin = found.as_ref().map(|path| path.display().to_string());
    let mut planned = plan(runs, arguments, suite)?;
    if arguments.shard.continues
        && let Some(earlier) = measure::earlier(runs, &planned.request, &arguments.measure.how)?
    {
        if earlier.is_complete {
            return conclude(runs, &earlier.folder, arguments, origin.as_deref());
        }
        planned.request = earlier.request;
        planned.resumed = Some(earlier.folder);
    }
    let (mut campaign, resumed) = campaign(runs, arguments, planned)?;
    let mut locks = measure::lock_devices(&mut campaign, &arguments.measure.how);
    let folder = match resumed {
        Some(folder) => folder,
        None => RunFolder::create(
            runs,
            &campaign.plan.suite.name,
            arguments.measure.how.number,
        )?,
    };
    locks.describe(&folder);
    let watch = StopWatch::new(&campaign.plan);
    let mut progress = ProgressOptions {
        is_quiet: arguments.measure.how.quiet,
        tells_time: false,
    };
    let seed = (!suite.is_some_and(PlanFile::is_plan)).then_some(campaign.plan.seed);
    measure::begin(&mut campaign, &folder, &watch, progress, seed)?;
    progress.tells_time = arguments.measure.from.is_some();
    let number = folder.number();
    let stopped_later =
        format!("stopped while the report was printed; `crashrate report {number}` shows it");
    let messages = match arguments.message_format {
        MessageFormat::Human => None,
        MessageFormat::Json => Some(Messages::begin(&folder)?),
    };
    let ended = run_campaign(&campaign, &folder, &watch, stopped_later, progress);
    let copied = messages.map_or(Ok(()), Messages::end);
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

/// Plans the run, or reopens the one of `--resume`.
fn plan(
    runs: &Path,
    arguments: &RunArguments,
    suite: Option<&Path>,
) -> Result<measure::Planned, Failure> {
    let planned = measure::planned(
        runs,
        &arguments.measure,
        &arguments.rounds,
        &arguments.shard,
        suite,
        options(runs, arguments)?,
    )?;
    refuse_search(&planned.request.stopping)?;
    Ok(planned)
}

/// Sets the run up. Returns the folder of a run that is resumed.
fn campaign(
    runs: &Path,
    arguments: &RunArguments,
    planned: measure::Planned,
) -> Result<(Campaign, Option<RunFolder>), Failure> {
    let measure::Planned {
        request,
        resumed,
        file,
    } = planned;
    let mut campaign = measure::campaign(
        runs,
        request,
        &arguments.measure.how,
        arguments.measure.worker.as_deref(),
    )?;
    if let Some(file) = file {
        let checked = file.check_programs(&campaign.plan, &campaign.workers);
        checked.map_err(Failure::usage)?;
    }
    campaign.bounds.max_failures = arguments.max_failures.or(arguments.fail_fast.then_some(1));
    Ok((campaign, resumed))
}

/// A search is resumed by its own command.
fn refuse_search(stopping: &Stopping) -> Result<(), Failure> {
    let command = match stopping {
        Stopping::Minimized(_) => "minimize",
        Stopping::Bisected(_) => "bisect",
        Stopping::Provoked(_) => "provoke",
        _ => return Ok(()),
    };
    Err(Failure::usage(format!(
        "the run is a search: resume it with `crashrate {command} --resume`"
    )))
}

fn options(runs: &Path, arguments: &RunArguments) -> Result<RunOptions, Failure> {
    let options = measure::options(runs, &arguments.measure)?;
    let mut options = arguments.rounds.apply(options);
    options.selection.only_round = arguments.round;
    Ok(options)
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
    let view = page_view(folder.path(), RunState::Ended);
    // The journal was readable when the run began: a later defect came from outside.
    let mut view = view.map_err(|failure| Failure {
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
    if arguments.measure.how.quiet {
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
    name_run(&mut view, runs, folder.path());
    let text = terminal(&view, &options);
    show_report(&text, &view, previous.as_ref(), show)?;
    Ok(match arguments.report_only {
        true => Exit::of(&view).of_report_only(),
        false => Exit::of(&view),
    })
}
