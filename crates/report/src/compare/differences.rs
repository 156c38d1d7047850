//! Facts that differ between two runs and may explain a difference in their rates.

use std::collections::{BTreeMap, BTreeSet};

use crashrate_model::Level;

use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{RunFacts, View};
use crate::words::{bad_outcomes, fault_facts};

/// A fact about a run that differs from the run before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name, such as `device`.
    pub what: String,
    /// Its value in the previous run.
    pub before: String,
    /// Its value in this run.
    pub now: String,
}

impl Difference {
    /// The value before and now. Of long ones, the part that differs.
    pub(crate) fn in_short(&self) -> [String; 2] {
        around_difference([&self.before, &self.now])
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [before, now] = self.in_short();
        write!(f, "{}: {now}, before {before}", self.what)
    }
}

/// The differing part of two long texts, with some context.
fn around_difference(texts: [&str; 2]) -> [String; 2] {
    /// Texts up to this many characters are shown whole.
    const WHOLE: usize = 40;
    const AROUND: usize = 12;
    let [one, two] = texts.map(|text| text.chars().collect::<Vec<char>>());
    if one.len().max(two.len()) <= WHOLE {
        return texts.map(str::to_owned);
    }
    let same =
        |pairs: &mut dyn Iterator<Item = (&char, &char)>| pairs.take_while(|(a, b)| a == b).count();
    let head = same(&mut one.iter().zip(&two));
    let rest = one.len().min(two.len()) - head;
    let tail = same(&mut one.iter().rev().zip(two.iter().rev())).min(rest);
    [one, two].map(|text| {
        let start = head.saturating_sub(AROUND);
        let end = (text.len() - tail + AROUND).min(text.len());
        let middle: String = text[start..end].iter().collect();
        let [before, after] = [start > 0, end < text.len()].map(|cut| if cut { "..." } else { "" });
        format!("{before}{middle}{after}")
    })
}

/// Differences between the runs besides their rates, programs and command first.
pub(super) fn differences(views: [&View; 2]) -> Vec<Difference> {
    let first = programs(views).into_iter().chain(commands(views));
    first.chain(differing(views)).chain(loads(views)).collect()
}

/// The programs that differ. If one run's programs include the other's, the extra ones belong to
/// other chapters and are not reported.
pub(crate) fn programs(views: [&View; 2]) -> Option<Difference> {
    let [one, two] = views.map(|view| &view.run.programs);
    let only = |of: &BTreeMap<String, String>, not_of: &BTreeMap<String, String>| {
        let known: BTreeSet<_> = not_of.values().collect();
        let only = of.iter().filter(|(_, hash)| !known.contains(hash));
        let programs = only.map(|(path, hash)| {
            let name = path.rsplit('/').next().unwrap_or(path);
            let start: String = hash.chars().take(HASH_SHOWN).collect();
            format!("{} {}", clean(name, NAME), clean(&start, NAME))
        });
        let programs: Vec<_> = programs.collect();
        (!programs.is_empty()).then(|| programs.join(", "))
    };
    Some(Difference {
        what: "program".to_owned(),
        before: only(one, two)?,
        now: only(two, one)?,
    })
}

/// Characters of a hash that are shown.
const HASH_SHOWN: usize = 8;

/// The command lines, if both are known and differ in what is run.
fn commands(views: [&View; 2]) -> Option<Difference> {
    let [one, two] = views.map(|view| view.command.as_deref().map(what_is_run));
    let (one, two) = (one?, two?);
    (one != two).then(|| Difference {
        what: "command".to_owned(),
        before: clean(&one, SENTENCE / 2),
        now: clean(&two, SENTENCE / 2),
    })
}

/// A command line without its seed, its report number and what changes only the output. Words after
/// `--` belong to the user's command and stay.
fn what_is_run(command: &str) -> String {
    let mut words = command.split(' ');
    let mut rest = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "--seed" | "--number" | "--message-format" | "--color" => drop(words.next()),
            // They change what is printed.
            "-q" | "--quiet" | "--full" | "--report-only" | "-v" | "--verbose" => {}
            word if word.starts_with("--seed=") || word.starts_with("--number=") => {}
            "--" => {
                rest.push(word);
                rest.extend(words.by_ref());
            }
            word => rest.push(word),
        }
    }
    rest.join(" ")
}

/// The load of the machine, if it was too high before one of the runs only. Other differences in load
/// are in every run.
fn loads(views: [&View; 2]) -> Option<Difference> {
    let load = |view: &View| {
        let found = view.run.findings.iter().find(|one| one.name == "load");
        found.map(|load| (load.level == Level::Ok, clean(&load.found, NAME)))
    };
    let [(one_ok, before), (two_ok, now)] = [load(views[0])?, load(views[1])?];
    let what = "load".to_owned();
    (one_ok != two_ok).then_some(Difference { what, before, now })
}

/// The facts that differ.
pub(super) fn differing(views: [&View; 2]) -> Vec<Difference> {
    let [one, two] = views;
    let facts = [facts(one, two), facts(two, one)];
    let names: BTreeSet<_> = facts.iter().flat_map(BTreeMap::keys).collect();
    // An imported run lacks some facts.
    let value = |side: usize, name: &str| match facts[side].get(name) {
        Some(value) => Some(clean(value, NAME)),
        None if views[side].run.imported.is_some() => None,
        None => Some("none".to_owned()),
    };
    let differing = names.into_iter().filter_map(|name| {
        let (before, now) = (value(0, name)?, value(1, name)?);
        let what = clean(name, NAME);
        (before != now).then_some(Difference { what, before, now })
    });
    differing.collect()
}

/// Facts that may explain a difference in rates, limited to chapters that both runs have.
fn facts(view: &View, other: &View) -> BTreeMap<String, String> {
    let run: &RunFacts = &view.run;
    let fault = run.fault.as_ref().map_or("none".to_owned(), fault_facts);
    let evidence = match &run.imported {
        // An imported report does not say how attempts were watched.
        Some(_) => "unknown",
        None => run.evidence.word(),
    };
    let mut facts = BTreeMap::from([
        ("suite".to_owned(), run.suite.clone()),
        ("device".to_owned(), run.device.clone()),
        ("fault".to_owned(), fault),
        ("evidence".to_owned(), evidence.to_owned()),
        ("spawn".to_owned(), spawns(view)),
        ("counted as bad".to_owned(), bad_outcomes(&run.bad)),
    ]);
    facts.extend(run.jobs.map(|jobs| ("jobs".to_owned(), jobs.to_string())));
    let versions = run.versions.iter();
    facts.extend(versions.map(|(name, version)| (format!("version of {name}"), version.clone())));
    for key in [
        "crashrate",
        "os",
        "cpu",
        "cores",
        "gpu",
        "host",
        "worker",
        "git",
    ] {
        let name = if key == "git" { "git revision" } else { key };
        let value = run.machine.get(key);
        facts.extend(value.map(|value| (name.to_owned(), value.clone())));
    }
    for chapter in &run.chapters {
        if other.run.chapter(&chapter.id).is_none() {
            continue;
        }
        let id = &chapter.id;
        if let Some(worker) = &chapter.worker {
            facts.insert(format!("what {id} runs"), worker.clone());
        }
        let params = chapter.params.iter();
        facts.extend(params.map(|(key, value)| (format!("{key} of {id}"), value.to_string())));
    }
    facts
}

/// How the run's processes were spawned.
fn spawns(view: &View) -> String {
    let mut words: Vec<_> = view.units.iter().map(|unit| unit.spawn.word()).collect();
    words.sort_unstable();
    words.dedup();
    words.join(" and ")
}
