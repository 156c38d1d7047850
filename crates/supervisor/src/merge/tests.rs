//! Merging is associative, commutative and idempotent, also over torn journals and jobs that were
//! started again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crashrate_model::{
    Closed, Ended, Exit, JOURNAL_VERSION, Lines, Mode, Opened, Outcome, Record, RunInfo, Shard,
    Spawn, Started, StopReason, Unit, Usage,
};
use proptest::prelude::*;

use super::*;

const ROUNDS: u32 = 6;
const COUNT: u32 = 3;

fn unit(name: &str, rounds: u32) -> Unit {
    Unit {
        name: name.into(),
        mode: Mode::Isolated,
        variant: "default".into(),
        perturb: Default::default(),
        spawn: Spawn::Exec,
        chapters: vec![name.into()],
        rounds,
    }
}

fn info(shard: u32, id: &str) -> RunInfo {
    RunInfo {
        id: id.into(),
        number: shard,
        suite: "s".into(),
        seed: 7,
        jobs: 1,
        plan: Some("0123456789abcdef".into()),
        shard: Some(Shard {
            index: shard,
            count: COUNT,
        }),
        machine: [("host".to_owned(), format!("host-{id}"))].into(),
        units: vec![unit("a", ROUNDS), unit("b", ROUNDS - 1)],
        ..RunInfo::default()
    }
}

/// A run of a shard: when it started, and how its attempts end, one after the other.
#[derive(Clone, Debug)]
struct Made {
    shard: u32,
    start: u32,
    ends: Vec<Option<Outcome>>,
    /// After how many attempts another machine resumed it.
    resumed: Option<usize>,
    is_closed: bool,
    /// Bytes that are cut off.
    torn: usize,
}

fn outcome() -> impl Strategy<Value = Option<Outcome>> {
    prop_oneof![
        4 => Just(Some(Outcome::Passed)),
        2 => Just(Some(Outcome::Crashed)),
        1 => Just(Some(Outcome::Lost)),
        1 => Just(Some(Outcome::Interrupted)),
        1 => Just(Some(Outcome::NotStarted)),
        1 => Just(None),
    ]
}

prop_compose! {
    fn made()(
        shard in 1..=COUNT,
        start in 0u32..4,
        ends in prop::collection::vec(outcome(), 0..5),
        resumed in prop::option::of(0usize..4),
        is_closed: bool,
        torn in prop_oneof![Just(0usize), 1usize..400],
    ) -> Made {
        Made { shard, start, ends, resumed, is_closed, torn }
    }
}

impl Made {
    fn records(&self, id: &str) -> Vec<Record> {
        let time = format!("2026-01-01T00:00:0{}Z", self.start);
        let mut records = vec![Record::Opened(Box::new(Opened {
            v: JOURNAL_VERSION,
            time: time.clone(),
            run: info(self.shard, id),
        }))];
        let shard = Shard {
            index: self.shard,
            count: COUNT,
        };
        let keys = crate::plan::Rounds::new(vec![ROUNDS, ROUNDS - 1], 7).of_shard(shard);
        for (place, (key, end)) in keys.zip(&self.ends).enumerate() {
            if self.resumed == Some(place) {
                self.resume(id, &mut records);
            }
            let (unit, round, at) = (key.unit, key.round, 0.1 * f64::from(key.round));
            let attempt = 1;
            records.push(Record::Started(Started {
                unit,
                round,
                attempt,
                at,
                opened: None,
            }));
            if let Some(outcome) = end {
                let crashed = *outcome == Outcome::Crashed;
                records.push(Record::Ended(Box::new(Ended {
                    at,
                    secs: Some(1.0 / 3.0),
                    exit: crashed.then(|| Exit::Signal("SIGSEGV".into())),
                    output: crashed.then(|| format!("output/{unit}-{round}.txt")),
                    usage: outcome.counts().then(Usage::default),
                    ..Ended::of(unit, round, attempt, *outcome)
                })));
            }
        }
        if self.is_closed {
            records.push(Record::Closed(Closed {
                time,
                at: 1.0,
                why: StopReason::Done,
                reason: None,
            }));
        }
        records
    }

