//! Runs that were merged from shards of several machines.

use std::collections::BTreeMap;

use crashrate_model::{
    Axis, Device, Ended, Merged, MergedShard, Outcome, Record, RunInfo, Started, StopReason,
    Stopping, Unit,
};
use crashrate_report::{ExitClass, Judgement, RunState, View, exit_class, json, markdown};
use serde_json::Value;

use crate::journal::{Journal, build, ended, full, info, isolated, summary};

const SECOND: f64 = 1.0;

pub(crate) fn shard(index: u32, host: &str, why: Option<StopReason>) -> MergedShard {
    let facts = [
        ("host", host),
        ("cpu", "AMD EPYC 9654"),
        ("os", "Linux 6.8"),
    ];
    MergedShard {
        index,
        runs: vec![format!("20251222-101500-story-{index}")],
        machine: facts.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        devices: vec![Device {
            name: "cuda:0".into(),
            model: Some("NVIDIA H200".into()),
            driver: Some("570.86.15".into()),
            ..Device::default()
        }],
        started: format!("2025-12-22T10:15:0{index}Z"),
        finished: why.map(|_| "2025-12-22T10:18:20Z".into()),
        why,
        ..MergedShard::default()
    }
}

pub(crate) fn merged(units: Vec<Unit>, count: u32, shards: Vec<MergedShard>) -> RunInfo {
    RunInfo {
        merged: Some(Merged { count, shards }),
        machine: BTreeMap::new(),
        ..info(units)
    }
}

/// The records of an attempt that starts at a time of its shard.
pub(crate) fn attempt(unit: u32, round: u32, at: f64, outcome: Outcome) -> [Record; 2] {
    let end = Ended {
        at: at + SECOND,
        ..ended(unit, round, 1, outcome, SECOND)
    };
    [started(unit, round, at), Record::Ended(Box::new(end))]
}

fn started(unit: u32, round: u32, at: f64) -> Record {
    Record::Started(Started {
        unit,
        round,
        attempt: 1,
        at,
        opened: None,
    })
}

/// A unit whose rounds crash if `crashes`, without the rounds of missing shards.
fn one_unit(info: RunInfo, why: StopReason, crashes: impl Fn(u32) -> bool) -> Journal {
    let merged = info.merged.clone().unwrap();
    let rounds = info.units[0].rounds;
    let mut journal = Journal::of(info);
    for round in (1..=rounds).filter(|round| merged.of_round(*round).is_some()) {
        let outcome = match crashes(round) {
            true => Outcome::Crashed,
            false => Outcome::Passed,
        };
        let at = f64::from((round - 1) / merged.count);
        journal.records.extend(attempt(0, round, at, outcome));
    }
    journal.close(why);
    journal
}

/// Four shards of 25 rounds: two on node1, one on node2 that crashes in 8, and a missing one.
fn with_missing_shard() -> Journal {
    let done = Some(StopReason::Done);
    let shards = vec![
        shard(1, "node1", done),
        shard(2, "node1", done),
        shard(3, "node2", done),
    ];
    let info = merged(vec![isolated("soak", 100)], 4, shards);
    one_unit(info, StopReason::ShardsMissing, |round| {
        round % 4 == 3 && round < 32 || round == 1
    })
}

#[test]
fn a_missing_shard_widens_the_rate() {
    let view = with_missing_shard().view();
    insta::assert_snapshot!("merged_summary", summary(&view, 100));
    insta::assert_snapshot!("merged_full", full(&view, 100));
    insta::assert_snapshot!("merged_markdown", markdown(&view, None));
    let json: Value = serde_json::from_str(&json(&view)).unwrap();
    let machines = serde_json::to_string_pretty(&json["machines"]).unwrap();
    insta::assert_snapshot!("merged_json", machines);
    let bounds = &json["chapters"][0]["bounds"];
    assert_eq!(
        (&bounds["missing"], &bounds["worst"]["bad"]),
        (&25.into(), &34.into())
    );
    assert_eq!(exit_class(&view), ExitClass::Incomplete);
}

/// The names of an object's fields.
fn fields(object: &Value) -> Vec<&String> {
    let mut fields: Vec<_> = object.as_object().unwrap().keys().collect();
    fields.sort();
    fields
}

#[test]
fn the_schema_has_the_fields_of_the_report() {
    let schema = serde_json::to_value(crashrate_report::json_schema()).unwrap();
    let report: Value = serde_json::from_str(&json(&with_missing_shard().view())).unwrap();
    let machines = &report["machines"];
    let machine = &machines["machines"][0];
    for (name, object) in [
        ("Machines", machines),
        ("Machine", machine),
        ("ShardState", &machine["shards"][0]),
        ("MachineUnit", &machine["units"][0]),
        ("RateTest", &machines["tests"][0]),
    ] {
        let properties = &schema["$defs"][name]["properties"];
        assert_eq!(fields(object), fields(properties), "{name}");
    }
}

