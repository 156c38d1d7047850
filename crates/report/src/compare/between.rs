//! Two runs: the same chapters and sequences in both.

use std::collections::BTreeSet;

use crashrate_model::{Mode, suite_variant};

use super::plan::Planner;
use super::test::{Pair, fixed, taking_part};
use super::within::count;
use super::{Compared, Comparisons, Detect, Evidence, How, Side, What, claimed_in_short, claims};
use crate::words::imported;

use crate::clean::{NAME, clean};
use crate::view::{ChapterRow, Results, RunFacts, View};
use crate::words::hazard_facts;

/// Compares the rows that two runs both have. What is bad is what the first run says.
pub fn compare_runs(one: &View, two: &View, detect: Detect) -> Comparisons {
    let bad = &one.run.bad;
    let views = [one, two];
    let labels = labels(views);
    let by_data = views.map(|view| view.run.stopping.is_by_data());
    let how = match by_data.contains(&true) {
        true => How::Untested,
        false => How::FixedRounds,
    };
    let pairs = pairs(one, two);
    let counted: Vec<_> = (pairs.iter())
        .map(|(_, results)| Pair {
            shares: results.map(|results| count(&[&results.cells], bad)),
            rounds: results.map(|results| results.rounds),
        })
        .collect();
    let tests = match how {
        How::FixedRounds => fixed(&counted),
        _ => vec![None; counted.len()],
    };
    let mut planner = Planner::new(detect, taking_part(&counted));
    let list = pairs
        .into_iter()
        .zip(counted)
        .zip(tests)
        .map(|(((compared, _), counted), test)| {
            let shares = counted.shares;
            let mut compared = Compared {
                sides: [0, 1].map(|side| Side {
                    label: labels[side].clone(),
                    share: shares[side],
                    by_data: by_data[side],
                }),
                evidence: test.map_or(Evidence::Untested, Evidence::Fixed),
                ..compared
            };
            if how == How::FixedRounds && !compared.differs() {
                compared.plan = planner.plan(shares);
            }
            compared
        });
    Comparisons {
        what: What::Runs,
        how,
        bad: bad.clone(),
        list: list.collect(),
        warnings: warnings(views, &labels),
    }
}

/// What both runs have, with the results of each; the sides are still to be filled in.
fn pairs<'a>(one: &'a View, two: &'a View) -> Vec<(Compared, [&'a Results; 2])> {
    let empty = |chapter: Option<&String>, sequence: Option<&String>, mode, variant: &String| {
        let side = || Side {
            label: String::new(),
            share: crate::view::Share::default(),
            by_data: false,
        };
        Compared {
            chapter: chapter.cloned(),
            sequence: sequence.cloned(),
            mode: Some(mode),
            variant: Some(variant.clone()),
            sides: [side(), side()],
            evidence: Evidence::Untested,
            plan: None,
        }
    };
    let mut pairs = Vec::new();
    for row in &one.sequences {
        let others = two.sequences.iter().filter(|o| o.sequence == row.sequence);
        if let Some((other, variant)) = of_variant(others, |other| &other.variant, &row.variant) {
            let compared = empty(None, Some(&row.sequence), Mode::Sequential, &variant);
            pairs.push((compared, [&row.results, &other.results]));
        }
    }
    for row in &one.chapters {
        let key = |row: &ChapterRow| (row.chapter.clone(), row.mode, row.sequence.clone());
        let others = two.chapters.iter().filter(|other| key(other) == key(row));
        if let Some((other, variant)) = of_variant(others, |other| &other.variant, &row.variant) {
            let sequence = row.sequence.as_ref();
            let compared = empty(Some(&row.chapter), sequence, row.mode, &variant);
            pairs.push((compared, [&row.results, &other.results]));
        }
    }
    pairs
}

/// The row of this variant; where there is none, the one that differs from it only in how its processes came to be, which
/// is said once for the runs. With the variant that both are of.
fn of_variant<'a, T>(
    mut rows: impl Iterator<Item = &'a T> + Clone,
    variant_of: impl Fn(&T) -> &String,
    variant: &String,
) -> Option<(&'a T, String)> {
    let mut others = rows.clone();
    let same = rows.find(|row| variant_of(row) == variant);
    same.map(|row| (row, variant.clone())).or_else(|| {
        let base = suite_variant(variant);
        let other = others.find(|row| suite_variant(variant_of(row)) == base)?;
        Some((other, base.to_owned()))
    })
}

/// How the processes of a run's units came to be.
fn spawns(view: &View) -> String {
    let mut words: Vec<_> = view.units.iter().map(|unit| unit.spawn.word()).collect();
    words.sort_unstable();
    words.dedup();
    words.join(" and ")
}

