//! Runs `sequence-runner` with the cases of the catalogue as chapters, and as a worker.

use crashrate_model::{DiedIn, Exit, Outcome};
use crashrate_protocol::{Event, Task, TaskChapter, VERSION, WorkerInfo};
use crashrate_testkit::catalogue::{FIRST, LAST, Size, isolated_suite, sequence_suite};
use crashrate_testkit::{Case, InSequence, catalogue, programs};
use serde_json::{Value, json};

use crate::child::{Ran, Run};

#[test]
fn every_case_does_the_same_in_a_sequence() {
    for case in catalogue() {
        if let Some(sequence) = &case.sequence {
            let params = json!({ "act": sequence.act, "args": case.small[1..] });
            let chapters = [(FIRST, json!({})), (&case.name, params), (LAST, json!({}))];
            let hangs = sequence.whole == Outcome::TimedOut;
            let ran = perform(&chapters, 1, hangs);
            check(&case, sequence, &ran);
        }
    }
}

fn check(case: &Case, sequence: &InSequence, ran: &Ran) {
    let (name, said) = (&case.name, |id: &str| summary(ran, id));
    assert_eq!(said(FIRST), "started passed", "{name}: {ran:?}");
    let own = match sequence.outcome {
        Outcome::Passed => "started passed",
        Outcome::Failed if sequence.last == Outcome::Passed => "started failed",
        _ => "started",
    };
    assert_eq!(said(name), own, "{name}: {ran:?}");
    let last = match sequence.last {
        Outcome::Passed => "started passed",
        _ => "",
    };
    assert_eq!(said(LAST), last, "{name}: {ran:?}");
    let by_signal = matches!(ran.exit, Exit::Signal(_));
    match (&sequence.whole, &sequence.died_in) {
        (Outcome::Crashed, Some(_)) => assert!(by_signal && case.ends_with(&ran.exit), "{name}"),
        (Outcome::TimedOut, Some(DiedIn::Chapter(_) | DiedIn::Between)) => {}
        (Outcome::Passed, None) => assert_eq!(ran.exit, Exit::Code(0), "{name}"),
        (Outcome::Failed | Outcome::NotStarted, None) => assert!(!by_signal, "{name}"),
        odd => panic!("{name}: {odd:?}"),
    }
    assert_eq!(ran.left > 0, case.leaves_processes, "{name}: {ran:?}");
}

#[test]
fn measures_and_acts_limited_to_some_rounds() {
    let chapters = [
        (
            "measured",
            json!({ "act": "measure", "value": 2.5, "label": "x=1" }),
        ),
        ("second", json!({ "act": "segfault", "when_round": [2, 5] })),
        ("leaves", json!({ "act": "exit-0", "when_round": [3] })),
        ("last", json!({ "secs": 0.01 })),
    ];
    let ran = perform(&chapters, 1, false);
    assert_eq!(ran.exit, Exit::Code(0));
    assert_eq!(summary(&ran, "last"), "started passed");
    let measured = ran.events.iter().find_map(|event| match event {
        Event::Measure { value, label, .. } => Some((*value, label.as_str())),
        _ => None,
    });
    assert_eq!(measured, Some((2.5, "x=1")));
    let ran = perform(&chapters, 5, false);
    assert_eq!(ran.exit, Exit::Signal("SIGSEGV".into()));
    assert_eq!(summary(&ran, "second"), "started");
    let ran = perform(&chapters, 3, false);
    assert_eq!(ran.exit, Exit::Code(0));
    assert_eq!(summary(&ran, "leaves"), "started");
    assert_eq!(summary(&ran, "last"), "");
}

#[test]
fn an_unknown_act_fails_the_chapter() {
    let chapters = [
        ("unknown", json!({ "act": "juggle" })),
        ("speaks", json!({ "act": "fail-verdict" })),
        ("last", json!({})),
    ];
    let ran = perform(&chapters, 1, false);
    assert_eq!(ran.exit, Exit::Code(1));
    assert_eq!(summary(&ran, "unknown"), "started failed");
    assert_eq!(summary(&ran, "speaks"), "started failed");
    assert_eq!(summary(&ran, "last"), "started passed");
}

#[test]
fn list_describes_the_chapter_like_a_worker() {
    let output = std::process::Command::new(&programs().sequence_runner)
        .arg("list")
        .output()
        .unwrap();
    let info: WorkerInfo = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((info.v, info.chapters[0].name.as_str()), (VERSION, "act"));
    for param in ["act", "args", "when_round", "secs"] {
        assert!(info.chapters[0].params.contains_key(param), "{param}");
    }
}

#[test]
fn suites_of_the_catalogue_are_valid_toml() {
    let (cases, programs) = (catalogue(), programs());
    let in_sequence = cases.iter().filter(|case| case.sequence.is_some()).count();
    for (text, chapters, sequences) in [
        (isolated_suite(&cases, programs, Size::Full), cases.len(), 0),
        (
            sequence_suite(&cases, programs, Size::Small),
            in_sequence + 2,
            in_sequence,
        ),
    ] {
        let suite: toml::Table = text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"));
        let count = |key: &str| {
            suite
                .get(key)
                .map_or(0, |list| list.as_array().unwrap().len())
        };
        assert_eq!((count("chapter"), count("sequence")), (chapters, sequences));
    }
}

/// Runs these chapters as one task of `sequence-runner`.
fn perform(chapters: &[(&str, Value)], round: u32, hangs: bool) -> Ran {
    let chapters = chapters.iter().map(|(id, params)| TaskChapter {
        id: (*id).to_owned(),
        worker: Some("act".to_owned()),
        params: params.as_object().unwrap().clone(),
    });
    let task = Task {
        v: VERSION,
        chapters: chapters.collect(),
        device: "cpu".into(),
        seed: 7,
        fault: None,
    };
    let input = format!("{}\n", json!(task));
    Run {
        round,
        hangs,
        input: &input,
        ..Run::new(&programs().sequence_runner, &[])
    }
    .run()
}

/// Lists the start and the verdict of a chapter, in the order of its events.
fn summary(ran: &Ran, id: &str) -> String {
    let words = ran.events.iter().filter_map(|event| match event {
        Event::ChapterStarted { chapter } if chapter == id => Some("started"),
        Event::ChapterPassed { chapter } if chapter == id => Some("passed"),
        Event::ChapterFailed { chapter, .. } if chapter == id => Some("failed"),
        _ => None,
    });
    words.collect::<Vec<_>>().join(" ")
}