#[test]
fn a_complete_run_on_equal_machines_says_no_more_than_it_must() {
    let done = Some(StopReason::Done);
    let shards = (1..=4).map(|at| shard(at, &format!("node{at}"), done));
    let info = merged(vec![isolated("soak", 100)], 4, shards.collect());
    let view = one_unit(info, StopReason::Done, |round| round % 25 == 0).view();
    let text = summary(&view, 100);
    assert!(
        !text.contains("machine") && !text.contains("missing"),
        "{text}"
    );
    assert_eq!(exit_class(&view), ExitClass::NotPassed);
    let text = markdown(&view, None);
    assert!(text.contains("no difference shown, least p = 1"), "{text}");
}

fn variants() -> Vec<Unit> {
    let unit = |variant: &str| Unit {
        variant: variant.into(),
        ..isolated("soak", 40)
    };
    vec![unit("old"), unit("new")]
}

/// Both variants in 40 blocks over 4 shards; the first one always crashes.
fn compared(stopping: Stopping, blocks: impl Iterator<Item = u32>) -> Vec<Record> {
    let decided = Some(StopReason::Decided);
    let shards = (1..=4).map(|at| shard(at, &format!("node{at}"), decided));
    let mut info = merged(variants(), 4, shards.collect());
    info.stopping = stopping;
    let mut journal = Journal::of(info);
    for round in blocks {
        let at = 2.0 * f64::from((round - 1) / 4);
        journal
            .records
            .extend(attempt(0, round, at, Outcome::Crashed));
        journal
            .records
            .extend(attempt(1, round, at + SECOND, Outcome::Passed));
    }
    journal.records
}

fn watched(records: &[Record], state: RunState) -> (View, u64) {
    let view = build(records, state).unwrap();
    let blocks = view.pairs[0].contrasts[0].1.blocks().n();
    (view, blocks)
}

#[test]
fn blocks_of_all_shards_decide_together_in_any_order_of_records() {
    let decided = || Stopping::Decided(Axis::Variant);
    let records = compared(decided(), 1..=12);
    let (view, blocks) = watched(&records, RunState::Ended);
    // One run needs seven blocks as well.
    assert_eq!((view.judgement(), blocks), (Judgement::Shown, 7));
    let by_shard = (1..=4).flat_map(|shard| (0..3).map(move |at| 4 * at + shard));
    let (other, blocks) = watched(&compared(decided(), by_shard), RunState::Ended);
    assert_eq!((other.judgement(), blocks), (Judgement::Shown, 7));
    assert_eq!(json(&other), json(&view));
}

#[test]
fn a_block_waits_for_those_begun_before() {
    let mut records = compared(Stopping::Decided(Axis::Variant), 1..=8);
    assert_eq!(watched(&records, RunState::Running).1, 7);
    // The shard of rounds 2 and 6 is still at round 2, which began before all but the first.
    let rounds = |record: &Record| match record {
        Record::Ended(end) => Some(end.round),
        Record::Started(start) => Some(start.round),
        _ => None,
    };
    records.retain(|record| !matches!(rounds(record), Some(2 | 6)));
    records.push(started(0, 2, 0.0));
    let (view, blocks) = watched(&records, RunState::Running);
    assert_eq!((view.judgement(), blocks), (Judgement::Undecided, 1));
    // Its machine died: the block may have had any result, and the others no longer wait.
    let (view, blocks) = watched(&records, RunState::Ended);
    assert_eq!((view.judgement(), blocks), (Judgement::Undecided, 6));
    assert_eq!(view.pairs[0].contrasts[0].1.missing(), 1);
}

#[test]
fn a_machine_that_dies_within_a_block_leaves_it_unknown() {
    // Shard 1 ends in its second block, between two attempts of it or during the second one.
    let others = (1..=40).filter(|round| *round == 1 || round % 4 != 1);
    let mut left_off = compared(Stopping::Decided(Axis::Variant), others);
    left_off.extend(attempt(1, 5, 2.0, Outcome::Passed));
    let mut lost = left_off.clone();
    lost.extend(attempt(0, 5, 3.0, Outcome::Lost));
    let seen = |records: &[Record], state| {
        let (view, blocks) = watched(records, state);
        (blocks, view.pairs[0].contrasts[0].1.missing())
    };
    for state in [RunState::Running, RunState::Ended] {
        // Other machines do not wait for it, and their verdict needs no block that was left off.
        assert_eq!(seen(&left_off, state), (7, 0));
        assert_eq!(seen(&lost, state), (7, 1));
    }
    // While its machine runs, results begun after the block wait.
    if let Record::Opened(opened) = &mut left_off[0] {
        opened.run.merged.as_mut().unwrap().shards[0].is_running = true;
    }
    assert_eq!(seen(&left_off, RunState::Running), (2, 0));
}

