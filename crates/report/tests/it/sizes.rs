//! The terminal summary fits on a screen.

use crashrate_model::{
    Baseline, CrashRef, Hello, Imported, Outcome, Recommendation, RunInfo, StopReason,
};
use crashrate_report::{View, html};

use crate::journal::{Journal, all_passed, died_at, info, isolated, sequence, summary};
use crate::recorded::{self, chapters, findings, measures, verification};

/// Returns the summary after checking that it has at most `most` lines of at most 100 columns.
fn fits(view: &View, most: usize) -> String {
    let text = summary(view, 100);
    let lines = text.lines().count();
    assert!(lines <= most, "{lines} lines:\n{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    text
}

/// Four chapters in both modes, without a failure.
#[test]
fn four_chapters_fit_in_forty_lines() {
    let names = [
        "thread-safety",
        "efficiency-ceiling",
        "batching-advantage",
        "correctness",
    ];
    let story = sequence("complete-story", &names, 3);
    let mut units: Vec<_> = names.iter().map(|id| isolated(id, 3)).collect();
    units.push(story.clone());
    let mut journal = Journal::of(RunInfo {
        chapters: chapters(),
        findings: findings(),
        ..info(units)
    });
    journal.hello("cpu");
    for round in 1..=3 {
        for (unit, name) in (0..).zip(names) {
            journal.attempt_with(unit, round, 1, Outcome::Passed, |end| {
                end.measures = measures(name, f64::from(round));
            });
        }
        journal.attempt_with(4, round, 1, Outcome::Passed, |end| {
            all_passed(&story)(end);
            for (chapter, name) in end.chapters.iter_mut().zip(names) {
                chapter.measures = measures(name, f64::from(round));
            }
        });
    }
    let text = fits(&journal.close(StopReason::Done).view(), 40);
    insta::assert_snapshot!("sizes_story", text);
}

/// Like `configs/n1972.toml`: a calibrated fault, a baseline, crashes with signatures, a
/// recommendation.
#[test]
fn a_repeated_report_fits_in_sixty_lines() {
    let mut baseline = recorded::verification_info();
    baseline.number = 1972;
    baseline.imported = Some(Imported {
        file: "recorded/n1972.toml".into(),
        order_unknown: Vec::new(),
        claims: Vec::new(),
    });
    let rounds = verification()
        .records
        .into_iter()
        .filter_map(|record| match record {
            crashrate_model::Record::Ended(ended) => Some(*ended),
            _ => None,
        });
    let baseline = Baseline {
        date: "2025-12-22".into(),
        hello: Hello {
            device: "mps".into(),
            versions: Default::default(),
        },
        run: baseline,
        rounds: rounds.collect(),
    };
    let units = recorded::verification_info().units;
    let story = units.last().unwrap().clone();
    let fault = serde_json::json!({
        "kind": "tensor-lifetime", "dose": 20, "carry_over": true, "on": ["cpu"],
        "calibration": {
            "sequence": "complete-story", "pass": 0.4, "rounds": 20, "interval": [0.2, 0.6],
            "steps": [{"dose": 5, "passed": 6, "of": 10}, {"dose": 20, "passed": 4, "of": 10}],
        },
    });
    let mut journal = Journal::of(RunInfo {
        chapters: chapters(),
        findings: findings(),
        fault: Some(fault),
        baseline: Some(Box::new(baseline)),
        recommendations: vec![Recommendation {
            text: "Run these chapters in processes of their own.".into(),
            when: Some("bad > 0 in complete-story".parse().unwrap()),
        }],
        ..info(units.clone())
    });
    journal.hello("cpu");
    for round in 1..=10 {
        for (place, unit) in (0..).zip(&units).filter(|(_, unit)| round <= unit.rounds) {
            if unit.name != story.name {
                journal.attempt_with(place, round, 1, Outcome::Passed, |end| {
                    end.measures = measures(&unit.name, f64::from(round));
                });
                continue;
            }
            journal.attempt_with(place, round, 1, Outcome::Crashed, |end| {
                died_at(&story, round as usize % 4)(end);
                let frames = "libtorch_cpu.so!at::native::LayerNormKernelImpl < \
                              libtorch_cpu.so!layer_norm_cpu < libtorch_cpu.so!native_layer_norm";
                end.crash = Some(CrashRef {
                    signature: format!("v1 | SIGSEGV | f{}.so!f < {frames}", round % 5),
                    file: None,
                });
            });
        }
    }
    let text = fits(&journal.close(StopReason::Done).view(), 60);
    insta::assert_snapshot!("sizes_n1972", text);
}

/// Three of 200 chapters fail, each with more output than the summary shows.
#[test]
fn three_failures_of_two_hundred_fit_in_thirty_lines() {
    let fails = |unit: u32| [20, 70, 150].contains(&unit);
    let units = (0..200)
        .map(|unit| isolated(&format!("chapter-{unit}"), 2))
        .collect();
    let mut journal = Journal::new(units);
    for round in 1..=2 {
        for unit in 0..200 {
            let outcome = if fails(unit) {
                Outcome::Failed
            } else {
                Outcome::Passed
            };
            journal.attempt_with(unit, round, 1, outcome, |end| {
                end.output = fails(unit).then(|| format!("output/{unit}.txt"));
            });
        }
    }
    let mut view = journal.close(StopReason::Done).view();
    for reason in view
        .chapters
        .iter_mut()
        .flat_map(|row| &mut row.results.reasons)
    {
        reason.tail = (1..=5)
            .map(|line| format!("line {line}\x1b[2J {}", "x".repeat(300)))
            .collect();
    }
    let text = fits(&view, 30);
    assert!(text.contains("197 others: no crash"), "{text}");
    assert!(
        text.contains("chapter-70 failed in 2 of 2 rounds"),
        "{text}"
    );
    assert!(text.contains("    line 5\\x1b[2J xxx"), "{text}");
    assert!(!text.contains("chapter-71"), "{text}");
}

/// Failures beyond those listed are only counted.
#[test]
fn many_failures_are_counted() {
    let units = (0..200)
        .map(|unit| isolated(&format!("chapter-{unit}"), 1))
        .collect();
    let mut journal = Journal::new(units);
    for unit in 0..150 {
        journal.attempt(unit, 1, 1, Outcome::Crashed);
    }
    let text = fits(&journal.close(StopReason::Interrupted).view(), 45);
    assert!(text.starts_with("story · 150 of 200 rounds"), "{text}");
    assert!(text.contains("INCOMPLETE"), "{text}");
    assert!(
        text.contains("130 more chapters did not pass; 50 without a result"),
        "{text}"
    );
}

/// All of them are in the table of chapters.
#[test]
fn pictures_of_many_chapters_show_those_that_crashed_or_took_long() {
    let names: Vec<String> = (0..1_000).map(|n| format!("test-{n}")).collect();
    let mut journal = Journal::new(names.iter().map(|name| isolated(name, 1)).collect());
    for unit in 0..1_000 {
        let outcome = match unit {
            700 => Outcome::Crashed,
            _ => Outcome::Passed,
        };
        journal.attempt_with(unit, 1, 1, outcome, |end| {
            end.secs = Some(1.0 + f64::from(unit));
        });
    }
    let page = html(&journal.close(StopReason::Done).view(), None);
    assert_eq!(page.matches("<g class=\"m\"").count(), 20);
    assert!(page.contains("980 quicker ones are left out"));
    assert!(page.contains("999 rows that passed in every round"));
    for name in ["test-3<", "test-700<", "test-999<"] {
        assert!(page.contains(name), "{name}");
    }
}
