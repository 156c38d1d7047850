//! How attempts are counted.

use crashrate_model::{DiedIn, Exit, JOURNAL_VERSION, Outcome, OutcomeSet, Record, StopReason};
use crashrate_report::{ReportError, RunState, Share, json, markdown};

use crate::journal::{
    Journal, all_passed, build, chapter, died_at, ended, full, info, isolated, measure, sequence,
};

fn share(bad: u32, n: u32) -> Share {
    Share { bad, n }
}

#[test]
fn a_lost_round_that_was_run_again_counts_once_and_stays_visible() {
    let sequence = sequence("both", &["a", "b"], 2);
    let mut journal = Journal::new(vec![isolated("a", 2), sequence.clone()]);
    journal.attempt(0, 1, 1, Outcome::Passed);
    journal.start(1, 1, 1);
    // The supervisor is killed here, and another one resumes the run.
    journal.open();
    journal.attempt_with(1, 1, 1, Outcome::Crashed, died_at(&sequence, 0));
    journal.attempt_with(0, 2, 1, Outcome::Interrupted, |_| {});
    journal.close(StopReason::Interrupted);
    journal.open();
    journal.attempt(0, 2, 1, Outcome::Passed);
    journal.attempt_with(1, 2, 1, Outcome::Passed, all_passed(&sequence));
    journal.close(StopReason::Done);
    let view = journal.view();

    assert!(view.run.complete);
    assert_eq!(view.run.resumed, 2);
    let a = &view.chapters[0].results;
    assert_eq!((a.rounds, a.first_attempt), (2, share(0, 2)));
    assert_eq!(a.run_again.get(Outcome::Interrupted), 1);
    let both = &view.sequences[0];
    assert_eq!(both.results.first_attempt, share(1, 2));
    assert_eq!(both.results.outcomes.get(Outcome::Lost), 1);
    assert_eq!(both.results.outcomes.sum(), both.results.rounds + 1);
    assert_eq!(both.died_in.chapters, [("a".to_owned(), 1)]);
    for chapter in &view.chapters[1..] {
        assert_eq!(chapter.results.outcomes.get(Outcome::Lost), 1);
    }
    insta::assert_snapshot!("resumed_terminal", full(&view, 100));
}

#[test]
fn retries_never_touch_the_first_attempts() {
    let sequence = sequence("abc", &["a", "b", "c"], 1);
    let mut info = info(vec![isolated("x", 3), sequence.clone()]);
    info.retries = 2;
    let mut journal = Journal::of(info);
    journal.attempt(0, 1, 1, Outcome::Crashed);
    journal.attempt(0, 1, 2, Outcome::Failed);
    journal.attempt(0, 1, 3, Outcome::Passed);
    journal.attempt(0, 2, 1, Outcome::Failed);
    journal.attempt(0, 2, 2, Outcome::Crashed);
    journal.start(0, 2, 3);
    // A missing device says nothing about the chapter, so this round is not flaky.
    journal.attempt(0, 3, 1, Outcome::NotStarted);
    journal.attempt(0, 3, 2, Outcome::Passed);
    journal.attempt_with(1, 1, 1, Outcome::Crashed, died_at(&sequence, 1));
    journal.attempt_with(1, 1, 2, Outcome::Passed, all_passed(&sequence));
    let view = journal.view();

    let x = &view.chapters[0].results;
    assert_eq!(x.first_attempt, share(1, 2));
    assert_eq!(x.after_retries, share(1, 3));
    assert_eq!(x.passed_after_retries, 2);
    assert_eq!(x.flaky_rounds, [1]);
    assert_eq!(x.signals.get("SIGSEGV"), Some(&1));
    assert_eq!((x.attempts, x.lost_retries, x.unsettled), (8, 1, 1));
    assert!(!view.run.complete);
    let rows: Vec<_> = view.chapters[1..]
        .iter()
        .map(|row| {
            let results = &row.results;
            let flaky = results.flaky_rounds.len();
            (results.first_attempt, results.after_retries, flaky)
        })
        .collect();
    let expected = [
        (share(0, 1), share(0, 1), 0),
        (share(1, 1), share(0, 1), 1),
        (share(0, 0), share(0, 1), 0),
    ];
    assert_eq!(rows, expected);
    assert_eq!(view.sequences[0].results.flaky_rounds, [1]);
    let text = full(&view, 80);
    assert!(text.contains("x (isolated): 1 round did not pass and had retries left"));
    assert!(text.contains("x (isolated): result lost of 1 retry."));
}