#[test]
fn times_of_a_resumed_shard_count_from_when_it_was_resumed() {
    let others = (1..=40).filter(|round| round % 4 == 2);
    let mut records = compared(Stopping::Decided(Axis::Variant), others);
    records.push(started(0, 1, 0.0));
    assert_eq!(watched(&records, RunState::Running).1, 0);
    // It was resumed after all blocks of the other shard.
    if let Some(Record::Started(start)) = records.last_mut() {
        start.opened = Some("2025-12-22T12:15:00Z".into());
    }
    assert_eq!(watched(&records, RunState::Running).1, 7);
}

#[test]
fn fixed_rounds_are_compared_within_machines() {
    let mut journal = Journal::of(info(variants()));
    journal.records = compared(Stopping::FixedRounds, 1..=40);
    journal.close(StopReason::Done);
    let report: Value = serde_json::from_str(&json(&journal.view())).unwrap();
    let one = &report["comparisons"][0]["comparisons"][0];
    assert_eq!(one["test"], "mantel-haenszel", "{one:#}");
    assert_eq!(one["differs"], true, "{one:#}");
}

#[test]
fn blocks_of_a_missing_shard_may_have_any_result() {
    let mut journal = Journal::of(info(variants()));
    let blocks = (1..=40).filter(|round| round % 4 != 0);
    journal.records = compared(Stopping::FixedRounds, blocks);
    if let Record::Opened(opened) = &mut journal.records[0] {
        opened.run.merged.as_mut().unwrap().shards.pop();
    }
    journal.close(StopReason::ShardsMissing);
    let view = journal.view();
    let watch = &view.pairs[0].contrasts[0].1;
    assert_eq!((watch.missing(), watch.is_decided()), (10, false));
}

#[test]
fn a_run_whose_rule_decided_needs_no_missing_shard() {
    let blocks = (1..=40).filter(|round| round % 4 != 0);
    let mut journal = Journal::of(info(variants()));
    journal.records = compared(Stopping::Decided(Axis::Variant), blocks);
    if let Record::Opened(opened) = &mut journal.records[0] {
        opened.run.merged.as_mut().unwrap().shards.pop();
    }
    journal.close(StopReason::Interrupted);
    let view = journal.view();
    assert_eq!(exit_class(&view), ExitClass::NotPassed);
    assert_eq!(
        (view.judgement(), view.run.complete),
        (Judgement::Shown, true)
    );
    let text = summary(&view, 100);
    assert!(!text.contains("missing"), "{text}");
}

#[test]
fn machines_are_not_compared_if_the_data_end_their_shards() {
    let decided = Some(StopReason::Decided);
    let shards = (1..=2).map(|at| shard(at, &format!("node{at}"), decided));
    let mut info = merged(vec![isolated("soak", 80)], 2, shards.collect());
    let bad = |round: u32| round % 2 == 1;
    let view = one_unit(info.clone(), StopReason::Done, bad).view();
    assert!(view.machines.unwrap().tests[0].differs);
    info.stopping = Stopping::FirstBad;
    let view = one_unit(info, StopReason::Decided, bad).view();
    assert!(view.machines.unwrap().tests.is_empty());
}

#[test]
fn a_machine_stays_the_same_if_its_software_changes() {
    let done = Some(StopReason::Done);
    let mut shards = vec![shard(1, "node1", done), shard(2, "node1", done)];
    let changed = &mut shards[1];
    changed.machine.insert("os".into(), "Linux 6.9".into());
    changed.machine.insert("git".into(), "0123456789ab".into());
    changed.devices[0].cpus = vec![4, 5];
    let info = merged(vec![isolated("soak", 10)], 2, shards);
    let view = one_unit(info, StopReason::Done, |_| false).view();
    assert_eq!(view.machines.unwrap().list.len(), 1);
}

#[test]
fn a_machine_on_which_a_chapter_fails_is_named() {
    let done = Some(StopReason::Done);
    let shards = (1..=4).map(|at| shard(at, &format!("node{at}"), done));
    let info = merged(vec![isolated("soak", 80)], 4, shards.collect());
    let mut journal = one_unit(info, StopReason::Done, |_| false);
    for record in &mut journal.records {
        if let Record::Ended(end) = record
            && end.round % 4 == 2
        {
            end.outcome = Outcome::Failed;
        }
    }
    let view = journal.view();
    let text = full(&view, 120);
    let said = "soak (isolated): the share of failed rounds differs between machines (p = 1.1e-18): \
                node2 20/20, node1 0/20";
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(said), "{text}");
    let machines = &view.machines.as_ref().unwrap();
    let failed: Vec<u32> = machines.list.iter().map(|one| one.failed()).collect();
    assert_eq!(failed, [0, 20, 0, 0]);
}
