//! Runs `misbehave`, one case after another.

use std::collections::HashSet;

use crashrate_model::{Exit, Outcome};
use crashrate_protocol::Event;
use crashrate_testkit::misbehave::{KINDS, Kind};
use crashrate_testkit::{catalogue, programs};

use crate::child::{Run, run_case};

#[test]
fn every_case_ends_as_the_catalogue_says() {
    for case in catalogue() {
        let ran = run_case(&case);
        let name = &case.name;
        assert!(case.ends_with(&ran.exit), "{name}: {}", ran.exit);
        assert_eq!(ran.garbage.is_some(), case.garbage, "{name}: {ran:?}");
        assert_eq!(ran.left > 0, case.leaves_processes, "{name}: {ran:?}");
        match name.as_str() {
            "flood-stdout" => assert_eq!(ran.stdout, 20_000_000),
            "many-events" => assert_eq!(ran.events.len(), 100_000),
            _ => {}
        }
    }
}

#[test]
fn the_verdict_is_the_last_event() {
    let passed = Event::ChapterPassed {
        chapter: "chapter".into(),
    };
    for case in catalogue() {
        let sends_verdict = Kind::named(&case.args[0]).is_some_and(|kind| kind.sends_verdict);
        if !sends_verdict || case.hangs() {
            continue;
        }
        let last = run_case(&case).events.pop();
        match case.name.as_str() {
            "unavailable" => assert!(matches!(last, Some(Event::Unavailable { .. }))),
            "fail-verdict" | "fail-verdict-exit-0" => {
                assert!(matches!(last, Some(Event::ChapterFailed { .. })));
            }
            name => assert_eq!(last.as_ref(), Some(&passed), "{name}"),
        }
    }
}

#[test]
fn the_catalogue_is_complete_and_well_formed() {
    let cases = catalogue();
    let names: HashSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "two cases have the same name");
    let used: HashSet<&str> = cases.iter().map(|case| case.args[0].as_str()).collect();
    for kind in KINDS {
        let elsewhere =
            ["sleep", "divide", "join-group", "fork-many", "fork-relay"].contains(&kind.name);
        assert!(used.contains(kind.name) || elsewhere, "{}", kind.name);
    }
    for case in &cases {
        let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        assert!(case.name.chars().all(fit), "{}", case.name);
        assert!(!case.exits.is_empty() && !case.comment.is_empty());
        let dies_by_itself = case.outcome == Outcome::Crashed;
        let by_signal = case.exits.iter().any(|e| matches!(e, Exit::Signal(_)));
        assert!(by_signal || !dies_by_itself, "{}", case.name);
    }
}

#[test]
fn some_cases_crash_only_in_some_rounds() {
    let died = Exit::Signal("SIGSEGV".into());
    let well = Exit::Code(0);
    let crash_when: Vec<String> = ["crash-when", "3", "2"].map(String::from).into();
    let crash_first = vec!["crash-first-attempt".to_owned()];
    for (args, round, attempt, expected) in [
        (&crash_when, 1, 1, &well),
        (&crash_when, 2, 1, &died),
        (&crash_when, 3, 1, &well),
        (&crash_when, 5, 2, &died),
        (&crash_first, 1, 1, &well),
        (&crash_first, 2, 1, &died),
        (&crash_first, 2, 2, &well),
    ] {
        let ran = Run {
            round,
            attempt,
            ..Run::new(&programs().misbehave, args)
        }
        .run();
        assert_eq!(
            &ran.exit, expected,
            "{args:?} in round {round}, attempt {attempt}"
        );
    }
}

#[test]
fn wrong_arguments_are_usage_errors() {
    for args in [&[][..], &["juggle"], &["crash-when", "2"], &["sleep", "x"]] {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        let ran = Run::new(&programs().misbehave, &args).run();
        assert_eq!(ran.exit, Exit::Code(64), "{args:?}");
    }
}
