//! `crashrate history`: the runs of a suite beside each other.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use crashrate_report::{
    History, Place, View, history_html, history_json, history_markdown, history_terminal,
};
use crashrate_supervisor::journal;

use crate::exit::{Exit, Failure};
use crate::inspect::{columns, opened, view};
use crate::screen::{print, tell};

#[derive(Args, Debug)]
pub(crate) struct HistoryArguments {
    /// The suite's name, as in its file
    suite: String,

    /// List only the last N runs; the tests are those of all runs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    last: Option<u32>,

    /// As what
    #[arg(long, value_enum, default_value_t = HistoryFormat::Terminal)]
    format: HistoryFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum HistoryFormat {
    Terminal,
    Markdown,
    /// One file with pictures, for a browser
    Html,
    Json,
}

pub(crate) fn history(runs: &Path, arguments: &HistoryArguments) -> Result<Exit, Failure> {
    let folders = journal::list(runs).map_err(Failure::usage)?;
    let suite = &arguments.suite;
    let mut history = of_suite(&folders, suite).ok_or_else(|| {
        Failure::usage(format!(
            "there is no run of a suite `{suite}` in {}; `crashrate runs` lists what is there",
            runs.display()
        ))
    })?;
    if let Some(last) = arguments.last {
        history.list_last(last as usize);
    }
    print(&match arguments.format {
        HistoryFormat::Terminal => history_terminal(&history, columns(), console::colors_enabled()),
        HistoryFormat::Markdown => history_markdown(&history),
        HistoryFormat::Html => history_html(&history, Place::File),
        HistoryFormat::Json => history_json(&history),
    })?;
    Ok(Exit::Passed)
}

/// The runs of that suite in their order, of these folders; nothing if there is none. One whose journal cannot be read
/// is passed over, and named.
pub(crate) fn of_suite(folders: &[PathBuf], suite: &str) -> Option<History> {
    // A round that was repeated was chosen, and is no sample.
    let is_of_suite = |folder: &&PathBuf| {
        opened(folder).is_some_and(|run| run.suite == suite && run.only_round.is_none())
    };
    let folders: Vec<_> = folders.iter().filter(is_of_suite).collect();
    if folders.is_empty() {
        return None;
    }
    let mut views: Vec<View> = Vec::new();
    for folder in folders {
        match view(folder, journal::is_live(folder)) {
            Ok(view) => views.push(view),
            Err(_) => tell(format_args!(
                "warning: {} cannot be read and is passed over; `crashrate report` says why",
                folder.display()
            )),
        }
    }
    Some(crashrate_report::history(suite, &views))
}
