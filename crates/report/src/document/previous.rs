//! This run beside another: the run before it, or the baseline report. `crashrate compare` says
//! whether a difference from the run before is more than chance.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crashrate_protocol::chapters::THROUGHPUTS;

use super::measures::{name_of, with_unit};
use super::{Block, Table, Text, Tone};
use crate::clean::{NAME, clean};
use crate::compare::{BaselineRow, BesideBaseline, programs};
use crate::view::{
    ByChapter, ChapterRow, Identities, MeasureStat, OptionalStopping, Results, Share, View,
};
use crate::words::{
    NOTHING, bad_outcomes, baseline_sentences, count, fault_facts, joined, measured, of_chapter,
    of_unit, parameter, rate, rate_of, short_estimate,
};

/// The baseline report, this machine in sequence and isolated, and what that shows. Nothing if the
/// run's suite names no baseline.
pub(super) fn baseline(view: &View) -> Vec<Block> {
    let (Some(all), Some(baseline)) = (view.beside_baseline(), view.baseline.as_deref()) else {
        return Vec::new();
    };
    let mut blocks = vec![Block::Table(baseline_rates(view, all))];
    blocks.extend(baseline_sentences(view, all).into_iter().map(Block::line));
    let numbers = [throughputs(view, baseline), differences(view, baseline)];
    blocks.extend(numbers.into_iter().flat_map(Block::table));
    blocks
}

fn baseline_rates(view: &View, all: &BesideBaseline) -> Table {
    let optional_stopping = view.run.optional_stopping();
    let title = "bad first attempts; in sequence, a chapter counts only rounds that got this far; \
        isolated, a sequence counts whole blocks of its chapters";
    let number = all.number;
    let mut table = Table::titled(title).texts(["what"]).numbers([
        &format!("report N={number} (95%)"),
        "here in sequence (95%)",
        "here isolated (95%)",
    ]);
    for row in &all.rows {
        let cell = |share: Option<Share>| {
            let text = share.map(|share| short_estimate(share, optional_stopping));
            Text {
                tone: Tone::Bad.if_any(share.unwrap_or_default().bad),
                ..Text::known(text)
            }
        };
        let short = |share| short_estimate(share, OptionalStopping::No);
        let recorded = [
            row.baseline_in_sequence.map(short),
            (row.baseline_isolated).map(|share| format!("isolated {}", short(share))),
        ];
        let recorded = joined(recorded.into_iter().flatten(), "; ");
        table.row([
            Text::long(name(row)),
            Text::long(recorded.as_deref().unwrap_or(NOTHING)),
            cell(row.in_sequence),
            cell(row.isolated),
        ]);
    }
    table
}

fn name(row: &BaselineRow) -> String {
    let of_variant = |name: &str| of_unit(name, None, &row.variant);
    match (&row.chapter, &row.sequence) {
        (Some(chapter), _) => of_variant(chapter),
        (None, Some(sequence)) => format!("{} as a whole", of_variant(sequence)),
        (None, None) => String::new(),
    }
}

/// What this run and the one before it have, side by side.
pub(super) fn previous(view: &View, before: Option<&View>) -> Vec<Block> {
    let Some(before) = before else {
        return Vec::new();
    };
    let mut blocks = Vec::new();
    if !before.run.complete {
        blocks.push(Block::line(format!(
            "N={} is incomplete: {} of {} rounds have a result.",
            before.run.number,
            count(before.totals.first_attempt.n.into()),
            count(before.totals.planned.into())
        )));
    }
    let tables = [
        rates(view, before),
        throughputs(view, before),
        differences(view, before),
    ];
    blocks.extend(tables.into_iter().flat_map(Block::table));
    blocks
}

