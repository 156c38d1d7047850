//! A run compared with the baseline that its suite repeats, and an imported run alone.

use crashrate_model::{
    Axis, Baseline, Claim, Hello, Imported, Outcome, OutcomeSet, Record, RunInfo, StopReason,
    Stopping,
};
use crashrate_report::{RunState, View, json, markdown};

use crate::journal::{Journal, all_passed, build, died_at, full, info, isolated, story};

/// The story as an imported report: for isolated rounds, only the counts are known.
fn recorded() -> Baseline {
    let (mut run, mut rounds) = (RunInfo::default(), Vec::new());
    for record in story().records {
        match record {
            Record::Opened(opened) => run = opened.run,
            Record::Ended(ended) => rounds.push(*ended),
            _ => {}
        }
    }
    for ended in &mut rounds {
        (ended.secs, ended.output) = (None, None);
        ended.chapters.iter_mut().for_each(|end| end.secs = None);
    }
    run.number = 1972;
    run.imported = Some(Imported {
        file: "recorded/n1972.toml".into(),
        order_unknown: vec![0, 1, 2, 3],
        claims: vec![Claim {
            text: "use isolated tests".into(),
            chapter: "batching-advantage".into(),
            before: None,
        }],
    });
    Baseline {
        date: "2025-12-22".into(),
        hello: Hello {
            device: "mps".into(),
            versions: Default::default(),
        },
        run,
        rounds,
    }
}

/// Repeats the story. The sequence crashes in every round except round 4; isolated chapters pass.
fn again(change: impl FnOnce(&mut RunInfo), blocks: u32, why: StopReason) -> View {
    let recorded = recorded();
    let mut run = RunInfo {
        baseline: Some(Box::new(recorded.clone())),
        ..info(recorded.run.units)
    };
    for unit in &mut run.units {
        unit.rounds = blocks;
    }
    // The baseline does not have this chapter.
    run.units.push(isolated("other", blocks));
    change(&mut run);
    let sequence = run.units[4].clone();
    let mut journal = Journal::of(run);
    for round in 1..=blocks {
        for unit in [0, 1, 2, 3, 5] {
            journal.attempt(unit, round, 1, Outcome::Passed);
        }
        match round {
            4 => journal.attempt_with(4, round, 1, Outcome::Passed, all_passed(&sequence)),
            _ => journal.attempt_with(4, round, 1, Outcome::Crashed, died_at(&sequence, 2)),
        };
    }
    journal.close(why).view()
}

fn section(markdown: &str) -> String {
    let from = markdown.find("## Compared with the baseline").unwrap();
    let rest = &markdown[from..];
    rest[..rest[3..].find("\n## ").map_or(rest.len(), |end| end + 3)].to_owned()
}

#[test]
fn a_run_compared_with_its_baseline() {
    let view = again(|_| {}, 10, StopReason::Done);
    insta::assert_snapshot!("beside_markdown", section(&markdown(&view, None)));
    let beside = view.beside_baseline().unwrap();
    assert!(beside.modes.as_ref().unwrap().list[0].differs());
    assert!(!beside.machine.list[0].differs());
    let parsed: serde_json::Value = serde_json::from_str(&json(&view)).unwrap();
    insta::assert_json_snapshot!("beside_json", parsed["baseline"]);
}

#[test]
fn the_comparison_shows_the_fault_and_the_pairs() {
    let change = |run: &mut RunInfo| {
        run.fault = Some(serde_json::json!({"kind": "tensor-lifetime", "on": ["cpu"]}));
        run.stopping = Stopping::Decided(Axis::Mode);
    };
    let view = again(change, 20, StopReason::Decided);
    let text = full(&view, 110);
    let from = text.find("Compared with the baseline").unwrap();
    insta::assert_snapshot!(
        "beside_terminal",
        text[from..].split("\nDurations\n").next().unwrap()
    );
}

/// The dose was calibrated to a crash rate, so that rate is not a finding.
#[test]
fn the_comparison_says_that_a_fault_was_calibrated() {
    let fault = serde_json::json!({"kind": "tensor-lifetime", "calibration": {}});
    let view = again(|run| run.fault = Some(fault), 10, StopReason::Done);
    let said = section(&markdown(&view, None));
    let words = "was chosen by how often the sequence passes";
    assert!(said.contains(words), "{said}");
    let view = again(|_| {}, 10, StopReason::Done);
    assert!(!section(&markdown(&view, None)).contains(words));
}

#[test]
fn a_run_of_one_mode_leaves_the_other_mode_open() {
    let recorded = recorded();
    let mut run = RunInfo {
        baseline: Some(Box::new(recorded.clone())),
        ..info(vec![recorded.run.units[4].clone()])
    };
    run.bad = OutcomeSet::new([Outcome::Failed, Outcome::Crashed]);
    let sequence = run.units[0].clone();
    let mut journal = Journal::of(run);
    for round in 1..=10 {
        journal.attempt_with(0, round, 1, Outcome::Passed, all_passed(&sequence));
    }
    let view = journal.close(StopReason::Done).view();
    let said = section(&markdown(&view, None));
    for words in [
        "isolated chapters, here? Not measured",
        "Here: in none of 10 rounds",
        "Counted as bad is not the same: crashed, timed-out, out-of-memory in N=1972, failed, crashed here.",
        "It differs: complete-story as a whole: N=1972 6/10 = 60%",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn an_imported_run_shows_only_what_was_imported() {
    let records: Vec<_> = recorded().records().collect();
    let view = build(&records, RunState::Ended).unwrap();
    assert!(view.run.complete);
    assert_eq!((view.run.seed, view.run.secs), (None, None));
    let of_claims = view.claims();
    assert!(!of_claims[0].is_shown());
    let text = full(&view, 110);
    assert!(text.contains("Imported from recorded/n1972.toml, not measured by crashrate"));
    assert!(text.contains("order of complete-story: PCCCPCPCCP"));
    assert!(text.contains("\"use isolated tests\": not shown. "));
    assert!(!text.contains("seed") && !text.contains("0 s"), "{text}");

    // If the order of the sequence is unknown, the report shows no order and no order statistics.
    let mut order_unknown = recorded();
    let imported = order_unknown.run.imported.as_mut().unwrap();
    imported.order_unknown.push(4);
    let records: Vec<_> = order_unknown.records().collect();
    let view = build(&records, RunState::Ended).unwrap();
    assert!(!view.sequences[0].results.order.is_known());
    let text = full(&view, 110);
    for none in ["order of", "independen", "first in round"] {
        assert!(!text.contains(none), "{none}: {text}");
    }
    let parsed: serde_json::Value = serde_json::from_str(&json(&view)).unwrap();
    assert_eq!(parsed["sequences"][0]["order"], serde_json::json!([]));
    assert_eq!(parsed["sequences"][0]["first_attempt"]["bad"], 6);
}
