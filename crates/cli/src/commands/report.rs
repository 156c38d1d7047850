//! `crashrate report`: the report of a run, from its journal.

use std::path::Path;

use clap::{Args, ValueEnum};
use crashrate_report::{RunState, View, csv, html, json, junit, junit_rounds, markdown, terminal};

use crate::error::{Exit, Failure};
use crate::fault::{calibrating, last_if_calibrating, sentence};
use crate::output::{print, report_options};
use crate::run_folder::{
    add_source_lines, find, name_run, page_view, previous, report_page, state, stream_attempts,
    view,
};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crashrate report                            the latest run
  crashrate report 12 --full                  all sections of run 12
  crashrate report 12 --format html > 12.html
  crashrate report --format junit > junit.xml")]
pub(crate) struct ReportArguments {
    /// A run's folder, id or number, or `latest`
    #[arg(default_value = "latest")]
    run: String,

    /// Output format
    #[arg(long, value_enum, default_value_t = ReportFormat::Terminal)]
    format: ReportFormat,

    /// Print all sections, not only a summary; stacks have source lines where programs have debug
    /// information
    #[arg(long)]
    full: bool,

    /// With --format junit: one test case per round instead of per chapter
    #[arg(long)]
    junit_rounds: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    Terminal,
    Markdown,
    /// One file with plots, for a browser
    Html,
    /// JUnit XML, for CI
    Junit,
    Json,
    /// One line per attempt and chapter
    Csv,
}

pub(crate) fn report(runs: &Path, arguments: &ReportArguments) -> Result<Exit, Failure> {
    let ReportArguments { run, format, .. } = arguments;
    if arguments.junit_rounds && *format != ReportFormat::Junit {
        return Err(Failure::usage("--junit-rounds needs --format junit"));
    }
    let last = last_if_calibrating(runs).filter(|_| run == "latest");
    let folder = last.map_or_else(|| find(runs, run), Ok)?;
    let state = state(&folder);
    if let Some(short) = calibrating(&folder) {
        let sentence = sentence(&short);
        if *format != ReportFormat::Terminal {
            return Err(Failure::new(Exit::Incomplete, sentence));
        }
        print(&format!("{sentence}\n"))?;
        return Ok(Exit::Passed);
    }
    match format {
        ReportFormat::Junit if arguments.junit_rounds => {
            stream_attempts(&folder, state, junit_rounds)?
        }
        ReportFormat::Junit => stream_attempts(&folder, state, junit)?,
        ReportFormat::Csv => stream_attempts(&folder, state, csv)?,
        ReportFormat::Json => print(&json(&view(&folder, state)?))?,
        ReportFormat::Terminal => {
            let page = report_page(&folder);
            let options = report_options(arguments.full, page.as_deref());
            let mut view = view_for(arguments, &folder, state)?;
            name_run(&mut view, runs, &folder);
            print(&terminal(&view, &options))?;
        }
        ReportFormat::Markdown | ReportFormat::Html => {
            let view = view_for(arguments, &folder, state)?;
            let previous = previous(runs, &view);
            print(&if *format == ReportFormat::Html {
                html(&view, previous.as_ref())
            } else {
                markdown(&view, previous.as_ref())
            })?;
        }
    }
    Ok(Exit::Passed)
}

/// The view of a run; with `--full`, stacks have source lines. Never of a running one: reading debug
/// information would disturb what is measured.
fn view_for(arguments: &ReportArguments, folder: &Path, state: RunState) -> Result<View, Failure> {
    let mut view = match arguments.format {
        ReportFormat::Html => page_view(folder, state)?,
        _ => view(folder, state)?,
    };
    if arguments.full && !state.is_running() {
        add_source_lines(folder, &mut view);
    }
    Ok(view)
}
