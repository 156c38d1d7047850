//! Formats for other programs: JUnit XML, CSV, GitHub annotations and summaries; and histories.

use std::collections::BTreeMap;
use std::slice::from_ref;

use crashrate_model::{CrashRef, Exit, Outcome, Record, RunInfo, StopReason};
use crashrate_report::{
    RunState, View, github_annotations, github_summary, history, history_json, history_markdown,
    history_terminal,
};
use quick_junit::{Report, TestCaseStatus};

use crate::journal::{Journal, attempts, info, isolated, listed, story};
use crate::writers::{flaky, hostile, killed};

fn junit(records: &[Record]) -> String {
    listed(
        crashrate_report::junit_rounds,
        &attempts(records, RunState::Ended).unwrap(),
        records,
    )
}

fn junit_of_chapters(records: &[Record]) -> String {
    listed(
        crashrate_report::junit,
        &attempts(records, RunState::Ended).unwrap(),
        records,
    )
}

fn csv(records: &[Record]) -> String {
    listed(
        crashrate_report::csv,
        &attempts(records, RunState::Ended).unwrap(),
        records,
    )
}

#[test]
fn junit_of_retries_and_of_a_killed_supervisor() {
    insta::assert_snapshot!("flaky_junit", junit(&flaky().records));
    insta::assert_snapshot!("killed_junit", junit(&killed().records));
}

