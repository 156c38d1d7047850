//! `crashrate compare`: two runs, or the two sides of one.

use std::path::Path;

use clap::{Args, ValueEnum};
use crashrate_model::Axis;
use crashrate_report::{
    Comparisons, DEFAULT_DETECT, Detect, View, axes, compare_json, compare_markdown, compare_runs,
    compare_strata, compare_terminal, compare_within, strata_json, strata_text,
};
use crashrate_supervisor::journal;

use crate::args::Format;
use crate::exit::{Exit, Failure};
use crate::inspect::{columns, view};
use crate::rates::{open_rate, two_rates};
use crate::screen::print;

#[derive(Args, Debug)]
pub(crate) struct CompareArguments {
    /// Runs: folders, ids, numbers, or `latest`. One: its two sides. Two: the second against the first. With --by several:
    /// each within itself, and the comparisons added up
    #[arg(default_value = "latest")]
    runs: Vec<String>,

    /// Which two sides of one run [its modes if it has both, else its variants, else how it was spawned]
    #[arg(long, value_enum)]
    by: Option<By>,

    /// The difference to plan for where there is no verdict, in rounds that are not bad [90%:99%]
    #[arg(long, value_name = "RATE:RATE", value_parser = two_rates)]
    detect: Option<[f64; 2]>,

    /// Also test whether the second side is bad more often by less than this margin (2%): "no difference shown" and "shown
    /// to be no worse" are different results
    #[arg(long, value_name = "MARGIN", value_parser = open_rate)]
    not_worse_by: Option<f64>,

    /// As what
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    Mode,
    Variant,
    /// Executed and forked
    Spawn,
}

impl By {
    fn axis(self) -> Axis {
        match self {
            By::Mode => Axis::Mode,
            By::Variant => Axis::Variant,
            By::Spawn => Axis::Spawn,
        }
    }
}

pub(crate) fn compare(runs: &Path, arguments: &CompareArguments) -> Result<Exit, Failure> {
    let detect = arguments
        .detect
        .map_or(DEFAULT_DETECT, |rates| Detect { rates, asked: true });
    let margin = arguments.not_worse_by;
    let views: Vec<View> = (arguments.runs.iter())
        .map(|name| read(runs, name))
        .collect::<Result<_, _>>()?;
    let all = match (views.as_slice(), arguments.by) {
        ([one], by) => within(one, by, detect, margin)?,
        ([one, two], None) => between(one, two, detect, margin)?,
        (_, None) => {
            return Err(Failure::usage(
                "more than two runs are compared within themselves: say which two sides with --by",
            ));
        }
        (several, Some(by)) => return over_runs(several, by.axis(), arguments.format),
    };
    print(&match arguments.format {
        Format::Terminal => compare_terminal(&all, columns(), console::colors_enabled()),
        Format::Markdown => compare_markdown(&all),
        Format::Json => compare_json(&all),
    })?;
    Ok(Exit::Passed)
}

/// Several runs as strata.
fn over_runs(views: &[View], axis: Axis, format: Format) -> Result<Exit, Failure> {
    let all = compare_strata(views, axis);
    if all.list.is_empty() {
        return Err(Failure::usage(format!(
            "nothing to add up: {}",
            all.warnings.join(" ")
        )));
    }
    print(&match format {
        Format::Terminal | Format::Markdown => strata_text(&all),
        Format::Json => strata_json(&all),
    })?;
    Ok(Exit::Passed)
}

fn read(runs: &Path, name: &str) -> Result<View, Failure> {
    let folder = journal::find(runs, name).map_err(Failure::usage)?;
    view(&folder, journal::is_live(&folder))
}

fn between(
    one: &View,
    two: &View,
    detect: Detect,
    margin: Option<f64>,
) -> Result<Comparisons, Failure> {
    let all = compare_runs(one, two, detect, margin);
    match all.list.is_empty() {
        false => Ok(all),
        true => Err(Failure::usage(
            "the two runs have no chapter or sequence in common, in the same mode and variant",
        )),
    }
}

fn within(
    view: &View,
    by: Option<By>,
    detect: Detect,
    margin: Option<f64>,
) -> Result<Comparisons, Failure> {
    let axes = axes(view);
    let asked = by.map(By::axis);
    let axis = match asked {
        None => axes.first().copied(),
        Some(axis) => Some(axis).filter(|axis| axes.contains(axis)),
    };
    let axis = axis.ok_or_else(|| {
        Failure::usage(match asked {
            None => "the run has one mode and one variant: name a second run to compare it with",
            Some(Axis::Mode) => "the run has no chapter in both modes under the same variant",
            Some(Axis::Variant) => "the run has only one variant",
            Some(Axis::Spawn) => {
                "the run has nothing both executed and forked: `run --spawn both` makes such a run"
            }
        })
    })?;
    Ok(compare_within(view, axis, detect, margin))
}
