//! Merging is associative, commutative and idempotent, also over torn journals and jobs that were
//! started again.

mod made;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crashrate_model::{CrashRef, Descendant, Ended, Outcome, Record, Started, StopReason};
use proptest::prelude::*;

use super::*;
use made::{Made, Resumed, journal, made};

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
    fn every_measured_round_has_one_result(all in prop::collection::vec(made(), 1..7)) {
        let folder = tempfile::tempdir().unwrap();
        let inputs: Vec<Input> = (all.iter().enumerate())
            .map(|(index, made)| made.write(folder.path(), &format!("r{index}")))
            .collect();
        let Some(whole) = merged(&inputs, folder.path().join("whole")) else {
            return Ok(());
        };
        let ends = first_attempts(&whole);
        prop_assert!(ends.is_sorted_by_key(|(_, round)| *round), "blocks are in order");
        let results: BTreeSet<(u32, u32)> = ends.iter().copied().collect();
        prop_assert_eq!(results.len(), ends.len(), "a round has two results: {:?}", ends);
        let measured: BTreeSet<(u32, u32)> = inputs.iter().flat_map(first_attempts).collect();
        prop_assert_eq!(results, measured);
    }
}

/// The units and rounds of the first attempts in a journal that have a result.
fn first_attempts(input: &Input) -> Vec<(u32, u32)> {
    let records = crate::journal::read(&input.journal).unwrap();
    let measured = records.filter_map(|record| match record.unwrap() {
        Record::Ended(end) if end.attempt == 1 && end.outcome.is_measured() => {
            Some((end.unit, end.round))
        }
        _ => None,
    });
    measured.collect()
}

#[test]
fn a_newer_copy_may_end_what_an_older_one_had_begun() {
    let ends = [Some(Outcome::Passed), Some(Outcome::NotStarted)];
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let whole = Made::new(2, 0, &ends).write(folder, "r0");
    let other = Made::new(2, 1, &ends).write(folder, "r1");
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
    let passed = Some(Outcome::Passed);
    let killed = Made::new(1, 0, &[passed, None]).write(folder.path(), "killed");
    let again = Made::new(1, 1, &[Some(Outcome::Crashed), passed, passed]);
    let again = again.write(folder.path(), "again");
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
        resumed: [(2, Resumed::Elsewhere)].into(),
        is_closed: true,
        ..Made::new(1, 0, &[passed, None, passed])
    };
    let input = made.write(folder.path(), "r");
    let merge = Merge::read(&[input], OpenAttempts::Lost).unwrap();
    let shard = &merge.info().merged.as_ref().unwrap().shards[0];
    let parts = shard.each.iter();
    let parts = parts.map(|run| (&*run.machine["host"], run.why, run.resumed.is_some()));
    let expected = [
        ("host-r", None, false),
        ("host-r-other", Some(StopReason::Done), true),
    ];
    assert_eq!(parts.collect::<Vec<_>>(), expected);
    let expected = [
        (Outcome::Passed, None),
        (Outcome::Lost, None),
        (Outcome::Passed, Some(1)),
    ];
    assert_eq!(ends(&merge), expected);
}

#[test]
fn times_count_from_the_opening_that_they_were_recorded_after() {
    let folder = tempfile::tempdir().unwrap();
    let passed = Some(Outcome::Passed);
    let made = Made {
        resumed: [(1, Resumed::Here), (2, Resumed::Elsewhere)].into(),
        ..Made::new(1, 0, &[passed, passed, passed])
    };
    let input = made.write(folder.path(), "r");
    // Also in a merged run that is merged again.
    let whole = merged(std::slice::from_ref(&input), folder.path().join("whole"));
    for input in [input, whole.unwrap()] {
        let merge = Merge::read(&[input], OpenAttempts::Lost).unwrap();
        let mut opened = Vec::new();
        merge
            .each_record(&mut |record| {
                if let Record::Started(start) = record {
                    opened.push(start.opened.clone());
                }
            })
            .unwrap();
        let [here, elsewhere] =
            ["2026-01-01T00:02:00Z", "2026-01-01T00:03:00Z"].map(|time| Some(time.to_owned()));
        assert_eq!(opened, [None, here, elsewhere]);
    }
}

