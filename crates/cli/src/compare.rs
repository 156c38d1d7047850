//! `crashrate compare`: two runs, or the two sides of one.

use std::path::Path;

use clap::{Args, ValueEnum};
use crashrate_model::Axis;
use crashrate_report::{
    Comparisons, DEFAULT_DETECT, Detect, View, axes, compare_json, compare_markdown, compare_runs,
    compare_terminal, compare_within,
};
use crashrate_supervisor::journal;

use crate::args::Format;
use crate::exit::{Exit, Failure};
use crate::inspect::{columns, print, view};
use crate::rates::two_rates;

#[derive(Args, Debug)]
pub(crate) struct CompareArguments {
    /// A run's folder, its id, its number, or `latest`
    #[arg(default_value = "latest")]
    one: String,

    /// The run to compare it with; without one, two sides of the first
    #[arg(conflicts_with = "by")]
    two: Option<String>,

    /// Which two sides of one run [its modes if it has both, else its variants, else how it was spawned]
    #[arg(long, value_enum)]
    by: Option<By>,

    /// The change to plan for where the rates are equal [90%:99%]
    #[arg(long, value_name = "RATE:RATE", value_parser = two_rates)]
    detect: Option<[f64; 2]>,

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

pub(crate) fn compare(runs: &Path, arguments: &CompareArguments) -> Result<Exit, Failure> {
    let detect = arguments
        .detect
        .map_or(DEFAULT_DETECT, |rates| Detect { rates, asked: true });
    let one = read(runs, &arguments.one)?;
    let all = match &arguments.two {
        Some(two) => between(&one, &read(runs, two)?, detect)?,
        None => within(&one, arguments.by, detect)?,
    };
    print(&match arguments.format {
        Format::Terminal => compare_terminal(&all, columns(), console::colors_enabled()),
        Format::Markdown => compare_markdown(&all),
        Format::Json => compare_json(&all),
    })?;
    Ok(Exit::Passed)
}

fn read(runs: &Path, name: &str) -> Result<View, Failure> {
    let folder = journal::find(runs, name).map_err(Failure::usage)?;
    view(&folder, journal::is_live(&folder))
}

fn between(one: &View, two: &View, detect: Detect) -> Result<Comparisons, Failure> {
    let all = compare_runs(one, two, detect);
    match all.list.is_empty() {
        false => Ok(all),
        true => Err(Failure::usage(
            "the two runs have no chapter or sequence in common, in the same mode and variant",
        )),
    }
}

fn within(view: &View, by: Option<By>, detect: Detect) -> Result<Comparisons, Failure> {
    let axes = axes(view);
    let asked = by.map(|by| match by {
        By::Mode => Axis::Mode,
        By::Variant => Axis::Variant,
        By::Spawn => Axis::Spawn,
    });
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
    Ok(compare_within(view, axis, detect))
}
