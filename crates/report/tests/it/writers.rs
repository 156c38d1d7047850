//! The output of each writer for a few journals.

use crashrate_model::{Exit, Finding, Level, Outcome, Recommendation, StopReason};
use crashrate_report::{
    Detail, TerminalOptions, View, doctor_json, doctor_terminal, json, markdown, terminal,
};

use crate::journal::{
    Journal, all_passed, died_at, full, info, isolated, measure, sequence, story, summary,
};

/// The summary at two widths and the full report at three.
fn wide_and_narrow(view: &View) -> String {
    type Form = fn(&View, usize) -> String;
    let forms: [(&str, Form, usize); 5] = [
        ("summary", summary, 100),
        ("summary", summary, 60),
        ("full", full, 120),
        ("full", full, 80),
        ("full", full, 60),
    ];
    let texts = forms.map(|(name, form, width)| {
        let text = form(view, width);
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
        format!("--- {name}, {width} columns\n{text}")
    });
    texts.join("\n")
}

/// Two commands in isolated mode: one crashes in every third round, the other always fails.
fn commands() -> Journal {
    let mut journal = Journal::new(vec![isolated("segfault", 9), isolated("exit-3", 9)]);
    for round in 1..=9 {
        let crashes = round % 3 == 2;
        let outcome = if crashes {
            Outcome::Crashed
        } else {
            Outcome::Passed
        };
        journal.attempt(0, round, 1, outcome);
        journal.attempt_with(1, round, 1, Outcome::Failed, |end| {
            end.exit = Some(Exit::Code(3));
            end.output = Some(format!("output/exit-3-{round}-1.txt"));
        });
    }
    journal.close(StopReason::Done);
    journal
}

/// Crashes on the first attempt of every second round, with two retries.
pub(crate) fn flaky() -> Journal {
    let mut info = info(vec![isolated("now-and-then", 4)]);
    info.retries = 2;
    let mut journal = Journal::of(info);
    for round in 1..=4 {
        if round % 2 == 0 {
            journal.attempt(0, round, 1, Outcome::Crashed);
            journal.attempt(0, round, 2, Outcome::Passed);
        } else {
            journal.attempt(0, round, 1, Outcome::Passed);
        }
    }
    journal.close(StopReason::Done);
    journal
}

/// The supervisor was killed while a chapter and a sequence were running. In one earlier round, the
/// device was missing.
pub(crate) fn killed() -> Journal {
    let sequence = sequence("both", &["a", "b"], 4);
    let mut journal = Journal::new(vec![isolated("a", 4), sequence.clone()]);
    journal.attempt(0, 1, 1, Outcome::Passed);
    journal.attempt_with(1, 1, 1, Outcome::TimedOut, died_at(&sequence, 1));
    journal.attempt_with(0, 2, 1, Outcome::NotStarted, |end| {
        end.reason = Some("no device `cuda:1` here".into());
    });
    journal.attempt_with(1, 2, 1, Outcome::Passed, all_passed(&sequence));
    journal.start(0, 3, 1).start(1, 3, 1);
    journal
}

/// A child whose text contains markup and terminal control sequences.
pub(crate) fn hostile() -> Journal {
    let mut info = info(vec![isolated("evil", 1)]);
    info.findings = vec![Finding {
        name: "\x1b[2Jname".into(),
        level: Level::Blocker,
        found: "a | b\n\n# c".into(),
        advice: Some("<img src=x>".into()),
    }];
    info.fault = Some(serde_json::json!({"kind": "**\u{202e}"}));
    info.recommendations = vec![Recommendation {
        text: "\x1b]0;title\x07<b>".into(),
        when: None,
    }];
    let mut journal = Journal::of(info);
    journal.attempt_with(0, 1, 1, Outcome::Failed, |end| {
        end.reason = Some("\x1b[2J<script>alert('x')</script>|`a`|\n# b ]]> \0".into());
        end.notes = vec![format!("[click](javascript:x) {}", "y".repeat(10_000))];
        end.measures = vec![measure("a|b\x1b[31m", "k=<b>", "`s`", 1.5)];
    });
    journal.close(StopReason::Done);
    journal
}

#[test]
fn the_story_in_both_modes() {
    let mut view = story().view();
    view.command = Some("crashrate run configs/story.toml --mode both --seed 7".into());
    insta::assert_snapshot!("story_terminal", wide_and_narrow(&view));
    insta::assert_snapshot!("story_markdown", markdown(&view, None));
    insta::assert_snapshot!("story_json", json(&view));
}

