//! The verification report: its sections, findings and recommendations, and the comparison with the
//! previous run.

use crashrate_model::{Outcome, OutcomeSet, RunInfo, StopReason};
use crashrate_report::{View, doctor_json, doctor_terminal, json, markdown};

use crate::journal::{Journal, all_passed, died_at, full, info, isolated, sequence};
use crate::recorded::{
    batching, chapters, findings, measures, recommendation, verification, verification_info,
};

#[test]
fn a_report_with_every_section() {
    let view = verification().view();
    insta::assert_snapshot!("verification_markdown", markdown(&view, None));
    insta::assert_snapshot!("verification_terminal", full(&view, 100));
    let parsed: serde_json::Value = serde_json::from_str(&json(&view)).unwrap();
    let soak = &parsed["chapters"][0];
    assert_eq!(soak["worker"], "matmul-soak");
    assert_eq!(soak["params"]["duration"], "20s");
    assert_eq!(parsed["findings"][2]["level"], "blocker");
    insta::assert_json_snapshot!("recommendations_json", parsed["recommendations"]);
}

#[test]
fn comparison_with_the_previous_run() {
    let before = verification().view();
    let mut info = verification_info();
    info.number = 1974;
    info.chapters[0].params["duration"] = "60s".into();
    info.recommendations.clear();
    let mut journal = Journal::of(info);
    journal.hello("cpu");
    for round in 1..=10 {
        journal.attempt_with(1, round, 1, Outcome::Passed, |end| {
            end.measures = measures("encoder-layer", 20.0 * f64::from(round));
        });
    }
    let report = markdown(&journal.view(), Some(&before));
    let start = report.find("## Compared with the previous run").unwrap();
    let end = report.find("## Warnings").unwrap();
    insta::assert_snapshot!("previous_markdown", report[start..end]);
    let turned = markdown(&before, Some(&journal.view()));
    assert!(
        turned.contains("N=1974 is incomplete: 10 of 38 rounds have a result."),
        "{turned}"
    );
}

/// Two variants of a chapter and of a sequence, with one retry. In the default variant the chapter
/// misses an expectation and the sequence crashes.
fn variants() -> Journal {
    let (mut units, story) = (Vec::new(), ["thread-safety", "batching-advantage"]);
    for variant in ["default", "with-fix"] {
        for mut unit in [
            isolated("batching-advantage", 3),
            sequence("both", &story, 3),
        ] {
            unit.variant = variant.into();
            units.push(unit);
        }
    }
    let both = units[1].clone();
    let mut journal = Journal::of(RunInfo {
        chapters: chapters(),
        retries: 1,
        fault: Some(serde_json::json!({"pages": "poisoned"})),
        recommendations: vec![
            recommendation("Use the fix.", Some("bad > 0 in both")),
            recommendation(
                "Look at it.",
                Some("failed > 50% in batching-advantage isolated"),
            ),
        ],
        ..info(units)
    });
    for round in 1..=3 {
        let value = 1.9 + f64::from(round) / 100.0;
        journal.attempt_with(0, round, 1, Outcome::Failed, |end| {
            end.reason = Some(format!(
                "expected ratio (threads=1,batch=8 / threads=8,batch=1) at least 2, measured {value}"
            ));
            end.measures = batching(f64::from(round));
        });
        journal.attempt(0, round, 2, Outcome::Passed);
        journal.attempt_with(
            1,
            round,
            1,
            Outcome::Crashed,
            died_at(&both, round as usize % 2),
        );
        journal.attempt(2, round, 1, Outcome::Passed);
        journal.attempt_with(3, round, 1, Outcome::Passed, all_passed(&both));
    }
    journal.close(StopReason::Done);
    journal
}

#[test]
fn variants_are_never_mixed() {
    let view = variants().view();
    insta::assert_snapshot!("variants_markdown", markdown(&view, None));
    insta::assert_snapshot!("variants_terminal", full(&view, 80));
}

fn recommended(info: RunInfo, whens: &[&str], play: impl Fn(&mut Journal)) -> Vec<String> {
    let recommendations = whens.iter().map(|when| recommendation(when, Some(when)));
    let mut journal = Journal::of(RunInfo {
        recommendations: recommendations.collect(),
        ..info
    });
    play(&mut journal);
    let view: View = journal.view();
    view.recommendations
        .into_iter()
        .map(|advice| advice.text)
        .collect()
}

#[test]
fn conditions_use_the_counts_of_first_attempts() {
    let story = sequence("s", &["a", "b"], 4);
    let plan = info(vec![isolated("a", 4), isolated("idle", 4), story.clone()]);
    let play = |journal: &mut Journal| {
        for round in 1..=4 {
            let fails = if round == 1 {
                Outcome::Failed
            } else {
                Outcome::Passed
            };
            journal.attempt(0, round, 1, fails);
            journal.attempt(0, round, 2, Outcome::Crashed);
            match round {
                1 => journal.attempt_with(2, round, 1, Outcome::Passed, all_passed(&story)),
                2 => journal.attempt(2, round, 1, Outcome::Lost),
                _ => journal.attempt_with(2, round, 1, Outcome::Crashed, died_at(&story, 0)),
            };
        }
    };
    let holds = [
        "crashed > 0 in s",
        "crashed >= 66% in s",
        "crashed = 2 in a",
        "bad = 2 in a sequential",
        "bad = 0 in a isolated",
        "failed >= 25% in a isolated",
        "unreached = 2 in b",
        "passed = 1 in b",
        "lost > 0 in s",
        "passed < 50% in s",
    ];
    let not = [
        "crashed > 2 in s",
        "crashed >= 67% in s",
        "crashed > 0 in a isolated",
        "crashed > 0 in b",
        "crashed > 0 in s isolated",
        // These units have no rounds, so no condition about them holds.
        "crashed = 0 in idle",
        "passed < 90% in idle",
        "bad = 0 in nowhere",
    ];
    let all: Vec<_> = holds.iter().chain(&not).copied().collect();
    assert_eq!(recommended(plan.clone(), &all, play), holds);
    // The suite defines which outcomes are bad.
    let strict = RunInfo {
        bad: OutcomeSet::new([Outcome::Failed]),
        ..plan
    };
    assert_eq!(
        recommended(strict, &["bad = 1 in a", "bad > 0 in s"], play),
        ["bad = 1 in a"]
    );
}

#[test]
fn findings_of_doctor() {
    insta::assert_snapshot!("doctor_terminal", doctor_terminal(&findings()));
    insta::assert_snapshot!("doctor_json", doctor_json(&findings()));
    assert_eq!(doctor_terminal(&[]), "");
}
