//! The report of a search for the smallest part of a sequence that still crashes.

use crashrate_model::{
    Certificate, DiedIn, Exit, MinimizeRule, Minimized, Outcome, Part, PartParams, Record,
    StopReason, Stopping, Without,
};
use crashrate_report::{ExitClass, RunState, View, exit_class, html, json, markdown};
use serde_json::{Value, json};

use crate::journal::{Journal, build, chapter, full, info, sequence, summary};

const CHAPTERS: [&str; 6] = ["load", "resize", "draw", "save", "close", "quit"];

fn part(chapters: &[u32]) -> Part {
    Part {
        chapters: chapters.to_vec(),
        params: None,
    }
}

/// A search that found that `resize` and `close` crash together, and with how many threads.
fn searched(why: StopReason) -> Journal {
    let mut info = info(vec![sequence("all", &CHAPTERS, 5_000)]);
    info.stopping = Stopping::Minimized(MinimizeRule {
        signature: None,
        error: 0.01,
        background: None,
        params: None,
    });
    let mut journal = Journal::of(info);
    let threads = Part {
        params: Some(PartParams {
            chapter: 1,
            values: [("threads".to_owned(), json!(2))].into_iter().collect(),
        }),
        ..part(&[1, 4])
    };
    let tried = [
        (part(&[0, 1, 2, 3, 4, 5]), 7, 5, 1),
        (part(&[0, 1, 4]), 2, 1, 0),
        (part(&[2, 3, 4]), 6, 0, 0),
        (part(&[1, 4]), 9, 4, 0),
        (part(&[4]), 19, 0, 0),
        (part(&[1]), 19, 0, 1),
        (threads.clone(), 3, 2, 0),
    ];
    let mut round = 0;
    for (part, rounds, deaths, others) in tried {
        for index in 0..rounds + others {
            round += 1;
            let outcome = match index < deaths || index >= rounds {
                true => Outcome::Crashed,
                false => Outcome::Passed,
            };
            let signal = if index >= rounds {
                "SIGABRT"
            } else {
                "SIGSEGV"
            };
            journal.attempt_with(0, round, 1, outcome, |ended| {
                ended.chapters = part.chapters.iter().map(|_| chapter(outcome)).collect();
                if outcome == Outcome::Crashed {
                    ended.exit = Some(Exit::Signal(signal.into()));
                    ended.died_in = Some(DiedIn::Chapter("close".into()));
                }
                ended.part = Some(part.clone());
            });
        }
    }
    let is_answered = why == StopReason::Decided;
    let without = |chapter| Without {
        chapter,
        rounds: 19,
        deaths: 0,
    };
    journal.records.push(Record::Minimized(Box::new(Minimized {
        at: 100.0,
        target: Some("SIGSEGV".into()),
        part: if is_answered { threads } else { part(&[1, 4]) },
        certificate: is_answered.then(|| Certificate {
            rounds: 9,
            deaths: 4,
            without: vec![without(1), without(4)],
            error: 0.0098,
        }),
        rate: Some(5.0 / 7.0),
        level: Some(0.5),
        suspects: vec![(4, 1.0), (1, 0.97), (0, 0.03)],
    })));
    journal.close(why);
    journal
}

fn search(view: &View) -> Value {
    serde_json::from_str::<Value>(&json(view)).unwrap()["search"].clone()
}

#[test]
fn the_answer_of_a_search() {
    let view = searched(StopReason::Decided).view();
    insta::assert_snapshot!("search_summary", summary(&view, 100));
    insta::assert_snapshot!("search_full", full(&view, 100));
    insta::assert_snapshot!("search_markdown", markdown(&view, None));
    insta::assert_snapshot!("search_json", json(&view));
    assert_eq!(exit_class(&view), ExitClass::Passed);
    let page = html(&view, None);
    assert_eq!(
        page.matches("class=\"whole\"").count(),
        7,
        "a bar for each part"
    );
}

#[test]
fn a_search_that_is_not_answered() {
    let stopped = searched(StopReason::Interrupted).view();
    insta::assert_snapshot!("search_interrupted", summary(&stopped, 100));
    assert_eq!(exit_class(&stopped), ExitClass::Incomplete);
    for why in [StopReason::Done, StopReason::TimeBudget] {
        let view = searched(why).view();
        assert_eq!(exit_class(&view), ExitClass::Undecided);
        assert_eq!(search(&view)["answered"], false);
        assert_eq!(search(&view)["certificate"], Value::Null);
    }
    // While it runs, and after its supervisor was killed.
    let mut records = searched(StopReason::Decided).records;
    records.truncate(records.len() - 2);
    for state in [RunState::Running, RunState::Ended] {
        let view = build(&records, state).unwrap();
        assert_eq!(exit_class(&view), ExitClass::Incomplete);
        assert_eq!(search(&view)["parts"].as_array().unwrap().len(), 7);
        assert_eq!(search(&view)["smallest"], Value::Null);
    }
}

#[test]
fn a_search_in_a_run_without_one_is_refused() {
    let mut journal = Journal::new(vec![sequence("all", &CHAPTERS, 1)]);
    journal.records.push(Record::Minimized(Box::default()));
    let error = build(&journal.records, RunState::Ended).unwrap_err();
    assert!(error.to_string().contains("the run has none"), "{error}");
}