    /// Another machine opens the journal again. The attempt that ran is lost.
    fn resume(&self, id: &str, records: &mut Vec<Record>) {
        let machine = [("host".to_owned(), "another".to_owned())];
        let open = records.last().cloned();
        records.push(Record::Opened(Box::new(Opened {
            v: JOURNAL_VERSION,
            time: format!("2026-01-01T00:01:0{}Z", self.start),
            run: RunInfo {
                machine: machine.into(),
                ..info(self.shard, id)
            },
        })));
        if let Some(Record::Started(open)) = open {
            let lost = Ended::of(open.unit, open.round, open.attempt, Outcome::Lost);
            records.push(Record::Ended(Box::new(lost)));
        }
    }

    /// Writes the journal and returns it.
    fn write(&self, folder: &Path, id: &str) -> Input {
        let (mut text, mut lines) = (Vec::new(), Lines::default());
        for record in self.records(id) {
            lines.write(&record, &mut text).unwrap();
        }
        text.truncate(text.len().saturating_sub(self.torn));
        journal(folder, id, &text)
    }
}

fn journal(folder: &Path, name: &str, text: &[u8]) -> Input {
    let journal = folder.join(format!("{name}.jsonl"));
    fs::write(&journal, text).unwrap();
    Input {
        journal,
        folder: None,
    }
}

fn merged(inputs: &[Input], to: PathBuf) -> Option<Input> {
    match Merge::read(inputs, OpenAttempts::Lost) {
        Err(MergeError::Nothing) => None,
        merge => {
            merge.unwrap().write_journal(&to).unwrap();
            Some(Input {
                journal: to,
                folder: None,
            })
        }
    }
}