#[test]
fn a_device_that_failed_before_the_run_was_resumed_may_work_again() {
    let folder = tempfile::tempdir().unwrap();
    let passed = Some(Outcome::Passed);
    let mut made = Made::new(1, 0, &[passed, passed]);
    made.ends[0].breaks_device = true;
    for (resumed, by, failures) in [
        (1, Resumed::Here, 0),
        (0, Resumed::Here, 1),
        // The first machine still has the broken device.
        (1, Resumed::Elsewhere, 1),
    ] {
        made.resumed = [(resumed, by)].into();
        let input = made.write(folder.path(), "r");
        let merge = Merge::read(&[input], OpenAttempts::Lost).unwrap();
        let mut failed = 0;
        merge
            .each_record(&mut |record| {
                failed += u32::from(matches!(record, Record::DeviceFailed(_)));
            })
            .unwrap();
        assert_eq!(failed, failures, "resumed after {resumed} {by:?}");
    }
}

#[test]
fn a_merged_run_that_was_cut_off_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let input = Made::new(1, 0, &[Some(Outcome::Passed)]).write(folder.path(), "r");
    let whole = merged(std::slice::from_ref(&input), folder.path().join("whole")).unwrap();
    let text = fs::read(&whole.journal).unwrap();
    let torn = journal(folder.path(), "torn", &text[..text.len() - 1]);
    let error = Merge::read(&[torn.clone(), input], OpenAttempts::Lost).unwrap_err();
    assert!(
        matches!(&error, MergeError::Torn(path) if *path == torn.journal),
        "{error}"
    );
}

#[test]
fn a_merged_run_with_all_the_files_that_it_may_have_can_be_merged_again() {
    const CRASHES: u32 = 2000;
    let folder = tempfile::tempdir().unwrap();
    let crash = |number: u32| Descendant {
        program: "p".into(),
        signal: "SIGSEGV".into(),
        crash: CrashRef {
            signature: "v1 | SIGSEGV | f".into(),
            file: Some(format!("crashes/{number}.json")),
        },
        times: 1,
    };
    let mut records = Made::new(1, 0, &[]).records("r");
    records.push(Record::Started(Started {
        unit: 0,
        round: 1,
        attempt: 1,
        at: 0.0,
        opened: None,
    }));
    records.push(Record::Ended(Box::new(Ended {
        descendants: (0..CRASHES).map(crash).collect(),
        ..Ended::of(0, 1, 1, Outcome::Crashed)
    })));
    records.push(made::evidence(0, 1));
    let input = journal(folder.path(), "r", &made::text(&records));
    let whole = merged(std::slice::from_ref(&input), folder.path().join("whole"));
    let inputs = [whole.clone().unwrap(), input];
    let again = merged(&inputs, folder.path().join("again"));
    assert!(bytes(&again) == bytes(&whole));
}

/// A run folder whose crashrate is running.
fn live(folder: &Path, name: &str, made: &Made) -> (Input, fs::File) {
    let path = folder.join(name);
    fs::create_dir(&path).unwrap();
    let written = made.write(folder, name);
    fs::rename(written.journal, path.join(crate::journal::JOURNAL)).unwrap();
    let lock = fs::File::create(path.join(crate::journal::LOCK)).unwrap();
    lock.lock().unwrap();
    (Input::of_run(path), lock)
}

#[test]
fn an_attempt_of_a_machine_that_died_does_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let dead = Made::new(1, 0, &[None]).write(folder.path(), "dead");
    let (input, lock) = live(folder.path(), "live", &Made::new(2, 0, &[None]));
    let merge = Merge::read(&[dead, input], OpenAttempts::Running).unwrap();
    assert_eq!(ends(&merge), [(Outcome::Lost, None)]);
    let shards = &merge.info().merged.as_ref().unwrap().shards;
    let running: BTreeMap<u32, bool> = (shards.iter())
        .map(|shard| (shard.index, shard.is_running))
        .collect();
    assert_eq!(running, [(1, false), (2, true)].into());
    drop(lock);
}
