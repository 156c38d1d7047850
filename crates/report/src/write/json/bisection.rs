//! The search for a commit, as JSON. Commits are named by their names in the history.

use crashrate_model::{BisectAnswer, BisectedPair};
use serde_json::{Value, json};

use crate::view::{Bisection, CommitSeen};

pub(super) fn bisection(search: &Bisection) -> Value {
    let name = |index: u32| name(search, index);
    let found = search.found.as_ref();
    let pair = |pair: &BisectedPair| {
        json!({
            "commits": pair.commits.map(name),
            "rounds": pair.rounds,
            "deaths": pair.deaths,
            "ln_e": pair.ln_e,
            "ln_needed": pair.ln_needed,
        })
    };
    let answer = match search.answer() {
        None => Value::Null,
        Some(BisectAnswer::Rise { .. }) => json!("rise"),
        Some(BisectAnswer::EndsAlike) => json!("ends-alike"),
        Some(BisectAnswer::NoChange) => json!("no-change"),
        Some(BisectAnswer::EndUntestable { .. }) => json!("end-untestable"),
    };
    let rise = search.rise();
    json!({
        "unit": search.unit,
        // Or a text in it; null while it is unknown.
        "signature": search.target,
        "answer": answer,
        // The commits among which the rate rose; usually one. Null without an answer.
        "rise": rise.map(|[first, last]| (first..=last).map(name).collect::<Vec<_>>()),
        "sides": rise.map(|rise| search.sides(rise)),
        "several_changes": found.is_some_and(|found| found.several),
        "error": search.rule.error,
        "builds": search.builds(),
        "ends": found.map(|found| pair(&found.ends)),
        "certificate": found.and_then(|found| found.suspect.as_ref()).map(pair),
        "none": found.map(|found| found.none),
        "posterior": found.map(|found| found.posterior.iter().map(|range| json!({
            "first": name(range.first),
            "last": name(range.last),
            "probability": range.probability,
        })).collect::<Vec<_>>()),
        "confidence_set": found.map(|found| found.confidence.iter().map(|[first, last]| {
            [name(*first), name(*last)]
        }).collect::<Vec<_>>()),
        "signatures": search.signatures.iter().map(|(signature, times)| json!({
            "signature": signature,
            "count": times,
        })).collect::<Vec<_>>(),
        "commits": commits(search),
    })
}

fn name(search: &Bisection, index: u32) -> &str {
    let point = search.rule.points.get(index as usize);
    point.map_or("", |point| point.name.as_str())
}

fn commits(search: &Bisection) -> Vec<Value> {
    let commit = |seen: &CommitSeen| {
        json!({
            "name": name(search, seen.index),
            "number": seen.index,
            "rounds": seen.rounds,
            "deaths": seen.deaths,
            // Rounds that ended badly in another way, and were drawn again.
            "others": seen.others,
            "built": seen.is_built,
            "problem": seen.problem,
        })
    };
    search.commits.iter().map(commit).collect()
}
