//! Merged runs that lack rounds, or whose shards were resumed.

use crashrate_model::{
    Device, Finding, Level, MergedShard, Outcome, Record, ShardRun, StopReason, Stopping,
};
use crashrate_report::{MissingBlocks, ShardState, View, json};
use serde_json::Value;

use crate::journal::{Journal, full, info, isolated, summary};
use crate::merged::{attempt, merged, shard};

/// Two shards of 40 rounds. A machine that crashed in all rounds began the first one.
fn resumed_elsewhere() -> View {
    let part = |host: &str| {
        let MergedShard { machine, .. } = shard(1, host, None);
        ShardRun {
            machine,
            started: "2025-12-22T10:15:01Z".into(),
            ..ShardRun::default()
        }
    };
    let done = Some(StopReason::Done);
    let mut shards = vec![shard(1, "good", done), shard(2, "good", done)];
    shards.iter_mut().for_each(|shard| shard.devices.clear());
    shards[0].each = vec![part("bad"), part("good")];
    let mut journal = Journal::of(merged(vec![isolated("soak", 80)], 2, shards));
    for round in 1..=80 {
        let is_first = round % 2 == 1 && round < 20;
        let outcome = if is_first {
            Outcome::Crashed
        } else {
            Outcome::Passed
        };
        let [started, mut end] = attempt(0, round, f64::from(round), outcome);
        if let Record::Ended(end) = &mut end {
            end.run = (round % 2 == 1 && !is_first).then_some(1);
        }
        journal.records.extend([started, end]);
    }
    journal.close(StopReason::Done);
    journal.view()
}

#[test]
fn rounds_of_a_resumed_shard_belong_to_the_machine_that_ran_them() {
    let view = resumed_elsewhere();
    let machines = view.machines.as_ref().unwrap();
    let rows = machines.list.iter().map(|machine| {
        let of = machine.first_attempt;
        let rounds = (machine.ended, machine.planned, of.bad, of.n);
        (machine.host().unwrap(), rounds, machine.shards.clone())
    });
    let expected = [
        ("bad", (10, 10, 10, 10), vec![(1, ShardState::Continued)]),
        (
            "good",
            (70, 70, 0, 70),
            vec![(1, ShardState::Complete), (2, ShardState::Complete)],
        ),
    ];
    assert_eq!(rows.collect::<Vec<_>>(), expected);
    assert!(machines.tests[0].differs);
    assert_eq!(machines.moved.len(), 10);
    let text = summary(&view, 100);
    assert!(text.contains("bad 10/10, good 0/70"), "{text}");
}

/// The words about missing blocks of a run of this many rounds in three shards.
fn missing(shards: &[u32], has: impl Fn(u32) -> bool) -> (View, String) {
    let all = shards.iter().map(|at| shard(*at, "node1", None));
    let info = merged(vec![isolated("soak", 60)], 3, all.collect());
    let mut journal = Journal::of(info);
    for round in (1..=60).filter(|round| has(*round)) {
        let at = f64::from(round);
        journal
            .records
            .extend(attempt(0, round, at, Outcome::Passed));
    }
    journal.close(StopReason::ShardsMissing);
    let view = journal.view();
    let json: Value = serde_json::from_str(&json(&view)).unwrap();
    let said = json["machines"]["said"][0].as_str().unwrap().to_owned();
    (view, said)
}

#[test]
fn each_shard_says_how_many_blocks_it_lacks() {
    let (_, said) = missing(&[1, 2], |round| round % 3 != 0 && round <= 45);
    let expected = "30 of 60 blocks are missing (shard 3: 20; shards 1, 2: 5 each)";
    assert_eq!(said, expected);
    let (view, said) = missing(&[1, 2, 3], |round| round % 3 != 0);
    assert_eq!(said, "20 of 60 blocks are missing (shard 3: 20)");
    let machines = view.machines.unwrap();
    assert!(machines.missing_shards.is_empty());
    let expected = MissingBlocks {
        shard: 3,
        blocks: 20,
    };
    assert_eq!(machines.missing_by_shard, [expected]);
    let (_, said) = missing(&[1, 2], |round| round % 3 != 0);
    assert_eq!(said, "20 of 60 blocks are missing (shard 3)");
}

#[test]
fn a_round_that_was_run_again_is_not_one_more_round() {
    let shards = vec![shard(1, "node1", Some(StopReason::Done))];
    let mut journal = Journal::of(merged(vec![isolated("soak", 60)], 2, shards));
    for round in (1..=60).step_by(2) {
        if round == 5 {
            journal
                .records
                .extend(attempt(0, round, 0.0, Outcome::Lost));
        }
        let outcome = match round {
            7 => Outcome::Crashed,
            _ => Outcome::Passed,
        };
        let at = f64::from(round);
        journal.records.extend(attempt(0, round, at, outcome));
    }
    journal.close(StopReason::ShardsMissing);
    let text = full(&journal.view(), 100);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("30 missing rounds and 1 lost and run again"),
        "{text}"
    );
}

/// Two units on two devices. Each is bad on one of them, in 15 of 20 rounds.
fn on_two_devices(stopping: Stopping) -> View {
    let mut info = info(vec![isolated("one", 40), isolated("two", 40)]);
    let devices = ["cuda:0", "cuda:1"].map(|name| Device {
        name: name.into(),
        ..Device::default()
    });
    (info.devices, info.stopping) = (devices.into(), stopping);
    let mut journal = Journal::of(info);
    for (round, unit) in (1..=40).flat_map(|round| [(round, 0), (round, 1)]) {
        let device = round % 2;
        let outcome = match unit == device && round <= 30 {
            true => Outcome::Crashed,
            false => Outcome::Passed,
        };
        let [started, mut end] = attempt(unit, round, f64::from(2 * round + unit), outcome);
        if let Record::Ended(end) = &mut end {
            end.device = Some(device);
        }
        journal.records.extend([started, end]);
    }
    journal.close(StopReason::Done);
    journal.view()
}

#[test]
fn devices_are_compared_by_unit() {
    let view = on_two_devices(Stopping::FixedRounds);
    let rates = view.devices.iter().map(|row| row.first_attempt.bad);
    assert_eq!(rates.collect::<Vec<_>>(), [15, 15]);
    assert_eq!(view.device_tests.len(), 2);
    assert!(view.device_tests.iter().all(|test| test.differs));
    let text = full(&view, 100);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("cuda:0 15/20, cuda:1 0/20"), "{text}");
    assert!(
        text.contains("2 tests share an error of 5% (Holm)"),
        "{text}"
    );
    assert!(on_two_devices(Stopping::FirstBad).device_tests.is_empty());
}

#[test]
fn the_load_of_each_machine_is_shown() {
    let done = Some(StopReason::Done);
    let mut shards = vec![shard(1, "node1", done), shard(2, "node2", done)];
    for (shard, load) in shards.iter_mut().zip(["0.4 on 2 cores", "4.3 on 2 cores"]) {
        shard.each = vec![ShardRun {
            machine: shard.machine.clone(),
            findings: vec![Finding {
                name: "load".into(),
                level: Level::Ok,
                found: load.into(),
                advice: None,
            }],
            ..ShardRun::default()
        }];
    }
    let mut journal = Journal::of(merged(vec![isolated("soak", 4)], 2, shards));
    for round in 1..=4 {
        let at = f64::from(round);
        journal
            .records
            .extend(attempt(0, round, at, Outcome::Passed));
    }
    journal.close(StopReason::Done);
    let text = full(&journal.view(), 120);
    for load in ["0.4 on 2 cores", "4.3 on 2 cores"] {
        assert!(text.contains(load), "{text}");
    }
}
