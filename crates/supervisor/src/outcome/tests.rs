//! Every rule that derives an outcome from the facts of an attempt.

use std::collections::BTreeMap;
use std::time::Duration;

use crashrate_model::{DiedIn, Exit, Mode, Outcome};
use crashrate_protocol::Event;

use super::*;
use crate::plan::{ChapterSpec, UnitSpec};
use crate::signals::StopSignal;
use crate::suite::Expect;

fn spec(mode: Mode, needs_verdict: bool, chapters: &[&str]) -> UnitSpec {
    UnitSpec {
        source: None,
        argv: vec!["x".into()],
        directory: "/".into(),
        env: BTreeMap::new(),
        chapters: chapters
            .iter()
            .map(|id| ChapterSpec {
                id: (*id).into(),
                test: None,
                timeout: Duration::from_secs(9),
                expect: Vec::new(),
            })
            .collect(),
        mode,
        core: None,
        timeout: Duration::from_secs(5),
        grace: Duration::from_secs(1),
        limits: Default::default(),
        process: Default::default(),
        zygote: None,
        exit_codes: Default::default(),
        framework: None,
        order: Default::default(),
        unset: Default::default(),
        has_task: needs_verdict,
        needs_verdict,
    }
}

fn started(chapter: &str) -> Event {
    Event::ChapterStarted {
        chapter: chapter.into(),
    }
}

fn passed(chapter: &str) -> Event {
    Event::ChapterPassed {
        chapter: chapter.into(),
    }
}

fn failed(chapter: &str) -> Event {
    Event::ChapterFailed {
        chapter: chapter.into(),
        reason: "wrong".into(),
    }
}

fn measured(name: &str, value: f64) -> Event {
    Event::Measure {
        name: name.into(),
        value,
        unit: String::new(),
        label: String::new(),
    }
}

fn seen(spec: &UnitSpec, events: &[Event], exit: Exit) -> Seen {
    let ids = spec.chapters.iter().map(|c| c.id.clone());
    let mut transcript = Transcript::new(ids, spec.mode);
    for (at, event) in events.iter().enumerate() {
        transcript.push(event.clone(), at as f64);
    }
    Seen {
        exit: Some(exit),
        transcript,
        secs: events.len() as f64,
        ..Seen::nothing(spec)
    }
}

fn signal(name: &str) -> Exit {
    Exit::Signal(name.into())
}

#[test]
fn a_plain_command_is_judged_by_its_exit() {
    let spec = spec(Mode::Isolated, false, &["a"]);
    let outcome = |events: &[Event], exit| classify(&spec, &seen(&spec, events, exit)).outcome;
    assert_eq!(outcome(&[], Exit::Code(0)), Outcome::Passed);
    assert_eq!(outcome(&[], Exit::Code(139)), Outcome::Failed);
    assert_eq!(outcome(&[], signal("SIGSEGV")), Outcome::Crashed);
    assert_eq!(outcome(&[failed("a")], Exit::Code(0)), Outcome::Failed);
    assert_eq!(outcome(&[started("other")], Exit::Code(0)), Outcome::Passed);
}

#[test]
fn a_worker_must_send_a_verdict() {
    let spec = spec(Mode::Isolated, true, &["a"]);
    let judge = |events: &[Event], exit| classify(&spec, &seen(&spec, events, exit));
    let whole = [started("a"), passed("a")];
    assert_eq!(judge(&whole, Exit::Code(0)).outcome, Outcome::Passed);
    assert_eq!(judge(&whole, Exit::Code(1)).outcome, Outcome::Failed);
    assert_eq!(judge(&whole[..1], Exit::Code(0)).outcome, Outcome::Failed);
    assert_eq!(judge(&[], Exit::Code(0)).outcome, Outcome::Failed);
    let exiting = judge(&whole, signal("SIGSEGV"));
    assert_eq!(exiting.outcome, Outcome::Crashed);
    assert!(exiting.reason.unwrap().contains("exiting"));
    let no_device = [Event::Unavailable {
        reason: "no GPU".into(),
    }];
    assert_eq!(
        judge(&no_device, Exit::Code(3)).outcome,
        Outcome::NotStarted
    );
}

