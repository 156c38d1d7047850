//! Compares the chapters and sequences that two runs share.

use std::collections::{BTreeMap, BTreeSet};

use crashrate_model::{ALPHA, Mode, suite_variant};
use crashrate_stats::Role;

use super::blocks::{count, outcomes};
use super::plan::Planner;
use super::test::{Pair, Together, doubt, fixed, taking_part};
use super::{
    Compared, Comparisons, Detect, Difference, Evidence, How, Side, What, claimed_in_short, claims,
};
use crate::words::imported;

use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{ChapterRow, OptionalStopping, Results, RunFacts, View};
use crate::words::fault_facts;

/// Compares the rows that both runs have, by the first run's definition of bad. `margin` is the
/// difference in rates up to which the second run counts as no worse.
pub fn compare_runs(one: &View, two: &View, detect: Detect, margin: Option<f64>) -> Comparisons {
    let bad = &one.run.bad;
    let views = [one, two];
    let labels = labels(views);
    let optional_stopping = views.map(|view| view.run.optional_stopping());
    let how = match optional_stopping.contains(&OptionalStopping::Possible) {
        true => How::Untested,
        false => How::FixedRounds,
    };
    let together = Together {
        alpha: ALPHA,
        margin,
    };
    let rows = pairs(one, two);
    let counted: Vec<Pair> = (rows.iter())
        .map(|(compared, results)| {
            let role = match compared.primary {
                true => Role::Primary,
                false => Role::Explains,
            };
            let shares = results.map(|results| count(&results.cells, bad));
            let rounds = results.map(|results| results.rounds);
            Pair::of_runs(shares, rounds, results.map(|r| r.bounds), role)
        })
        .collect();
    let tests = match how {
        How::FixedRounds => fixed(&counted, together),
        _ => vec![None; counted.len()],
    };
    let planner = Planner::new(detect, ALPHA, taking_part(&counted, ALPHA));
    let list = rows.into_iter().zip(counted).zip(tests);
    let list = list.map(|(((compared, results), counted), test)| {
        let mut compared = Compared {
            sides: [0, 1].map(|side| Side {
                label: labels[side].clone(),
                share: counted.shares[side],
                outcomes: outcomes(&results[side].cells),
                bounds: results[side].bounds,
                optional_stopping: optional_stopping[side],
            }),
            doubt: doubt(results, compared.censored),
            evidence: test.map_or(Evidence::Untested, Evidence::Fixed),
            ..compared
        };
        if how == How::FixedRounds && !compared.differs() {
            compared.plan = planner.plan(counted.shares);
        }
        compared
    });
    let list: Vec<Compared> = list.collect();
    let warnings = warnings(views, &labels);
    Comparisons {
        what: What::Runs,
        how,
        bad: bad.clone(),
        alpha: ALPHA,
        list,
        warnings,
    }
}

/// The rows that both runs have, with the results of each. The caller fills in the sides.
fn pairs<'a>(one: &'a View, two: &'a View) -> Vec<(Compared, [&'a Results; 2])> {
    let mut pairs = Vec::new();
    for row in &one.sequences {
        let others = two.sequences.iter().filter(|o| o.sequence == row.sequence);
        if let Some((other, variant)) = of_variant(others, |other| &other.variant, &row.variant) {
            let of = (None, Some(&row.sequence));
            let compared = Compared::unfilled(of, Mode::Sequential, &variant, true);
            pairs.push((compared, [&row.results, &other.results]));
        }
    }
    for row in &one.chapters {
        let key = |row: &ChapterRow| (row.chapter.clone(), row.mode, row.sequence.clone());
        let others = two.chapters.iter().filter(|other| key(other) == key(row));
        if let Some((other, variant)) = of_variant(others, |other| &other.variant, &row.variant) {
            let of = (Some(&row.chapter), row.sequence.as_ref());
            let explains =
                (one.sequences.iter()).any(|sequence| sequence.chapters.contains(&row.chapter));
            let compared = Compared::unfilled(of, row.mode, &variant, !explains);
            pairs.push((compared, [&row.results, &other.results]));
        }
    }
    pairs
}

/// The row of this variant and the variant to report. Without an exact match, takes the row that
/// differs only in how its processes were spawned; a warning reports that once for the runs.
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

