//! Whether bad rounds cluster or drift. Every interval assumes independent rounds.

use crashrate_stats::{Independence, Pattern};

use super::estimates::p_value;
use super::names::units_and_chapters;
use crate::view::View;

/// A line for each unit and each chapter of a sequence that has enough bad rounds and others to
/// test.
pub(crate) fn independence(view: &View) -> Vec<String> {
    let sentences = units_and_chapters(view).filter_map(|(name, results)| {
        let tested = results.independence?;
        Some(format!("{name}: {}", sentence(&tested)))
    });
    sentences.collect()
}

fn sentence(tested: &Independence) -> String {
    let p = format!(
        "runs test p = {}, trend test p = {}",
        p_value(tested.runs.two_sided),
        p_value(tested.trend.p)
    );
    let text = match tested.pattern {
        Pattern::Independent => "no clustering or drift detected",
        Pattern::Clustered => {
            "bad rounds come in clusters, so intervals and tests that assume independent rounds \
             are too narrow"
        }
        Pattern::Drifting => {
            "the rate of bad rounds drifts over the run, so there is no single rate to estimate"
        }
        Pattern::Alternating => "bad rounds and others alternate more often than chance explains",
    };
    format!("{text} ({p})")
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
