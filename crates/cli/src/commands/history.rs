//! `crashrate history`: the rates of a suite, or of a command, over its runs.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use crashrate_report::{RunPages, history_html, history_json, history_markdown, history_terminal};
use crashrate_supervisor::names::nearest;

use crate::error::{Exit, Failure};
use crate::output::{answer, colors, width};
use crate::run_folder::{histories_among, id, list, report_path, shards_of, suites};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crashrate history story
  crashrate history story --last 20 --format html > story.html")]
pub(crate) struct HistoryArguments {
    /// The suite's name, as in its file, or the name of a command's program
    ///
    /// Only runs of the same command are compared: its arguments, directory and environment must
    /// agree. Several commands of one name are listed apart. A new build of a program belongs to
    /// the same history, which says when the program changed.
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
    let mut histories = histories_among(&folders, suite);
    if histories.is_empty() {
        if let Some(advice) = only_shards(&folders, suite) {
            return Err(Failure::usage(advice));
        }
        let suites = suites(&folders);
        let hint = match nearest(suite, suites.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "`crashrate runs` lists the runs and their suites".to_owned(),
        };
        let runs = runs.display();
        return Err(Failure::usage(format!(
            "there is no run of a suite `{suite}` in {runs}; {hint}"
        )));
    }
    if let Some(last) = arguments.last {
        let all = histories.iter_mut();
        all.for_each(|history| history.list_last(last as usize));
    }
    answer(&match arguments.format {
        HistoryFormat::Terminal => history_terminal(&histories, width(), colors()),
        HistoryFormat::Markdown => history_markdown(&histories),
        HistoryFormat::Html => history_html(&histories, &pages(&folders)),
        HistoryFormat::Json => history_json(&histories),
    })
}

/// What to do if there are only shards of a suite.
fn only_shards(folders: &[PathBuf], suite: &str) -> Option<String> {
    let numbers = shards_of(folders, suite);
    let names: Vec<String> = numbers.iter().map(u32::to_string).collect();
    (!names.is_empty()).then(|| {
        format!(
            "the runs of `{suite}` are shards, and a shard is only a part of a run: join them first \
             with `crashrate merge {}`",
            names.join(" ")
        )
    })
}

/// The pages of the runs, as a page in this directory links to them.
fn pages(folders: &[PathBuf]) -> RunPages {
    let paths = folders.iter().filter_map(|folder| {
        let path = report_path(folder)?;
        Some((id(folder), path.to_str()?.to_owned()))
    });
    RunPages::Files(paths.collect())
}
