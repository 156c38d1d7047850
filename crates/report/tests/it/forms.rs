//! The forms for machines: JUnit's XML, CSV and what GitHub Actions reads.

use crashrate_model::{Outcome, Record, StopReason};
use crashrate_report::{
    View, github_annotations, github_summary, history, history_json, history_markdown,
    history_terminal,
};
use quick_junit::{Report, TestCaseStatus};

use crate::journal::{Journal, attempts, info, isolated, listed, story};
use crate::writers::{flaky, hostile, killed};

fn junit(records: &[Record]) -> String {
    listed(
        crashrate_report::junit,
        &attempts(records, false).unwrap(),
        records,
    )
}

fn csv(records: &[Record]) -> String {
    listed(
        crashrate_report::csv,
        &attempts(records, false).unwrap(),
        records,
    )
}

#[test]
fn junit_of_retries_and_of_a_killed_supervisor() {
    insta::assert_snapshot!("flaky_junit", junit(&flaky().records));
    insta::assert_snapshot!("killed_junit", junit(&killed().records));
}

#[test]
fn junit_counts_what_the_report_counts() {
    let report = Report::deserialize_from_str(&junit(&story().records)).unwrap();
    let counts: Vec<_> = (report.test_suites.iter())
        .map(|suite| {
            let not_reached = |case: &&quick_junit::TestCase| {
                matches!(case.status, TestCaseStatus::Skipped { .. })
            };
            let skipped = suite.test_cases.iter().filter(not_reached).count();
            (suite.name.as_str(), suite.tests, suite.failures, skipped)
        })
        .collect();
    let expected = [
        ("isolated", 12, 1, 0),
        ("sequential: complete-story", 40, 6, 6),
    ];
    assert_eq!(counts, expected);
}

/// Two failed retries are reruns; a retry that was not reached is none.
#[test]
fn a_round_that_never_passed_is_a_failure_with_its_reruns() {
    let mut info = info(vec![isolated("never", 1)]);
    info.retries = 2;
    let mut journal = Journal::of(info);
    for attempt in 1..=3 {
        journal.attempt(0, 1, attempt, Outcome::Crashed);
    }
    journal.close(StopReason::Done);
    let xml = junit(&journal.records);
    assert_eq!(xml.matches("<failure ").count(), 1, "{xml}");
    assert_eq!(xml.matches("<rerunFailure ").count(), 2, "{xml}");
}

#[test]
fn csv_of_attempts() {
    insta::assert_snapshot!("killed_csv", csv(&killed().records));
    insta::assert_snapshot!("flaky_csv", csv(&flaky().records));
}

#[test]
fn annotations_are_few_and_cannot_be_broken_out_of() {
    insta::assert_snapshot!(github_annotations(&story().view()).join("\n"), @"
    ::error title=batching-advantage in complete-story crashed::crashed 6 times: SIGSEGV (first in round 2)
    ::error title=batching-advantage (isolated) crashed::crashed once: SIGSEGV (first in round 2, output/batching-advantage-2-1.txt)
    ");
    let units = (0..30).map(|n| isolated(&format!("c{n}"), 1)).collect();
    let mut journal = Journal::new(units);
    for unit in 0..30 {
        journal.attempt_with(unit, 1, 1, Outcome::Crashed, |end| {
            end.reason = Some("50%\r\n::add-mask::x".into());
        });
    }
    let lines = github_annotations(&journal.close(StopReason::Done).view());
    assert_eq!(lines.len(), 10);
    assert!(
        lines
            .iter()
            .all(|line| !line.contains(['\r', '\n']) && line.starts_with("::error "))
    );
    assert!(
        lines[0].contains("50%25\\r\\n::add-mask::x"),
        "{}",
        lines[0]
    );
    assert!(lines[9].contains("21 more kinds of crash"), "{}", lines[9]);
}

#[test]
fn a_summary_that_is_too_long_is_cut_at_a_line_and_says_so() {
    let view = story().view();
    let whole = github_summary(&view, None, 1 << 20);
    assert_eq!(whole, crashrate_report::markdown(&view, None));
    let cut = github_summary(&view, None, 1000);
    assert!(
        cut.len() <= 1000 && cut.contains("The rest is left out"),
        "{cut}"
    );
    let (kept, _) = cut.split_once("\n**The rest").unwrap();
    assert!(whole.starts_with(kept) && kept.ends_with('\n'), "{kept:?}");
    assert_eq!(github_summary(&view, None, 10), "");
}

#[test]
fn what_children_say_is_harmless_in_every_form() {
    let records = hostile().records;
    let view = attempts(&records, false).unwrap();
    let xml = junit(&records);
    let report = Report::deserialize_from_str(&xml).unwrap();
    assert_eq!(report.failures, 1);
    let lines = csv(&records);
    for text in [&xml, &lines, &github_annotations(&view).join("\n")] {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
        assert!(
            !text.contains("]]>") || !text.contains("<![CDATA["),
            "{text}"
        );
        assert!(text.len() < 5_000, "{text}");
    }
    assert!(!xml.contains("<script>"), "{xml}");
    let mut journal = Journal::new(vec![isolated("sheet", 1)]);
    journal.attempt_with(0, 1, 1, Outcome::Failed, |end| {
        end.reason = Some("=HYPERLINK(\"x\"),\"".into());
    });
    let sheet = csv(&journal.records);
    assert!(sheet.contains(r#","'=HYPERLINK(""x""),""","#), "{sheet}");
}

/// The same chapter in four runs: clean, as clean with fewer rounds, far worse, and stopped by its data.
fn runs() -> Vec<View> {
    let run = |number: u32, rounds: u32, bad_every: u32| {
        let mut info = info(vec![isolated("shaky", rounds)]);
        info.number = number;
        info.id = format!("{number}-story");
        if number == 4 {
            info.device = "cuda".into();
            info.stopping = crashrate_model::Stopping::FirstBad;
        }
        let mut journal = Journal::of(info);
        for round in 1..=rounds {
            let outcome = match round % bad_every {
                0 => Outcome::Crashed,
                _ => Outcome::Passed,
            };
            journal.attempt(0, round, 1, outcome);
        }
        journal.close(StopReason::Done).view()
    };
    vec![
        run(1, 60, 100),
        run(2, 20, 100),
        run(3, 60, 2),
        run(4, 20, 20),
    ]
}

#[test]
fn a_change_is_shown_or_it_is_said_that_it_is_not() {
    let history = history("story", &runs());
    assert_eq!(history.tests, 2);
    let steps: Vec<_> = history.trends[0].points.iter().map(|p| &p.step).collect();
    let shown: Vec<_> = steps
        .iter()
        .flat_map(|step| step.as_ref().map(|s| s.differs()))
        .collect();
    assert_eq!(shown, [false, true, false]);
    insta::assert_snapshot!("history_terminal", history_terminal(&history, 120, false));
    insta::assert_snapshot!("history_markdown", history_markdown(&history));
    insta::assert_snapshot!("history_json", history_json(&history));
    for line in history_terminal(&history, 60, false).lines() {
        assert!(line.chars().count() <= 60, "{line}");
    }
}
