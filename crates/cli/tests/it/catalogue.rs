//! Runs every misbehaviour of the testkit's catalogue and checks outcomes, signals, exit codes, and
//! where a sequence died.

use std::process::Command;

use crashrate_model::{Ended, Exit, Outcome};
use crashrate_testkit::catalogue::{FIRST, LAST, Size, isolated_suite, sequence_suite};
use crashrate_testkit::processes::run_watched;
use crashrate_testkit::{Case, InSequence, catalogue, programs};
use serde_json::{Value, json};

use crate::util::{Place, row};

/// Upper limit on the supervisor's peak memory in bytes, whatever its children do.
const MEMORY: u64 = 100_000_000;

#[test]
fn isolated_one_after_another() {
    isolated(&["run", "suite.toml", "--mode", "isolated"]);
}

#[test]
fn isolated_several_at_the_same_time() {
    isolated(&["run", "suite.toml", "--mode", "isolated", "--jobs", "4"]);
}

fn isolated(args: &[&str]) {
    let (place, cases) = (Place::new(), catalogue());
    let suite = isolated_suite(&cases, programs(), Size::Small);
    place.write("suite.toml", renamed(&suite, &place));
    watched(&mut place.command(args));

    let (json, journal) = (place.json(), place.journal());
    assert_eq!(json["chapters"].as_array().unwrap().len(), cases.len());
    for case in &cases {
        let chapter = row(&json["chapters"], "chapter", &case.name);
        let ended = journal.only_end_of(&case.name);
        assert_counts(&case.name, chapter, case.outcome, ended);
        let exit = ended.exit();
        assert!(
            exit.is_some_and(|exit| case.ends_with(exit)),
            "{case:?}: {ended:?}"
        );
        assert_notes(case, chapter);
    }
}

/// Checks the row of a chapter whose single round ended with `outcome`.
fn assert_counts(name: &str, row: &Value, outcome: Outcome, ended: &Ended) {
    assert_eq!(row["outcomes"], json!({ outcome.word(): 1 }), "{row:#}");
    assert_eq!(row["mode"], "isolated", "{name}");
    let bad = i32::from(matches!(outcome, Outcome::Crashed | Outcome::TimedOut));
    let rate = json!({"bad": bad, "n": i32::from(outcome.counts())});
    assert_eq!(row["first_attempt"], rate, "{name}");
    assert_eq!(row["after_retries"], rate, "{name}");
    // The list leaves out signals that crashrate sent.
    let signals = match (&ended.exit, outcome) {
        (Some(Exit::Signal(signal)), Outcome::Crashed) => json!({ signal.as_str(): 1 }),
        _ => json!({}),
    };
    assert_eq!(row["signals"], signals, "{name}");
    if let (Some(Exit::Code(code)), Outcome::Failed) = (&ended.exit, outcome)
        && *code > 1
    {
        let reason = &row["reasons"][0]["text"];
        assert_eq!(reason, &format!("exit code {code}"), "{name}");
    }
}

/// Checks the notes about garbage events and leftover processes.
fn assert_notes(case: &Case, row: &Value) {
    let notes: Vec<_> = row["notes"].as_array().unwrap().iter().collect();
    let note = |words: &str| {
        let said = |note: &&&Value| note["text"].as_str().unwrap().contains(words);
        notes.iter().find(said).is_some()
    };
    // On other systems the supervisor may not see these processes, or something else kills them.
    if cfg!(target_os = "linux") {
        assert_eq!(note("behind, killed"), case.leaves_processes, "{row:#}");
    }
    if case.garbage {
        assert!(!notes.is_empty(), "{row:#}");
    }
}

#[test]
fn in_a_sequence_run_by_the_worker() {
    let suite = sequence_suite(&catalogue(), programs(), Size::Small);
    in_sequence(&suite);
}

#[test]
fn in_a_sequence_with_its_own_command() {
    let suite = sequence_suite(&catalogue(), programs(), Size::Small);
    let command = json!([programs().sequence_runner]);
    let own = format!("[[sequence]]\ncommand = {command}\n");
    in_sequence(&suite.replace("[[sequence]]\n", &own));
}

fn in_sequence(suite: &str) {
    let (place, cases) = (Place::new(), catalogue());
    place.write("suite.toml", renamed(suite, &place));
    // Some cases run into their time limits. Parallel jobs let them wait at the same time.
    let args = ["run", "suite.toml", "--mode", "sequential", "--jobs", "4"];
    watched(&mut place.command(&args));

    let (json, journal) = (place.json(), place.journal());
    for case in &cases {
        let Some(sequence) = &case.sequence else {
            continue;
        };
        let whole = row(&json["sequences"], "sequence", &case.name);
        assert_sequence(&case.name, whole, sequence);
        let ended = journal.only_end_of(&case.name);
        assert_eq!(ended.outcome, sequence.whole, "{ended:?}");
        assert_eq!(ended.died_in, sequence.died_in, "{ended:?}");
        let expected = [
            (FIRST, first(sequence)),
            (case.name.as_str(), sequence.outcome),
            (LAST, sequence.last),
        ];
        for (position, (chapter, outcome)) in (1..).zip(expected) {
            let row = chapter_of(&json, chapter, &case.name);
            assert_eq!(row["position"], position, "{row:#}");
            assert_eq!(row["outcomes"], json!({ outcome.word(): 1 }), "{row:#}");
            let reached = i32::from(outcome.counts());
            assert_eq!(row["reached"], reached, "{row:#}");
            assert_eq!(row["first_attempt"]["n"], reached, "{row:#}");
        }
    }
}

/// The expected outcome of the first chapter. After a setup error nothing that the process did
/// counts.
fn first(sequence: &InSequence) -> Outcome {
    match sequence.whole {
        Outcome::NotStarted => Outcome::NotStarted,
        _ => Outcome::Passed,
    }
}

fn assert_sequence(name: &str, row: &Value, expected: &InSequence) {
    assert_eq!(
        row["outcomes"],
        json!({ expected.whole.word(): 1 }),
        "{row:#}"
    );
    assert_eq!(row["order"], json!([expected.whole.word()]), "{name}");
    let place = expected.died_in.as_ref().map(|place| json!(place));
    let place = match &place {
        Some(Value::String(between_or_exit)) => Some(between_or_exit.as_str()),
        Some(chapter) => chapter["chapter"].as_str(),
        None => None,
    };
    for (key, count) in row["died_in"].as_object().unwrap() {
        assert_eq!(*count, i32::from(Some(key.as_str()) == place), "{row:#}");
    }
}

fn chapter_of<'a>(json: &'a Value, chapter: &str, sequence: &str) -> &'a Value {
    let rows = json["chapters"].as_array().unwrap();
    let is = |row: &&Value| row["chapter"] == chapter && row["sequence"] == sequence;
    rows.iter().find(is).unwrap()
}

/// Runs the command and checks its peak memory. One case cannot be started, so the run is
/// incomplete (exit code 106).
fn watched(command: &mut Command) {
    let done = run_watched(command).unwrap();
    assert_eq!(done.exit, Exit::Code(106), "{}", done.stderr);
    let mb = done.peak_memory / 1_000_000;
    assert!(done.peak_memory < MEMORY, "{mb} MB: {}", done.stdout);
}

/// The suite with a unique name, so that the process markers of parallel runs differ.
fn renamed(suite: &str, place: &Place) -> String {
    suite.replacen("name = \"", &format!("name = \"{}-", place.name), 1)
}
