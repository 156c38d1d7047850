//! Writes comparisons over several runs, as text that is also Markdown, and as JSON.

use serde_json::json;

use crate::compare::{Strata, Stratum};

const INTRO: &str = "Each run is compared within itself, and the comparisons are added up \
    (Mantel-Haenszel); rounds of different runs are never pooled. First attempts.";

/// Comparisons over several runs as text.
pub fn strata_text(all: &Strata) -> String {
    let mut text = String::new();
    for warning in &all.warnings {
        text += &format!("warning: {warning}\n");
    }
    text += &format!("{INTRO}\n\n");
    for one in &all.list {
        text += &format!("- {}\n", one.sentence());
        for run in one.by_run() {
            text += &format!("  - {run}\n");
        }
    }
    text
}

/// Comparisons over several runs as JSON.
pub fn strata_json(all: &Strata) -> String {
    let one = |one: &Stratum| {
        let interval = one.pooled.interval;
        let runs = one.runs.iter().map(|(run, [first, second])| {
            json!({"run": run, "bad": [first.bad, second.bad], "n": [first.n, second.n]})
        });
        json!({
            "compared": one.name,
            "sides": one.labels,
            "runs": runs.collect::<Vec<_>>(),
            "difference": one.pooled.difference,
            "difference_interval": interval.map(|i| json!({"lo": i.lo, "hi": i.hi})),
            "odds_ratio": one.pooled.odds_ratio.map(|ratio| ratio.estimate),
            "p": one.pooled.p,
            "p_adjusted": one.p,
            "differs": one.differs,
            "said": one.sentence(),
        })
    };
    let list: Vec<_> = all.list.iter().map(one).collect();
    let text = json!({
        "by": all.axis,
        "method": "mantel-haenszel",
        "comparisons": list,
        "warnings": all.warnings,
    });
    text.to_string() + "\n"
}