#[test]
fn deaths_outside_chapters_count_only_for_the_sequence() {
    let sequence = sequence("ab", &["a", "b"], 3);
    let mut journal = Journal::new(vec![sequence]);
    let outside = [(1, DiedIn::Between), (2, DiedIn::Exit), (3, DiedIn::Exit)];
    for (round, place) in outside {
        journal.attempt_with(0, round, 1, Outcome::Crashed, |end| {
            let second = match place {
                DiedIn::Exit => Outcome::Passed,
                _ => Outcome::Unreached,
            };
            end.chapters = vec![chapter(Outcome::Passed), chapter(second)];
            end.died_in = Some(place);
        });
    }
    let view = journal.view();
    let row = &view.sequences[0];
    assert_eq!((row.died_in.between, row.died_in.exit), (1, 2));
    assert_eq!(row.results.first_attempt, share(3, 3));
    assert_eq!(view.chapters[0].results.first_attempt, share(0, 3));
    assert_eq!(view.chapters[1].results.first_attempt, share(0, 2));
    let text = markdown(&view, None);
    assert!(text.contains("(between chapters) | 1/3 "), "{text}");
    assert!(text.contains("(at exit) | 2/2 "), "{text}");
    assert!(text.contains("ab: 3 crashed: SIGSEGV"), "{text}");
}

#[test]
fn signals_sent_by_the_supervisor_are_not_counted() {
    let mut journal = Journal::new(vec![isolated("x", 4)]);
    let outcomes = [
        Outcome::TimedOut,
        Outcome::OutOfMemory,
        Outcome::Crashed,
        Outcome::Interrupted,
    ];
    for (round, outcome) in (1..).zip(outcomes) {
        journal.attempt(0, round, 1, outcome);
    }
    let signals = &journal.view().chapters[0].results.signals;
    let signals: Vec<_> = signals.iter().map(|(k, n)| (k.as_str(), *n)).collect();
    assert_eq!(signals, [("SIGKILL", 1), ("SIGSEGV", 1)]);
}

#[test]
fn the_suite_defines_which_outcomes_are_bad() {
    let mut info = info(vec![isolated("x", 2)]);
    info.bad = OutcomeSet::new([Outcome::Failed]);
    let mut journal = Journal::of(info);
    journal.attempt(0, 1, 1, Outcome::Failed);
    journal.attempt(0, 2, 1, Outcome::Crashed);
    let view = journal.view();
    assert_eq!(view.chapters[0].results.first_attempt, share(1, 2));
    assert_eq!(view.chapters[0].results.failed(), 1);
}

#[test]
fn a_second_end_or_start_of_an_attempt_is_an_error() {
    let fault = |journal: &Journal| build(&journal.records, RunState::Ended).unwrap_err();
    let one = || {
        let mut journal = Journal::new(vec![isolated("x", 1)]);
        journal.attempt(0, 1, 1, Outcome::Crashed);
        journal
    };
    let twice = "record 4: round 1, attempt 1 of `x` started a second time";
    assert_eq!(fault(one().start(0, 1, 1)).to_string(), twice);
    let end = ended(0, 1, 1, Outcome::Crashed, 1.0);
    let says = "record 4: round 1, attempt 1 of `x` ended, but it was not running: it has two ends, or no start";
    assert_eq!(fault(one().end(end)).to_string(), says);
    // A retry that starts again while it is running, and one that starts again after its end.
    fault(one().start(0, 1, 2).start(0, 1, 2));
    let mut retried = one();
    retried.attempt(0, 1, 2, Outcome::Failed);
    fault(retried.start(0, 1, 2));
    // A lost attempt may start again.
    let mut lost = Journal::new(vec![isolated("x", 1)]);
    lost.attempt(0, 1, 1, Outcome::Lost);
    lost.attempt(0, 1, 1, Outcome::Crashed);
    let view = lost.view();
    assert_eq!(view.chapters[0].results.first_attempt, share(1, 1));
}

/// A round can have more attempts than fit in a byte.
#[test]
fn hundreds_of_retries_are_counted() {
    let mut info = info(vec![isolated("x", 1)]);
    info.retries = 299;
    let mut journal = Journal::of(info);
    for attempt in 1..=299 {
        journal.attempt(0, 1, attempt, Outcome::Failed);
    }
    let unsettled = |journal: &Journal| journal.view().chapters[0].results.unsettled;
    assert_eq!(unsettled(&journal), 1);
    assert_eq!(unsettled(journal.attempt(0, 1, 300, Outcome::Failed)), 0);
}

#[test]
fn running_attempts_are_neither_lost_nor_counted_while_the_run_is_live() {
    let mut journal = Journal::new(vec![isolated("x", 2)]);
    journal.attempt(0, 1, 1, Outcome::Passed).start(0, 2, 1);
    let live = journal.live();
    assert_eq!(live.chapters[0].results.rounds, 1);
    assert_eq!((live.running.len(), live.running[0].round), (1, 2));
    assert_eq!(
        (live.run.finished.is_none(), live.run.state.is_running()),
        (true, true)
    );
    let dead = journal.view();
    assert_eq!(dead.chapters[0].results.outcomes.get(Outcome::Lost), 1);
    assert!(dead.running.is_empty() && !dead.run.complete);
    // Nothing is running in a closed journal, even if the caller passes `RunState::Running`.
    let closed = journal.close(StopReason::Interrupted).live();
    assert!(closed.running.is_empty() && !closed.run.state.is_running());
}

