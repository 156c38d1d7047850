//! This run and the one before it: the numbers of both, and what else differs. Whether a difference
//! is more than chance is for `crashrate compare` to say.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crashrate_protocol::chapters::THROUGHPUTS;
use serde_json::{Map, Value};

use super::source::Source;
use super::{Block, Table, Text};
use crate::clean::{NAME, clean};
use crate::view::{ByChapter, ChapterRow, MeasureStat, Results, View};
use crate::words::{
    count, fault_facts, measured, of_chapter, of_unit, parameter, rate, rate_of, shown_unit,
};

/// What both runs have, side by side.
pub(super) fn previous(source: &Source) -> Vec<Block> {
    let Some(before) = source.previous else {
        return Vec::new();
    };
    let number = before.run.number;
    let mut blocks = Vec::new();
    if !before.run.complete {
        blocks.push(Block::line(format!(
            "N={number} is incomplete: {} of {} rounds have a result.",
            count(before.totals.first_attempt.n.into()),
            count(before.totals.planned.into())
        )));
    }
    let view = source.view;
    let tables = [
        rates(view, before),
        throughputs(view, before),
        differences(view, before),
    ];
    let tables = tables.into_iter().filter(|table| !table.rows.is_empty());
    blocks.extend(tables.map(Block::Table));
    blocks
}

/// How often each unit passed, and was bad, in both runs.
fn rates(view: &View, before: &View) -> Table {
    let n = before.run.number;
    let mut table = Table::titled("first attempts")
        .text("what")
        .number(&format!("passed, N={n}"))
        .number("passed, now")
        .number(&format!("bad, N={n}"))
        .number("bad, now");
    let mut old = HashMap::new();
    for (key, results) in before.unit_results() {
        old.entry(key).or_insert(results);
    }
    for (key, results) in view.unit_results() {
        let Some(then) = old.get(&key) else {
            continue;
        };
        let both = [*then, results];
        let passed = |results: &Results| rate(results.passed(), results.reached());
        let bad = |results: &Results| rate_of(results);
        let (name, mode, variant) = key;
        let mut cells = vec![Text::plain(&of_unit(name, Some(mode), variant))];
        cells.extend(both.map(|results| Text::plain(&passed(results))));
        cells.extend(both.map(|results| Text::plain(&bad(results))));
        table.rows.push(cells);
    }
    table
}

/// Operations and samples per second in both runs.
pub(super) fn throughputs(view: &View, before: &View) -> Table {
    let mut table = Table::titled("medians")
        .text("what")
        .text("measure")
        .number(&format!("N={}", before.run.number))
        .number("now");
    let old = ByChapter::of(before);
    for row in &view.chapters {
        let same =
            |then: &&&ChapterRow| (&then.sequence, &then.variant) == (&row.sequence, &row.variant);
        let Some(then) = old.rows(&row.chapter).iter().find(same) else {
            continue;
        };
        let is_rate = |stat: &&MeasureStat| THROUGHPUTS.contains(&stat.name.as_str());
        for stat in row.results.measures.iter().filter(is_rate) {
            let key = |s: &MeasureStat| (s.name.clone(), s.label.clone(), s.unit.clone());
            let mut olds = then.results.measures.iter();
            let Some(old) = olds.find(|old| key(old) == key(stat)) else {
                continue;
            };
            let value = |stat: &MeasureStat| {
                let value = measured(&stat.name, &stat.unit, stat.spread.median, false);
                let unit = shown_unit(&stat.name, &stat.unit);
                Text::plain(format!("{value} {unit}").trim_end())
            };
            let measure = match stat.label.as_str() {
                "" => stat.name.clone(),
                label => format!("{} ({label})", stat.name),
            };
            let (name, measure) = (Text::long(&of_chapter(row)), Text::plain(&measure));
            table
                .rows
                .push(vec![name, measure, value(old), value(stat)]);
        }
    }
    table
}

/// What else differs, and may explain different numbers.
pub(super) fn differences(view: &View, before: &View) -> Table {
    let mut table = Table::titled("what differs")
        .text("what")
        .text(&format!("N={}", before.run.number))
        .text("now");
    let (then, now) = (first(facts(before, view)), first(facts(view, before)));
    let names: BTreeSet<_> = then.keys().chain(now.keys()).collect();
    // An imported run lacks facts. That it had no fault is known.
    let knows = |of: &View, all: &BTreeMap<String, String>, name: &str| {
        of.run.imported.is_none() || name == "fault" || all.contains_key(name)
    };
    let is_known = |name: &str| knows(before, &then, name) && knows(view, &now, name);
    let find = |all: &BTreeMap<String, String>, name: &str| {
        all.get(name).cloned().unwrap_or_else(|| "-".to_owned())
    };
    for name in names.into_iter().filter(|name| is_known(name)) {
        let (old, new) = (find(&then, name), find(&now, name));
        if old != new {
            let cells = [name, &old, &new];
            table.rows.push(cells.map(|cell| Text::long(cell)).to_vec());
        }
    }
    table
}

/// The first value of each name.
fn first(facts: Vec<(String, String)>) -> BTreeMap<String, String> {
    let mut first = BTreeMap::new();
    for (name, value) in facts {
        first.entry(name).or_insert(value);
    }
    first
}

/// A command without its seed, which differs from run to run.
fn without_seed(command: &str) -> String {
    let mut words = command.split(' ');
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "--seed" => drop(words.next()),
            _ => kept.push(word),
        }
    }
    kept.join(" ")
}

/// The facts about a run that may affect its numbers, by name; of its chapters only those that the
/// other run has.
fn facts(view: &View, other: &View) -> Vec<(String, String)> {
    let (run, other) = (&view.run, &other.run);
    let bad: Vec<_> = run.bad.iter().map(|outcome| outcome.word()).collect();
    let mut facts = vec![
        ("device".to_owned(), run.device.clone()),
        ("counted in the crash rate".to_owned(), bad.join(", ")),
    ];
    for (name, value) in [("jobs", run.jobs), ("retries", run.retries)] {
        facts.extend(value.map(|value| (name.to_owned(), value.to_string())));
    }
    if let Some(command) = &view.command {
        facts.push(("command".to_owned(), without_seed(command)));
    }
    if let Some(fault) = &run.fault {
        facts.push(("fault".to_owned(), fault_facts(fault)));
    }
    let known = run.versions.iter().chain(&run.machine);
    facts.extend(known.map(|(name, value)| (name.clone(), value.clone())));
    let in_both = run
        .chapters
        .iter()
        .filter(|c| other.chapter(&c.id).is_some());
    for chapter in in_both {
        let id = clean(&chapter.id, NAME);
        if let Some(worker) = &chapter.worker {
            facts.push((format!("{id}: worker chapter"), worker.clone()));
        }
        facts.extend(params(&chapter.params).map(|(key, value)| (format!("{id}: {key}"), value)));
    }
    facts
}

fn params(params: &Map<String, Value>) -> impl Iterator<Item = (String, String)> {
    params
        .iter()
        .map(|(key, value)| (key.clone(), parameter(value)))
}