#[test]
fn commands_in_isolated_mode() {
    let view = commands().view();
    insta::assert_snapshot!("commands_terminal", wide_and_narrow(&view));
    insta::assert_snapshot!("commands_markdown", markdown(&view, None));
    insta::assert_snapshot!("commands_json", json(&view));
}

#[test]
fn retries_are_shown_next_to_the_first_attempts() {
    let view = flaky().view();
    insta::assert_snapshot!("flaky_terminal", wide_and_narrow(&view));
    insta::assert_snapshot!("flaky_markdown", markdown(&view, None));
}

#[test]
fn a_killed_supervisor() {
    let view = killed().view();
    insta::assert_snapshot!("killed_terminal", wide_and_narrow(&view));
    insta::assert_snapshot!("killed_markdown", markdown(&view, None));
    insta::assert_snapshot!("killed_json", json(&view));
}

#[test]
fn a_live_run() {
    let view = killed().live();
    insta::assert_snapshot!("live_terminal", wide_and_narrow(&view));
}

#[test]
fn text_from_children_is_escaped() {
    let view = hostile().view();
    let formats = [full(&view, 80), markdown(&view, None), json(&view)];
    let findings = &view.run.findings;
    let doctor = [doctor_terminal(findings), doctor_json(findings)];
    for text in formats.iter().chain(&doctor) {
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
    }
    let [on_terminal, in_markdown, in_json] = formats;
    // Inside a fence nothing is markup.
    let outside: String = in_markdown.split("```").step_by(2).collect();
    assert!(!outside.contains("<script>") && !outside.contains("[click]("));
    assert!(on_terminal.len() < 3_000 && in_markdown.len() < 3_000);
    let parsed: serde_json::Value = serde_json::from_str(&in_json).unwrap();
    let reason = parsed["chapters"][0]["reasons"][0]["text"]
        .as_str()
        .unwrap();
    assert!(
        reason.contains("\x1b[2J<script>"),
        "the JSON keeps the text unchanged"
    );
    insta::assert_snapshot!("hostile_terminal", on_terminal);
    insta::assert_snapshot!("hostile_markdown", in_markdown);
}

#[test]
fn colour_is_used_only_on_request() {
    let view = story().view();
    let plain = full(&view, 120);
    let colored = TerminalOptions {
        width: 120,
        color: true,
        detail: Detail::Full,
        page: None,
        origin: None,
    };
    let colored = terminal(&view, &colored);
    assert!(!plain.contains('\x1b') && colored.contains("\x1b[31m6/10 (31-83%)\x1b[0m"));
    assert!(colored.contains("\x1b[1;31mFAIL\x1b[0m"));
    let mut stripped = colored;
    for code in ["0", "1", "2", "31", "32", "33", "1;31"] {
        stripped = stripped.replace(&format!("\x1b[{code}m"), "");
    }
    assert_eq!(stripped, plain);
}

#[test]
fn the_json_has_the_documented_keys_in_order() {
    let parsed: serde_json::Value = serde_json::from_str(&json(&story().view())).unwrap();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(
        keys(&parsed)[..4],
        ["schema", "run", "sequences", "chapters"]
    );
    let run = "id number suite seed device versions started finished complete fault";
    let run: Vec<_> = run.split(' ').collect();
    assert_eq!(keys(&parsed["run"])[..run.len()], run);
    let sequence = "sequence variant rounds bad first_attempt died_in order";
    let sequence: Vec<_> = sequence.split(' ').collect();
    assert_eq!(keys(&parsed["sequences"][0])[..sequence.len()], sequence);
    let chapter = "chapter mode sequence variant rounds reached outcomes first_attempt \
                   after_retries signals measures";
    let chapter: Vec<_> = chapter.split_whitespace().collect();
    assert_eq!(keys(&parsed["chapters"][0])[..chapter.len()], chapter);
    let batching = &parsed["chapters"][6];
    assert_eq!(
        batching["outcomes"],
        serde_json::json!({"passed": 4, "crashed": 6})
    );
    assert_eq!(
        batching["first_attempt"],
        serde_json::json!({"bad": 6, "n": 10})
    );
    assert_eq!(batching["signals"], serde_json::json!({"SIGSEGV": 6}));
    assert_eq!(
        parsed["sequences"][0]["died_in"],
        serde_json::json!({"batching-advantage": 6, "between": 0, "exit": 0})
    );
}