#[test]
fn measures_come_only_from_attempts_that_count() {
    let mut journal = Journal::new(vec![isolated("x", 4)]);
    let rounds = [
        (Outcome::Passed, 1.0),
        (Outcome::Crashed, 3.0),
        (Outcome::Interrupted, 99.0),
        (Outcome::Passed, f64::NAN),
    ];
    for (round, (outcome, value)) in (1..).zip(rounds) {
        journal.attempt_with(0, round, 1, outcome, |end| {
            end.measures = vec![measure("m", "", "s", value)];
        });
    }
    let view = journal.view();
    let [stat] = &view.chapters[0].results.measures[..] else {
        panic!("expected one measure");
    };
    let spread = stat.spread;
    assert_eq!(
        (spread.n, spread.min, spread.median, spread.max),
        (2, 1.0, 2.0, 3.0)
    );
    assert!(full(&view, 80).contains("1 values of further measures left out"));
}

#[test]
fn output_of_children_does_not_grow_the_view() {
    let rounds = 2_000;
    let mut journal = Journal::new(vec![isolated("x", rounds)]);
    for round in 1..=rounds {
        journal.attempt_with(0, round, 1, Outcome::Failed, |end| {
            end.reason = Some(format!("request {round} failed"));
            end.notes = vec![format!("pid {round}")];
            end.measures = vec![measure("m", &format!("i={round}"), "", 1.0)];
        });
    }
    let view = journal.view();
    let x = &view.chapters[0].results;
    let kept: u32 = x.reasons.iter().map(|reason| reason.count).sum();
    assert!(x.reasons.len() < 100 && x.notes.len() < 100 && x.measures.len() < 1000);
    assert_eq!(kept + x.reasons_left_out, rounds);
    assert_eq!(x.measures.len() as u32 + x.measures_left_out, rounds);
    assert!(json(&view).len() < 200_000);
}

#[test]
fn several_devices_and_changes_are_listed() {
    let mut journal = Journal::new(vec![isolated("x", 1)]);
    journal.hello("cpu").hello("cuda:0").hello("cpu");
    let mut changed = info(vec![isolated("x", 1)]);
    changed.jobs = 4;
    let mut again = Journal::of(changed);
    journal.records.append(&mut again.records);
    let view = journal.view();
    assert_eq!(view.run.device, "cpu, cuda:0");
    assert_eq!(view.run.changes, ["jobs 1 became 4"]);
}

#[test]
fn inconsistent_records_are_named() {
    let sequence = sequence("ab", &["a", "b"], 2);
    let mut said = Vec::new();
    let mut fault = |before: &[Record], record: Record| {
        let mut records = Journal::new(vec![isolated("x", 2), sequence.clone()]).records;
        records.extend_from_slice(before);
        records.push(record);
        let error = build(&records, RunState::Ended).unwrap_err();
        assert_eq!(error.record, records.len() as u64);
        said.push(error.to_string());
    };
    let end = |unit, round, attempt| ended(unit, round, attempt, Outcome::Passed, 1.0);
    let ended = |end| Record::Ended(Box::new(end));
    fault(&[], ended(end(2, 1, 1)));
    fault(&[], ended(end(0, 3, 1)));
    fault(&[], ended(end(0, 0, 1)));
    fault(&[], ended(end(0, 1, 0)));
    fault(&[], ended(end(0, 1, 1)));
    let start = Journal::new(vec![]).start(1, 1, 1).records.remove(1);
    fault(std::slice::from_ref(&start), start.clone());
    let mut death = |died_in, chapters| {
        let mut end = end(1, 1, 1);
        end.outcome = Outcome::Crashed;
        end.died_in = died_in;
        end.chapters = vec![chapter(Outcome::Passed); chapters];
        fault(std::slice::from_ref(&start), ended(end));
    };
    death(Some(DiedIn::Chapter("c".into())), 2);
    death(None, 2);
    death(Some(DiedIn::Exit), 1);
    death(Some(DiedIn::Exit), 3);
    fault(&[], Journal::new(vec![isolated("y", 2)]).records.remove(0));
    let Record::Opened(mut newer) = Journal::new(vec![]).records.remove(0) else {
        panic!("the first record must be `opened`");
    };
    newer.v = JOURNAL_VERSION + 1;
    fault(&[], Record::Opened(newer));
    insta::assert_snapshot!("faults", said.join("\n"));

    let headless = [ended(end(0, 1, 1))];
    let error = build(&headless, RunState::Ended).unwrap_err();
    assert_eq!((error.record, error.fault), (1, ReportError::NotOpened));
}

#[test]
fn exit_code_139_is_not_a_signal() {
    let mut journal = Journal::new(vec![isolated("x", 1)]);
    journal.attempt_with(0, 1, 1, Outcome::Failed, |end| {
        end.exit = Some(Exit::Code(139));
    });
    let view = journal.view();
    assert!(view.chapters[0].results.signals.is_empty());
    assert_eq!(view.chapters[0].results.reasons[0].text, "exit code 139");
}
