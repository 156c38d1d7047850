//! `crashrate history`: the rates of a suite over its runs.

use std::path::Path;

use clap::{Args, ValueEnum};
use crashrate_report::{PageHost, history_html, history_json, history_markdown, history_terminal};
use crashrate_supervisor::names::nearest;

use crate::error::{Exit, Failure};
use crate::output::{answer, colors, width};
use crate::run_folder::{history_among, list, suites};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crashrate history story
  crashrate history story --last 20 --format html > story.html")]
pub(crate) struct HistoryArguments {
    /// The suite's name, as in its file
    suite: String,

    /// List only the last N runs; the tests for changes still use all runs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    last: Option<u32>,

    /// Output format
    #[arg(long, value_enum, default_value_t = HistoryFormat::Terminal)]
    format: HistoryFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum HistoryFormat {
    Terminal,
    Markdown,
    /// One file with plots, for a browser
    Html,
    Json,
}

pub(crate) fn history(runs: &Path, arguments: &HistoryArguments) -> Result<Exit, Failure> {
    let folders = list(runs)?;
    let suite = &arguments.suite;
    let mut history = history_among(&folders, suite).ok_or_else(|| {
        let suites = suites(&folders);
        let hint = match nearest(suite, suites.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "`crashrate runs` lists the runs and their suites".to_owned(),
        };
        let runs = runs.display();
        Failure::usage(format!(
            "there is no run of a suite `{suite}` in {runs}; {hint}"
        ))
    })?;
    if let Some(last) = arguments.last {
        history.list_last(last as usize);
    }
    answer(&match arguments.format {
        HistoryFormat::Terminal => history_terminal(&history, width(), colors()),
        HistoryFormat::Markdown => history_markdown(&history),
        HistoryFormat::Html => history_html(&history, PageHost::File),
        HistoryFormat::Json => history_json(&history),
    })
}
