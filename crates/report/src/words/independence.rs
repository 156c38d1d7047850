//! Whether rounds look independent, as every interval assumes.

use crashrate_stats::{Independence, Pattern};

use super::names::of_chapter;
use super::notes::units;
use crate::view::{Results, RunFacts, View};

/// What the order of a row's bad rounds says; nothing where there are too few of either kind to say anything.
pub(crate) fn tested(results: &Results, run: &RunFacts) -> Option<Independence> {
    if results.unordered {
        return None;
    }
    let firsts = results.cells.iter().filter_map(|cell| cell.first);
    let rounds: Vec<bool> = firsts
        .filter(|outcome| outcome.counts())
        .map(|outcome| run.bad.contains(outcome))
        .collect();
    crashrate_stats::independence(&rounds)
}

/// A line for each unit, and for each chapter of a sequence, that has enough rounds of both kinds.
pub(crate) fn independence(view: &View) -> Vec<String> {
    let in_sequences = view.chapters.iter().filter(|row| row.sequence.is_some());
    let in_sequences = in_sequences.map(|row| (of_chapter(row), &row.results));
    let said = units(view)
        .chain(in_sequences)
        .filter_map(|(name, results)| {
            let tested = tested(results, &view.run)?;
            Some(format!("{name}: {}", sentence(&tested)))
        });
    said.collect()
}

fn sentence(tested: &Independence) -> String {
    let p = format!(
        "runs p={}, trend p={}",
        bare(tested.runs.two_sided),
        bare(tested.trend.p)
    );
    let said = match tested.pattern {
        Pattern::Independent => "rounds look independent",
        Pattern::Clustered => "crashes cluster: the intervals are too narrow",
        Pattern::Drifting => "the crash rate drifts over the run: there is no one rate to estimate",
        Pattern::Alternating => {
            "crashes alternate with other rounds more than chance would have it"
        }
    };
    format!("{said} ({p})")
}

/// The word for it in JSON.
pub(crate) fn pattern(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::Independent => "independent",
        Pattern::Clustered => "clustered",
        Pattern::Drifting => "drifting",
        Pattern::Alternating => "alternating",
    }
}

/// A p-value in the short form `.41`.
fn bare(p: f64) -> String {
    if p >= 0.995 {
        return "1".to_owned();
    }
    let text = match p {
        0.01.. => format!("{p:.2}"),
        0.0001.. => format!("{p:.4}"),
        _ => return format!("{p:.1e}"),
    };
    text.trim_start_matches('0').to_owned()
}