/// How often each unit passed, and was bad, in both runs.
fn rates(view: &View, before: &View) -> Table {
    let n = before.run.number;
    let mut table = Table::titled("first attempts").texts(["what"]).numbers([
        &format!("passed, N={n}"),
        "passed, now",
        &format!("bad, N={n}"),
        "bad, now",
    ]);
    let old: HashMap<_, _> = before.unit_results().collect();
    let identities = Identities::of([view, before]);
    for (key, now) in view.unit_results() {
        let Some(then) = old.get(&key) else {
            continue;
        };
        if !identities.agree_on(&key) {
            continue;
        }
        let (name, mode, variant) = key;
        let passed = |results: &Results| Text::plain(rate(results.passed(), results.reached()));
        let bad = |results: &Results| Text::plain(rate_of(results));
        table.row([
            Text::plain(of_unit(name, Some(mode), variant)),
            passed(then),
            passed(now),
            bad(then),
            bad(now),
        ]);
    }
    table
}

/// Operations and samples per second in both runs.
fn throughputs(view: &View, before: &View) -> Table {
    let number = format!("N={}", before.run.number);
    let table = Table::titled("medians").texts(["what", "measure"]);
    let mut table = table.numbers([&number, "now"]);
    let old = ByChapter::of(before);
    let identities = Identities::of([view, before]);
    for row in &view.chapters {
        let same =
            |then: &&&ChapterRow| (&then.sequence, &then.variant) == (&row.sequence, &row.variant);
        let Some(then) = old.rows(&row.chapter).iter().find(same) else {
            continue;
        };
        if !identities.agree_on(&row.unit()) {
            continue;
        }
        let is_rate = |stat: &&MeasureStat| THROUGHPUTS.contains(&stat.name.as_str());
        for stat in row.results.measures.iter().filter(is_rate) {
            let is_same = |old: &&MeasureStat| {
                (&old.name, &old.label, &old.unit) == (&stat.name, &stat.label, &stat.unit)
            };
            let Some(old) = then.results.measures.iter().find(is_same) else {
                continue;
            };
            let value = |stat: &MeasureStat| {
                let median = measured(&stat.name, &stat.unit, stat.spread.median, false);
                Text::plain(with_unit(median, stat))
            };
            table.row([
                Text::long(of_chapter(row)),
                Text::plain(name_of(stat)),
                value(old),
                value(stat),
            ]);
        }
    }
    table
}

/// What else differs, and may explain different numbers.
fn differences(view: &View, before: &View) -> Table {
    let number = format!("N={}", before.run.number);
    let mut table = Table::titled("what differs").texts(["what", &number, "now"]);
    if let Some(program) = programs([before, view]) {
        table.row([program.what, program.before, program.now].map(Text::long));
    }
    let (then, now) = (facts(before, view), facts(view, before));
    let names: BTreeSet<_> = then.keys().chain(now.keys()).collect();
    // An imported run lacks facts. That it had no fault is known.
    let knows = |of: &View, all: &BTreeMap<String, String>, name: &str| {
        of.run.imported.is_none() || name == "fault" || all.contains_key(name)
    };
    let is_known = |name: &&String| knows(before, &then, name) && knows(view, &now, name);
    for name in names.into_iter().filter(is_known) {
        let (old, new) = (then.get(name), now.get(name));
        if old != new {
            let value = |value: Option<&String>| Text::long(value.map_or(NOTHING, String::as_str));
            table.row([Text::long(name), value(old), value(new)]);
        }
    }
    table
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
fn facts(view: &View, other: &View) -> BTreeMap<String, String> {
    let run = &view.run;
    let mut facts = BTreeMap::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            facts.entry(name.to_owned()).or_insert(value);
        }
    };
    add("device", Some(run.device.clone()));
    add("counted in the crash rate", Some(bad_outcomes(&run.bad)));
    add("jobs", run.jobs.map(|jobs| jobs.to_string()));
    add("retries", run.retries.map(|retries| retries.to_string()));
    add("command", view.command.as_deref().map(without_seed));
    add("fault", run.fault.as_ref().map(fault_facts));
    for (name, value) in run.versions.iter().chain(&run.machine) {
        add(name, Some(value.clone()));
    }
    for chapter in &run.chapters {
        if other.run.chapter(&chapter.id).is_none() {
            continue;
        }
        let id = clean(&chapter.id, NAME);
        add(&format!("{id}: worker chapter"), chapter.worker.clone());
        for (key, value) in &chapter.params {
            add(&format!("{id}: {key}"), Some(parameter(value)));
        }
    }
    facts
}