#[test]
fn a_death_by_the_signal_that_stops_the_run_is_no_crash() {
    let spec = spec(Mode::Isolated, false, &["a"]);
    for (exit, reason) in [
        (
            signal("SIGTERM"),
            "SIGTERM, when the run was stopped by SIGINT",
        ),
        (
            Exit::Code(143),
            "exit code 143, when the run was stopped by SIGINT",
        ),
    ] {
        assert_eq!(StopSignal::killed(&exit), Some(StopSignal::Terminate));
        let mut facts = seen(&spec, &[], exit);
        assert_ne!(classify(&spec, &facts).outcome, Outcome::Interrupted);
        facts.stopped_with_run = Some(StopSignal::Interrupt);
        let verdict = classify(&spec, &facts);
        assert_eq!(verdict.outcome, Outcome::Interrupted);
        assert_eq!(verdict.reason.as_deref(), Some(reason));
    }
    for exit in [signal("SIGSEGV"), signal("SIGKILL"), Exit::Code(1)] {
        assert_eq!(StopSignal::killed(&exit), None);
    }
}

#[test]
fn a_kill_by_the_supervisor_is_never_a_crash() {
    let spec = spec(Mode::Isolated, false, &["a"]);
    let mut facts = seen(&spec, &[], signal("SIGSEGV"));
    facts.killed = Some(Kill::TimeLimit);
    let verdict = classify(&spec, &facts);
    assert_eq!(verdict.outcome, Outcome::TimedOut);
    assert_eq!(
        verdict.reason.as_deref(),
        Some("killed after its time limit of 9s")
    );
    facts.killed = Some(Kill::Interrupt);
    assert_eq!(classify(&spec, &facts).outcome, Outcome::Interrupted);
    facts.killed = None;
    facts.exit = Some(signal("SIGKILL"));
    let verdict = classify(&spec, &facts);
    assert_eq!(verdict.outcome, Outcome::Crashed);
    assert_eq!(verdict.reason.unwrap(), "SIGKILL from outside");
    facts.near_memory_limit = true;
    let reason = classify(&spec, &facts).reason.unwrap();
    assert!(reason.contains("out of memory suspected"), "{reason}");
    facts.oom_kills = 1;
    assert_eq!(classify(&spec, &facts).outcome, Outcome::OutOfMemory);
}

#[test]
fn the_crash_of_a_descendant_counts_unless_the_attempt_passed() {
    use crate::suite::DescendantCrash::{Count, Note};
    for (rule, code, expected) in [
        (None, 0, Outcome::Passed),
        (None, 1, Outcome::Crashed),
        (Some(Note), 1, Outcome::Failed),
        (Some(Count), 0, Outcome::Crashed),
    ] {
        let mut spec = spec(Mode::Isolated, false, &["a"]);
        spec.process.descendants = rule;
        let mut facts = seen(&spec, &[], Exit::Code(code));
        facts.descendants = vec![DescendantDeath {
            program: "cc1".into(),
            signal: "SIGSEGV".into(),
        }];
        let verdict = classify(&spec, &facts);
        assert_eq!(verdict.outcome, expected, "{rule:?} {code}");
        assert_eq!(verdict.notes, ["descendants died: `cc1` of SIGSEGV"]);
    }
}

fn outcomes(verdict: &crashrate_model::Ended) -> Vec<Outcome> {
    verdict.chapters.iter().map(|c| c.outcome).collect()
}

#[test]
fn a_death_belongs_to_the_chapter_that_was_running() {
    use Outcome::*;
    let spec = spec(Mode::Sequential, true, &["a", "b", "c"]);
    let judge = |events: &[Event], exit| classify(&spec, &seen(&spec, events, exit));
    let events = [
        started("a"),
        passed("a"),
        started("b"),
        passed("b"),
        started("c"),
        passed("c"),
    ];
    let died = |n: usize| judge(&events[..n], signal("SIGSEGV"));

    assert_eq!(judge(&events, Exit::Code(0)).outcome, Passed);
    assert_eq!(outcomes(&died(3)), [Passed, Crashed, Unreached]);
    assert_eq!(died(3).died_in, Some(DiedIn::Chapter("b".into())));
    assert_eq!(outcomes(&died(0)), [Unreached, Unreached, Unreached]);
    assert_eq!(died(0).died_in, Some(DiedIn::Between));
    assert_eq!(outcomes(&died(4)), [Passed, Passed, Unreached]);
    assert_eq!(died(4).died_in, Some(DiedIn::Between));
    assert_eq!(outcomes(&died(6)), [Passed, Passed, Passed]);
    assert_eq!(died(6).died_in, Some(DiedIn::Exit));
    assert_eq!(died(6).outcome, Crashed);
}

