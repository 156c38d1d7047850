//! `crashrate compare`: two runs, or the two sides of one.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Args, ValueEnum};
use crashrate_model::Axis;
use crashrate_report::{
    Comparisons, DEFAULT_DETECT, View, axes, compare_json, compare_markdown, compare_runs,
    compare_strata, compare_terminal, compare_within, strata_json, strata_text,
};

use crate::error::{Exit, Failure};
use crate::output::{answer, colors, width};
use crate::run_folder::view_of;
use crate::values::{one_of, open_rate, two_rates};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crashrate compare                          isolated against sequential, of the latest run
  crashrate compare 11 12                    run 12 against run 11
  crashrate compare 12 --by variant          the variants of run 12
  crashrate compare 10 11 12 --by mode       each run's modes, added up")]
pub(crate) struct CompareArguments {
    /// Runs (folders, ids, numbers or `latest`). One: compare its two sides. Two: compare the
    /// second with the first. With --by also more: compare the sides of each run and add the
    /// comparisons up
    #[arg(default_value = "latest")]
    runs: Vec<String>,

    /// Which sides of a run to compare; spawn: executed against forked [modes if it has both, else
    /// variants, else how it was spawned]
    #[arg(
        long,
        value_parser = one_of([
            ("mode", Axis::Mode),
            ("variant", Axis::Variant),
            ("spawn", Axis::Spawn),
        ])
    )]
    by: Option<Axis>,

    /// Without a verdict, plan rounds for this difference between shares of good rounds [90%:99%]
    #[arg(long, value_name = "RATE:RATE", value_parser = two_rates)]
    detect: Option<[f64; 2]>,

    /// Also test whether the second side's bad rate is higher by less than this margin, such as 2%.
    /// "No difference shown" does not mean "no worse"
    #[arg(long, value_name = "MARGIN", value_parser = open_rate)]
    not_worse_by: Option<f64>,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Terminal,
    Markdown,
    Json,
}

pub(crate) fn compare(runs: &Path, arguments: &CompareArguments) -> Result<Exit, Failure> {
    let detect = arguments.detect.unwrap_or(DEFAULT_DETECT);
    let margin = arguments.not_worse_by;
    let views: Vec<View> = (arguments.runs.iter())
        .map(|name| view_of(runs, name))
        .collect::<Result<_, _>>()?;
    refuse_overlap(&arguments.runs, &views)?;
    let all = match (views.as_slice(), arguments.by) {
        ([one], by) => within(one, by, detect, margin)?,
        ([one, two], None) => between(one, two, detect, margin)?,
        (_, None) => {
            return Err(Failure::usage(
                "more than two runs need --by: the sides to compare within each run",
            ));
        }
        (several, Some(by)) => return over_runs(several, by, arguments.format),
    };
    answer(&match arguments.format {
        Format::Terminal => compare_terminal(&all, width(), colors()),
        Format::Markdown => compare_markdown(&all),
        Format::Json => compare_json(&all),
    })
}

/// The journals that a run has rounds of, by the id of their run and when they were begun: its own,
/// and those that were merged into it.
fn journals(view: &View) -> BTreeSet<(&str, &str)> {
    let run = &view.run;
    let shards = run.merged.iter().flat_map(|merged| &merged.shards);
    let merged = shards.flat_map(|shard| &shard.each).map(|part| {
        let began = part.resumed.as_ref().map(|resumed| &resumed.began);
        let began = began.unwrap_or(&part.started);
        (part.id.as_str(), began.as_str())
    });
    let own = (run.id.as_str(), run.started.as_str());
    merged.chain([own]).collect()
}

/// Refuses runs that have the same rounds, which would be tested as if they were independent.
fn refuse_overlap(names: &[String], views: &[View]) -> Result<(), Failure> {
    let all: Vec<_> = names.iter().zip(views.iter().map(journals)).collect();
    for (place, (one, of_one)) in all.iter().enumerate() {
        for (two, of_two) in &all[place + 1..] {
            if of_one == of_two {
                return Err(Failure::usage(format!(
                    "{one} and {two} are the same run, whose results would count twice; name each run \
                     once"
                )));
            }
            let mut shared = of_one.intersection(of_two);
            if let Some((id, _)) = shared.next() {
                return Err(Failure::usage(format!(
                    "runs {one} and {two} both are or contain the run {id}, whose results could count \
                     twice; name runs that have none in common"
                )));
            }
        }
    }
    Ok(())
}

/// Adds up the comparisons within several runs, as strata.
fn over_runs(views: &[View], axis: Axis, format: Format) -> Result<Exit, Failure> {
    let all = compare_strata(views, axis);
    if all.list.is_empty() {
        return Err(Failure::usage(format!(
            "nothing to add up: {}",
            all.warnings.join(" ")
        )));
    }
    answer(&match format {
        Format::Terminal | Format::Markdown => strata_text(&all),
        Format::Json => strata_json(&all),
    })
}

fn between(
    one: &View,
    two: &View,
    detect: [f64; 2],
    margin: Option<f64>,
) -> Result<Comparisons, Failure> {
    let all = compare_runs(one, two, detect, margin);
    if all.list.is_empty() {
        return Err(Failure::usage(
            "the two runs have no chapter or sequence in common, in the same mode and variant",
        ));
    }
    Ok(all)
}

fn within(
    view: &View,
    by: Option<Axis>,
    detect: [f64; 2],
    margin: Option<f64>,
) -> Result<Comparisons, Failure> {
    let axes = axes(&view.units);
    let axis = by.or(axes.first().copied());
    if let Some(axis) = axis.filter(|axis| axes.contains(axis)) {
        return Ok(compare_within(view, axis, detect, margin));
    }
    Err(Failure::usage(match by {
        None => "the run has one mode and one variant: name a second run to compare it with",
        Some(Axis::Mode) => "the run has no chapter in both modes under the same variant",
        Some(Axis::Variant) => "the run has only one variant",
        Some(Axis::Spawn) => {
            "the run has nothing both executed and forked: `run --spawn both` makes such a run"
        }
    }))
}