/// By number where that tells them apart, else by id, else by order.
fn labels(views: [&View; 2]) -> [String; 2] {
    let [one, two] = views.map(|view| &view.run);
    if one.number != two.number {
        views.map(label)
    } else if one.id != two.id {
        [one, two].map(|run| clean(&run.id, NAME))
    } else {
        ["the first", "the second"].map(str::to_owned)
    }
}

/// What a run is called among others of its suite.
pub(super) fn label(view: &View) -> String {
    format!("N={}", view.run.number)
}

fn warnings(views: [&View; 2], labels: &[String; 2]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (view, label) in views.iter().zip(labels) {
        if !view.run.complete {
            warnings.push(format!("{label} is incomplete."));
        }
        warnings.extend(imported(view).map(|what| format!("{label}: {what}.")));
        if view.run.stopping.is_by_data() {
            warnings.push(format!(
                "{label} was stopped by its data: tests for a fixed number of rounds do not hold, and two runs have no \
                 pairs. The intervals are peek-safe; there is no verdict."
            ));
        }
    }
    for (view, other) in [(views[0], views[1]), (views[1], views[0])] {
        let number = format!("N={}", other.run.number);
        let all = claims(view).into_iter();
        let about = all.filter(|claim| claim.comparison.list[0].sides[0].label == number);
        warnings.extend(about.map(|claim| claimed_in_short(&claim, view.run.number)));
    }
    let differences = differing(views).into_iter();
    warnings.extend(differences.map(|[name, one, two]| {
        format!(
            "{name} differs: {one} in {}, {two} in {}.",
            labels[0], labels[1]
        )
    }));
    warnings
}

/// What differs between the runs besides their rates: `device: cpu, before cuda`.
pub(super) fn differences(views: [&View; 2]) -> Vec<String> {
    let all = differing(views).into_iter();
    all.map(|[name, one, two]| format!("{name}: {two}, before {one}"))
        .collect()
}

/// The facts that differ: their names, with what they are in the one run and in the other.
fn differing(views: [&View; 2]) -> Vec<[String; 3]> {
    let facts = [facts(views[0], views[1]), facts(views[1], views[0])];
    let names: BTreeSet<_> = facts.iter().flatten().map(|(name, _)| name).collect();
    let find = |all: &[(String, String)], name: &str| {
        let found = all.iter().find(|(other, _)| other == name);
        found.map_or_else(|| "none".to_owned(), |(_, value)| clean(value, NAME))
    };
    // An imported run does not say everything.
    let is_known = |name: &&String| {
        [0, 1].into_iter().all(|side| {
            let has = facts[side].iter().any(|(other, _)| other == *name);
            views[side].run.imported.is_none() || has
        })
    };
    let named = names.into_iter().filter(is_known).map(|name| {
        let [one, two] = [0, 1].map(|side| find(&facts[side], name));
        [clean(name, NAME), one, two]
    });
    named.filter(|[_, one, two]| one != two).collect()
}

/// A record does not say whether what it is of was traced.
fn tracing(run: &RunFacts) -> &'static str {
    match (&run.imported, run.traced) {
        (Some(_), _) => "unknown",
        (None, true) => "on",
        (None, false) => "off",
    }
}

/// What may make a difference between the runs that is none of the chapters': those that both runs have.
fn facts(view: &View, other: &View) -> Vec<(String, String)> {
    let run: &RunFacts = &view.run;
    let bad: Vec<_> = run.bad.iter().map(|outcome| outcome.word()).collect();
    let hazard = run.hazard.as_ref().map_or("none".to_owned(), hazard_facts);
    let mut facts = vec![
        ("suite".to_owned(), run.suite.clone()),
        ("device".to_owned(), run.device.clone()),
        ("hazard".to_owned(), hazard),
        ("tracing".to_owned(), tracing(run).to_owned()),
        ("spawn".to_owned(), spawns(view)),
        ("counted as bad".to_owned(), bad.join(", ")),
    ];
    if run.imported.is_none() {
        facts.push(("jobs".to_owned(), run.jobs.to_string()));
    }
    let versions = run.versions.iter();
    facts.extend(versions.map(|(name, version)| (format!("version of {name}"), version.clone())));
    for key in ["crashrate", "os", "cpu", "host", "worker"] {
        let value = run
            .machine
            .get(key)
            .map(|value| (key.to_owned(), value.clone()));
        facts.extend(value);
    }
    for chapter in &run.chapters {
        if other.run.chapter(&chapter.id).is_none() {
            continue;
        }
        let id = &chapter.id;
        if let Some(worker) = &chapter.worker {
            facts.push((format!("what {id} runs"), worker.clone()));
        }
        let params = chapter.params.iter();
        facts.extend(params.map(|(key, value)| (format!("{key} of {id}"), value.to_string())));
    }
    facts
}