/// How the run's processes were spawned.
fn spawns(view: &View) -> String {
    let mut words: Vec<_> = view.units.iter().map(|unit| unit.spawn.word()).collect();
    words.sort_unstable();
    words.dedup();
    words.join(" and ")
}

/// Labels runs by number if the numbers differ, else by id, else by position.
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

/// A run's label among the runs of its suite.
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
        if view.run.optional_stopping().is_possible() {
            warnings.push(format!(
                "{label} could be stopped by its data: tests for a fixed number of rounds do not hold, and two runs have no \
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

/// Differences between the runs besides their rates, programs and command first.
pub(super) fn differences(views: [&View; 2]) -> Vec<Difference> {
    let difference = |[what, before, now]: [String; 3]| Difference { what, before, now };
    let first = programs(views).into_iter().chain(commands(views));
    first.chain(differing(views)).map(difference).collect()
}

/// The programs that differ. If one run's programs include the other's, the extra ones belong to
/// other chapters and are not reported.
fn programs(views: [&View; 2]) -> Option<[String; 3]> {
    let [one, two] = views.map(|view| &view.run.programs);
    let only = |of: &BTreeMap<String, String>, not_of: &BTreeMap<String, String>| {
        let known: BTreeSet<_> = not_of.values().collect();
        let only = of.iter().filter(|(_, hash)| !known.contains(hash));
        let said: Vec<_> = only
            .map(|(path, hash)| {
                let name = path.rsplit('/').next().unwrap_or(path);
                let start: String = hash.chars().take(HASH_SHOWN).collect();
                format!("{} {}", clean(name, NAME), clean(&start, NAME))
            })
            .collect();
        (!said.is_empty()).then(|| said.join(", "))
    };
    Some(["program".to_owned(), only(one, two)?, only(two, one)?])
}

/// Characters of a hash that are shown.
const HASH_SHOWN: usize = 8;

/// The command lines, if both are known and differ in more than seed and report number.
fn commands(views: [&View; 2]) -> Option<[String; 3]> {
    let [one, two] = views.map(|view| view.command.as_deref().map(of_any_run));
    let (one, two) = (one?, two?);
    let said = |command: &str| clean(command, SENTENCE / 2);
    (one != two).then(|| ["command".to_owned(), said(&one), said(&two)])
}

/// A command line without its seed and report number. Words after `--` belong to the user's command
/// and stay.
fn of_any_run(command: &str) -> String {
    let mut words = command.split(' ');
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "--seed" | "--number" => drop(words.next()),
            word if word.starts_with("--seed=") || word.starts_with("--number=") => {}
            "--" => {
                kept.push(word);
                kept.extend(words.by_ref());
            }
            word => kept.push(word),
        }
    }
    kept.join(" ")
}

/// The facts that differ: name, value in the first run, value in the second.
fn differing(views: [&View; 2]) -> Vec<[String; 3]> {
    let facts = [facts(views[0], views[1]), facts(views[1], views[0])];
    let names: BTreeSet<_> = facts.iter().flatten().map(|(name, _)| name).collect();
    let find = |all: &[(String, String)], name: &str| {
        let found = all.iter().find(|(other, _)| other == name);
        found.map_or_else(|| "none".to_owned(), |(_, value)| clean(value, NAME))
    };
    // An imported run lacks some facts.
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

/// How attempts were watched. An imported report does not say.
fn evidence(run: &RunFacts) -> &'static str {
    match &run.imported {
        Some(_) => "unknown",
        None => run.evidence.word(),
    }
}

/// Facts that may explain a difference in rates, limited to chapters that both runs have.
fn facts(view: &View, other: &View) -> Vec<(String, String)> {
    let run: &RunFacts = &view.run;
    let bad: Vec<_> = run.bad.iter().map(|outcome| outcome.word()).collect();
    let fault = run.fault.as_ref().map_or("none".to_owned(), fault_facts);
    let mut facts = vec![
        ("suite".to_owned(), run.suite.clone()),
        ("device".to_owned(), run.device.clone()),
        ("fault".to_owned(), fault),
        ("evidence".to_owned(), evidence(run).to_owned()),
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