#[test]
fn a_sequence_that_ends_by_itself() {
    use Outcome::*;
    let spec = spec(Mode::Sequential, true, &["a", "b"]);
    let judge = |events: &[Event], exit| classify(&spec, &seen(&spec, events, exit));
    let goes_on = judge(
        &[started("a"), failed("a"), started("b"), passed("b")],
        Exit::Code(1),
    );
    assert_eq!(
        (goes_on.outcome, outcomes(&goes_on)),
        (Failed, vec![Failed, Passed])
    );
    let early = judge(&[started("a"), passed("a")], Exit::Code(0));
    assert_eq!(
        (early.outcome, outcomes(&early)),
        (Failed, vec![Passed, Unreached])
    );
    let mute = judge(&[started("a"), started("b"), passed("b")], Exit::Code(0));
    assert_eq!(
        (mute.outcome, outcomes(&mute)),
        (Failed, vec![Failed, Passed])
    );
    let late = [started("a"), passed("a"), started("b"), passed("b")];
    let late = judge(&late, Exit::Code(3));
    assert_eq!(
        (late.outcome, outcomes(&late)),
        (Failed, vec![Passed, Passed])
    );
    assert_eq!(late.died_in, None);
}

#[test]
fn expectations_are_judged_on_their_devices_with_both_numbers() {
    let mut spec = spec(Mode::Isolated, false, &["a"]);
    spec.chapters[0].expect = vec![Expect {
        measure: "efficiency".into(),
        label: String::new(),
        at_most: Some(0.5),
        at_least: None,
        on: vec!["cuda".into()],
    }];
    let hello = |device: &str| Event::Hello {
        device: device.into(),
        versions: BTreeMap::new(),
    };
    let judge = |device, value| {
        classify(
            &spec,
            &seen(
                &spec,
                &[hello(device), measured("efficiency", value)],
                Exit::Code(0),
            ),
        )
    };
    assert_eq!(judge("cpu", 0.9).outcome, Outcome::Passed);
    assert_eq!(judge("cuda:0", 0.4).outcome, Outcome::Passed);
    let miss = judge("cuda:0", 0.9);
    assert_eq!(miss.outcome, Outcome::Failed);
    assert_eq!(
        miss.reason.as_deref(),
        Some("expected efficiency at most 0.5, measured 0.9")
    );
    let silent = classify(&spec, &seen(&spec, &[hello("cuda:0")], Exit::Code(0)));
    assert!(silent.reason.unwrap().contains("not measured"));
}

#[test]
fn output_of_a_child_is_bounded() {
    let spec = spec(Mode::Isolated, false, &["a"]);
    let mut events = vec![measured("m", 1.0); 5000];
    events.extend(vec![
        Event::Note {
            text: "x".repeat(9999)
        };
        50
    ]);
    let verdict = classify(&spec, &seen(&spec, &events, Exit::Code(0)));
    assert_eq!(verdict.measures.len(), 4096);
    assert_eq!(verdict.notes.len(), 22);
    assert!(verdict.notes.iter().all(|n| n.len() < 2100));
}

/// A chapter that never started was not reached, even if the child sends a verdict for it.
#[test]
fn a_verdict_without_a_start_does_not_count_in_a_sequence() {
    let sequence = spec(Mode::Sequential, true, &["a", "b"]);
    let events = [started("a"), passed("b"), passed("a"), failed("b")];
    let verdict = classify(&sequence, &seen(&sequence, &events, Exit::Code(0)));
    let ends: Vec<_> = verdict.chapters.iter().map(|c| c.outcome).collect();
    assert_eq!(ends, [Outcome::Passed, Outcome::Unreached]);
    assert_eq!(verdict.outcome, Outcome::Failed);
    assert_eq!(verdict.notes.len(), 2, "{:?}", verdict.notes);
    // In isolated mode, starting the process starts its only chapter.
    let alone = spec(Mode::Isolated, true, &["a"]);
    let verdict = classify(&alone, &seen(&alone, &[passed("a")], Exit::Code(0)));
    assert_eq!(verdict.outcome, Outcome::Passed);
}