#[test]
fn junit_of_chapters_counts_their_rounds() {
    insta::assert_snapshot!("flaky_chapters", junit_of_chapters(&flaky().records));
    insta::assert_snapshot!("killed_chapters", junit_of_chapters(&killed().records));
    insta::assert_snapshot!("story_chapters", junit_of_chapters(&story().records));
    let xml = junit_of_chapters(&story().records);
    let report = Report::deserialize_from_str(&xml).unwrap();
    let counts: Vec<_> = (report.test_suites.iter())
        .map(|suite| (suite.name.as_str(), suite.tests, suite.failures))
        .collect();
    let expected = [("isolated", 4, 1), ("sequential: complete-story", 4, 1)];
    assert_eq!(counts, expected);
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

/// Both failed retries are listed as reruns of the failure.
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

/// A process that crashes while it is being stopped at its time limit has timed out.
#[test]
fn a_timed_out_round_is_not_reported_as_a_crash() {
    let mut journal = Journal::new(vec![isolated("both", 7)]);
    for round in 1..=7 {
        let outcome = match round {
            1 => Outcome::Crashed,
            2..=5 => Outcome::TimedOut,
            _ => Outcome::Passed,
        };
        journal.attempt_with(0, round, 1, outcome, |end| {
            let class = if round == 3 { "HANG" } else { "SIGSEGV" };
            end.exit = Some(Exit::Signal("SIGSEGV".into()));
            end.crash = (outcome != Outcome::Passed).then(|| CrashRef {
                signature: format!("v1 | {class} | f"),
                file: None,
            });
        });
    }
    let records = journal.close(StopReason::Done).records.clone();
    let view = attempts(&records, RunState::Ended).unwrap();
    let count = |signature: &str| {
        let row = view.crashes.iter().find(|row| row.signature == signature);
        row.map_or(0, |row| row.places[0].share.bad)
    };
    assert_eq!((count("v1 | SIGSEGV | f"), count("v1 | HANG | f")), (1, 1));
    let text = crashrate_report::markdown(&view, None);
    assert!(
        text.contains("| 1 crashed, 4 timed-out, SIGSEGV 1 |"),
        "{text}"
    );
    let rounds = junit(&records);
    assert_eq!(rounds.matches("SIGSEGV in f\"").count(), 1, "{rounds}");
    let chapters = junit_of_chapters(&records);
    let said = "message=\"4 of 7 rounds timed-out, 1 crashed: killed after its time limit";
    assert!(chapters.contains(said), "{chapters}");
    assert_eq!(csv(&records).matches("| SIGSEGV |").count(), 1);
    let annotations = github_annotations(&view);
    assert!(
        annotations
            .iter()
            .any(|line| line.contains("v1 | HANG | f"))
    );
}

#[test]
fn csv_of_attempts() {
    insta::assert_snapshot!("killed_csv", csv(&killed().records));
    insta::assert_snapshot!("flaky_csv", csv(&flaky().records));
}

#[test]
fn annotations_are_few_and_escaped() {
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
    assert!(lines[0].contains("50%25 (+1 line)"), "{}", lines[0]);
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
fn text_from_children_is_escaped_in_every_format() {
    let records = hostile().records;
    let view = attempts(&records, RunState::Ended).unwrap();
    let xml = junit(&records) + &junit_of_chapters(&records);
    for xml in [junit(&records), junit_of_chapters(&records)] {
        let report = Report::deserialize_from_str(&xml).unwrap();
        assert_eq!(report.failures, 1);
    }
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

/// A run of one chapter in which the first `bad` rounds crashed.
fn run(number: u32, bad: u32, rounds: u32, change: impl FnOnce(&mut RunInfo)) -> Journal {
    let mut info = info(vec![isolated("shaky", rounds)]);
    info.number = number;
    info.id = format!("{number}-story");
    info.programs = BTreeMap::from([("/usr/bin/shaky".into(), "0a1b2c3d4e5f".into())]);
    change(&mut info);
    let mut journal = Journal::of(info);
    for round in 1..=rounds {
        let outcome = if round <= bad {
            Outcome::Crashed
        } else {
            Outcome::Passed
        };
        journal.attempt(0, round, 1, outcome);
    }
    journal.close(StopReason::Done);
    journal
}

/// Five runs of one suite:
///
/// 1. 60 rounds without a crash.
/// 2. 20 rounds without a crash.
/// 3. A new version of the program, which crashes in half of 60 rounds.
/// 4. The new version on another device, with a rule that stops at the first crash.
/// 5. The new version, with a lost round that was run again after a resume.
fn runs() -> Vec<View> {
    let replaced = |info: &mut RunInfo| {
        info.programs
            .insert("/usr/bin/shaky".into(), "ffeeddccbbaa".into());
    };
    let other = |info: &mut RunInfo| {
        replaced(info);
        info.device = "cuda".into();
        info.stopping = crashrate_model::Stopping::FirstBad;
    };
    let mut lost = run(5, 9, 18, |info| {
        replaced(info);
        info.units = vec![isolated("shaky", 20)];
    });
    lost.start(0, 19, 1).open();
    for round in [19, 20] {
        lost.attempt(0, round, 1, Outcome::Passed);
    }
    lost.close(StopReason::Done);
    vec![
        run(1, 0, 60, |_| {}).view(),
        run(2, 0, 20, |_| {}).view(),
        run(3, 30, 60, replaced).view(),
        run(4, 1, 20, other).view(),
        lost.view(),
    ]
}

#[test]
fn a_history_in_every_format() {
    let history = history("story", &runs());
    let trend = &history.trends[0];
    assert_eq!(trend.marks, [2, 4]);
    assert_eq!(trend.change.as_ref().map(|change| change.at), Some(2));
    let tested: Vec<_> = trend.points.iter().map(|p| p.look.is_some()).collect();
    assert_eq!(tested, [false, true, true, false, true]);
    insta::assert_snapshot!(
        "history_terminal",
        history_terminal(from_ref(&history), 120, false)
    );
    insta::assert_snapshot!("history_markdown", history_markdown(from_ref(&history)));
    insta::assert_snapshot!("history_json", history_json(from_ref(&history)));
    for line in history_terminal(from_ref(&history), 60, false).lines() {
        assert!(line.chars().count() <= 60, "{line}");
    }
}

/// The sentence that describes a history of runs of 50 rounds with these numbers of crashes.
fn said(bad: &[u32]) -> String {
    let runs: Vec<_> = (1..)
        .zip(bad)
        .map(|(number, bad)| run(number, *bad, 50, |_| {}).view())
        .collect();
    let json: serde_json::Value =
        serde_json::from_str(&history_json(from_ref(&history("story", &runs)))).unwrap();
    json["histories"][0]["trends"][0]["said"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn sentences_that_describe_a_history() {
    let creep: Vec<_> = (1..=20).collect();
    assert_eq!(
        said(&creep),
        "Crash rate rises over the runs: 1/50 in N=1 to 20/50 in N=20; shown since N=12."
    );
    let step = [[5; 10], [15; 10]].concat();
    assert_eq!(
        said(&step),
        "Crash rate rose from 10% (50/500) to 30% (150/500) at N=11 (95%: N=11); shown since N=12."
    );
    let back: Vec<_> = step.iter().rev().copied().collect();
    assert!(said(&back).starts_with("Crash rate fell from 30% (150/500) to 10%"));
    assert_eq!(said(&[5; 12]), "No change shown over 12 runs.");
    assert_eq!(
        said(&[5]),
        "Nothing to test: that takes two runs with rounds fixed in advance."
    );
    let episode = [&[0; 8][..], &[12, 0, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
    assert_eq!(
        said(&episode),
        "Crash rate rose from 0% (0/400) to 4.8% (12/250) at N=9 (95%: N=8 to N=9); \
         shown from N=9 to N=13, not since."
    );
}

#[test]
fn a_mark_stays_when_runs_are_added() {
    let bad: Vec<u32> = (0..24)
        .map(|run| run * 7 % 5 + if run < 9 { 1 } else { 9 })
        .collect();
    let runs: Vec<_> = (1..)
        .zip(&bad)
        .map(|(number, bad)| run(number, *bad, 50, |_| {}).view())
        .collect();
    let whole = history("story", &runs).trends[0].clone();
    assert!(!whole.marks.is_empty());
    for end in 1..=runs.len() {
        let part = history("story", &runs[..end]).trends[0].clone();
        let so_far: Vec<_> = whole.marks.iter().filter(|mark| **mark < end).collect();
        assert_eq!(part.marks.iter().collect::<Vec<_>>(), so_far, "{end}");
    }
}

/// Testing a running run at every look would inflate the error rate.
#[test]
fn a_running_run_is_not_tested() {
    let mut live = Journal::new(vec![isolated("shaky", 50)]);
    for round in 1..=40 {
        live.attempt(0, round, 1, Outcome::Crashed);
    }
    let runs = [run(1, 0, 50, |_| {}).view(), live.live()];
    let history = history("story", &runs);
    assert!(history.trends[0].marks.is_empty());
    let text = history_terminal(from_ref(&history), 120, false);
    assert!(
        text.contains("N=1973 is still running and not tested yet."),
        "{text}"
    );
}

#[test]
fn runs_that_are_not_listed_are_still_tested() {
    let runs: Vec<_> = (1..=6)
        .map(|n| run(n, if n < 4 { 0 } else { 20 }, 50, |_| {}).view())
        .collect();
    let mut history = history("story", &runs);
    history.list_last(2);
    let text = history_terminal(from_ref(&history), 120, false);
    assert!(!text.contains("N=3 "), "{text}");
    assert!(
        text.contains("at N=4 (95%: N=4); shown since N=4."),
        "{text}"
    );
}

#[test]
fn another_command_is_a_difference_but_another_seed_is_not() {
    let command = |number: u32, words: &str| {
        let words = words.to_owned();
        run(number, 0, 5, |info| {
            info.machine.insert("command".into(), words);
        })
        .view()
    };
    let runs = [
        command(1, "crashrate run --rounds 5 --seed 7 -- ./a --seed 1"),
        command(2, "crashrate run --rounds 5 --seed=8 -- ./a --seed 1"),
        command(3, "crashrate run --rounds 5 --seed 9 -- ./a --seed 2"),
    ];
    let history = history("story", &runs);
    let differs: Vec<_> = history.runs.iter().map(|run| run.differs.len()).collect();
    assert_eq!(differs, [0, 0, 1]);
    assert_eq!(
        history.runs[2].differs[0].to_string(),
        "command: crashrate run --rounds 5 -- ./a --seed 2, before crashrate run --rounds 5 -- ./a --seed 1"
    );
}

/// If a later run counts more outcomes as bad, earlier runs are recounted, but their marks stay.
#[test]
fn a_mark_stays_when_more_counts_as_bad() {
    let mut runs: Vec<_> = (1..=6)
        .map(|n| {
            let mut journal = run(n, if n < 4 { 0 } else { 20 }, 50, |info| {
                info.units = vec![isolated("shaky", 150)];
            });
            // The first runs failed as often as the last ones crashed.
            for round in 51..=150 {
                let fails = n < 4 && round <= 70;
                let outcome = if fails {
                    Outcome::Failed
                } else {
                    Outcome::Passed
                };
                journal.attempt(0, round, 1, outcome);
            }
            journal.view()
        })
        .collect();
    let before = history("story", &runs).trends[0].clone();
    assert_eq!(before.marks, [3, 4, 5]);
    let more = |info: &mut RunInfo| {
        info.bad = crashrate_model::OutcomeSet::new([Outcome::Crashed, Outcome::Failed]);
    };
    runs.push(run(7, 7, 50, more).view());
    let after = history("story", &runs).trends[0].clone();
    assert_eq!(after.points[0].share.bad, 20);
    assert_eq!(after.marks, before.marks);
    assert_eq!(
        after
            .change
            .map(|change| (change.at, change.before.bad, change.holds)),
        Some((3, 0, false))
    );
}