fn bytes(input: &Option<Input>) -> String {
    let text = input
        .as_ref()
        .map(|input| fs::read(&input.journal).unwrap());
    String::from_utf8(text.unwrap_or_default()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn order_groups_and_duplicates_do_not_matter(
        all in prop::collection::vec(made(), 1..7),
        shuffled in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
        split in any::<prop::sample::Index>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let inputs: Vec<Input> = (all.iter().enumerate())
            .map(|(index, made)| made.write(folder, &format!("r{index}")))
            .collect();
        let whole = merged(&inputs, folder.join("whole"));
        // In another order, some of them twice.
        let mut again: Vec<Input> = inputs.iter().rev().cloned().collect();
        again.extend(shuffled.iter().map(|index| index.get(&inputs).clone()));
        prop_assert_eq!(bytes(&merged(&again, folder.join("again"))), bytes(&whole));
        // In two overlapping groups.
        let (one, two) = again.split_at(split.index(again.len()));
        let mut groups: Vec<Input> = [(one, "one"), (two, "two")]
            .into_iter()
            .filter_map(|(group, name)| merged(group, folder.join(name)))
            .collect();
        groups.extend(inputs.first().cloned());
        prop_assert_eq!(bytes(&merged(&groups, folder.join("groups"))), bytes(&whole));
        if let Some(whole) = &whole {
            let once_more = merged(std::slice::from_ref(whole), folder.join("once-more"));
            prop_assert_eq!(bytes(&once_more), bytes(&Some(whole.clone())));
        }
    }

    #[test]
    fn an_older_copy_of_a_journal_changes_nothing(
        made in made(),
        other in made(),
        torn in 1usize..2000,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let whole = made.write(folder, "r0");
        let other = other.write(folder, "r1");
        let text = fs::read(&whole.journal).unwrap();
        let older = journal(folder, "older", &text[..text.len().saturating_sub(torn)]);
        let expected = merged(&[whole.clone(), other.clone()], folder.join("expected"));
        let group = merged(&[older.clone(), other], folder.join("group"));
        let inputs: Vec<Input> = [Some(older), group, Some(whole)].into_iter().flatten().collect();
        prop_assert_eq!(bytes(&merged(&inputs, folder.join("all"))), bytes(&expected));
    }

    #[test]
    fn every_round_has_one_result_at_most(all in prop::collection::vec(made(), 1..7)) {
        let folder = tempfile::tempdir().unwrap();
        let inputs: Vec<Input> = (all.iter().enumerate())
            .map(|(index, made)| made.write(folder.path(), &format!("r{index}")))
            .collect();
        let Some(whole) = merged(&inputs, folder.path().join("whole")) else {
            return Ok(());
        };
        let mut results: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        let mut last = (0, 0);
        for record in crate::journal::read(&whole.journal).unwrap() {
            let Record::Ended(ended) = record.unwrap() else {
                continue;
            };
            prop_assert!(ended.round >= last.0, "blocks are in order");
            last = (ended.round, ended.unit);
            *results.entry((ended.unit, ended.round)).or_default() +=
                u32::from(ended.outcome.is_measured());
        }
        prop_assert!(results.values().all(|n| *n <= 1), "{:?}", results);
    }
}

#[test]
fn a_newer_copy_may_end_what_an_older_one_had_begun() {
    let made = |start, ends: &[Option<Outcome>]| Made {
        shard: 2,
        start,
        ends: ends.to_vec(),
        resumed: None,
        is_closed: false,
        torn: 0,
    };
    let ends = [Some(Outcome::Passed), Some(Outcome::NotStarted)];
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let whole = made(0, &ends).write(folder, "r0");
    let other = made(1, &ends).write(folder, "r1");
    let text = fs::read(&whole.journal).unwrap();
    // Without the end of its last attempt.
    let older = journal(folder, "older", &text[..text.len() - 1]);
    let expected = merged(&[whole.clone(), other.clone()], folder.join("expected"));
    let group = merged(&[older, other], folder.join("group")).unwrap();
    let all = merged(&[group, whole], folder.join("all"));
    assert_eq!(bytes(&all), bytes(&expected));
}

#[test]
fn what_an_earlier_job_lost_stays_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let made = |start, ends: &[Option<Outcome>]| Made {
        shard: 1,
        start,
        ends: ends.to_vec(),
        resumed: None,
        is_closed: false,
        torn: 0,
    };
    let passed = Some(Outcome::Passed);
    let killed = made(0, &[passed, None]).write(folder.path(), "killed");
    let again = made(1, &[Some(Outcome::Crashed), passed, passed]).write(folder.path(), "again");
    let merge = Merge::read(&[again, killed], OpenAttempts::Lost).unwrap();
    let expected = [
        (Outcome::Passed, None),
        (Outcome::Lost, None),
        (Outcome::Passed, Some(1)),
        (Outcome::Passed, Some(1)),
    ];
    assert_eq!(ends(&merge), expected);
    assert_eq!(merge.missing().len(), 2);
    let shard = &merge.info().merged.as_ref().unwrap().shards[0];
    assert_eq!(shard.runs, ["killed", "again"]);
}

/// How the attempts of a merged run ended, and in which run of their shard.
fn ends(merge: &Merge) -> Vec<(Outcome, Option<u32>)> {
    let mut ends = Vec::new();
    merge
        .each_record(&mut |record| {
            if let Record::Ended(ended) = record {
                ends.push((ended.outcome, ended.run));
            }
        })
        .unwrap();
    ends
}

#[test]
fn a_journal_that_another_machine_resumed_has_a_part_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let passed = Some(Outcome::Passed);
    let made = Made {
        shard: 1,
        start: 0,
        ends: vec![passed, None, passed],
        resumed: Some(2),
        is_closed: true,
        torn: 0,
    };
    let input = made.write(folder.path(), "r");
    let merge = Merge::read(&[input], OpenAttempts::Lost).unwrap();
    let shard = &merge.info().merged.as_ref().unwrap().shards[0];
    let parts = shard.each.iter();
    let parts = parts.map(|run| (&*run.machine["host"], run.why, run.resumed.is_some()));
    let expected = [
        ("host-r", None, false),
        ("another", Some(StopReason::Done), true),
    ];
    assert_eq!(parts.collect::<Vec<_>>(), expected);
    let expected = [
        (Outcome::Passed, None),
        (Outcome::Lost, None),
        (Outcome::Passed, Some(1)),
    ];
    assert_eq!(ends(&merge), expected);
}
