//! Reading a journal that is being written, torn, corrupt, or of a newer version.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use crashrate_model::{JOURNAL_VERSION, Record, StopReason};
use serde_json::json;

use crate::util::{Place, journal_of, records, until};

/// A run that has ended: six rounds, three of them failed.
fn finished() -> (Place, PathBuf) {
    let place = Place::new();
    place.suite(
        r#"
        [defaults]
        rounds = 3

        [[chapter]]
        id = "yes"
        command = ["true"]

        [[chapter]]
        id = "no"
        command = ["sh", "-c", "echo no; exit 1"]
        "#,
    );
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let journal = place.run().join("journal.jsonl");
    (place, journal)
}

/// Replaces line `number` of the journal, counted from 1.
fn replace_line(journal: &PathBuf, number: usize, with: &[u8]) {
    let bytes = fs::read(journal).unwrap();
    let mut lines: Vec<_> = bytes.split_inclusive(|&b| b == b'\n').collect();
    lines[number - 1] = with;
    fs::write(journal, lines.concat()).unwrap();
}

/// Checks that `report` exits with 96 and one line that names the journal. Returns that line.
fn refused(place: &Place) -> String {
    let done = place.crashrate(&["report", "1"]).expect(96);
    assert_eq!(done.stdout, "");
    let lines: Vec<_> = done.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{}", done.stderr);
    assert!(lines[0].contains("journal.jsonl"), "{}", lines[0]);
    // The list of runs still works and says which journal cannot be read.
    let runs = place.crashrate(&["runs"]).expect(0);
    assert!(runs.stdout.contains("cannot be read"), "{}", runs.stdout);
    lines[0].to_owned()
}

#[test]
fn has_every_attempt_between_opened_and_closed() {
    let (place, journal) = finished();
    let text = fs::read_to_string(journal).unwrap();
    let kind = |line: &str| -> serde_json::Value {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["rec"].clone()
    };
    let kinds: Vec<_> = text.lines().map(kind).collect();
    let pairs = ["started", "ended"].repeat(6);
    // The failing chapter may hide the crash of a descendant, so its first round is repeated for
    // evidence.
    let expected = [&["opened"], &pairs[..], &["evidence", "closed"]].concat();
    assert_eq!(kinds, expected);
    assert_eq!(place.journal().closed[0].why, StopReason::Done);
}

#[test]
fn a_torn_tail_is_no_record() {
    let (place, journal) = finished();
    let before = place.json();
    let tails: [&[u8]; 3] = [br#"{"rec":"started","unit":0,"ro"#, b"{", b"\xff\xfe"];
    for tail in tails {
        let whole = fs::read(&journal).unwrap();
        let mut file = OpenOptions::new().append(true).open(&journal).unwrap();
        file.write_all(tail).unwrap();
        assert_eq!(place.json(), before);
        fs::write(&journal, whole).unwrap();
    }
}

#[test]
fn a_truncated_journal_is_that_of_a_killed_run() {
    let (place, journal) = finished();
    let text = fs::read_to_string(&journal).unwrap();
    // Cut in the middle of the last `ended` record.
    let cut = text.rfind("{\"rec\":\"ended\"").unwrap() + 20;
    fs::write(&journal, &text[..cut]).unwrap();
    let json = place.json();
    assert_eq!(json["totals"]["outcomes"]["lost"], 1);
    assert_eq!(json["totals"]["first_attempt"]["n"], 5);
    assert_eq!(json["run"]["complete"], false);
}

#[test]
fn a_corrupt_line_is_named() {
    let (place, journal) = finished();
    replace_line(&journal, 4, b"{\"rec\":\"started\",\"unit\":0\n");
    let message = refused(&place);
    let says = format!(
        "error: {}:4: the line has no checksum at its end",
        journal.display()
    );
    assert_eq!(message, says);
}

#[test]
fn a_line_of_bytes_is_named() {
    let (place, journal) = finished();
    replace_line(&journal, 3, b"\x00\xff\xfe\x80\n");
    let message = refused(&place);
    assert!(message.contains("journal.jsonl:3: "), "{message}");
}

#[test]
fn an_impossible_record_is_named() {
    let (place, journal) = finished();
    let mut records = records(&place.run());
    let Record::Started(started) = &mut records[1] else {
        panic!("expected a `started` record");
    };
    started.unit = 9;
    fs::write(&journal, journal_of(&records)).unwrap();
    let message = refused(&place);
    assert!(message.contains("unit 9, but the plan has 2"), "{message}");
}

#[test]
fn a_newer_version_is_named() {
    let (place, journal) = finished();
    let text = fs::read_to_string(&journal).unwrap();
    let now = format!("\"v\":{JOURNAL_VERSION}");
    let newer = text.replacen(&now, "\"v\":99", 1);
    fs::write(&journal, newer).unwrap();
    let message = refused(&place);
    assert!(message.contains("version 99"), "{message}");
}

#[test]
fn an_empty_journal_is_named() {
    let (place, journal) = finished();
    fs::write(&journal, "").unwrap();
    refused(&place);
}

#[test]
fn a_second_process_may_read_it_while_it_is_live() {
    let place = Place::new();
    place.suite(
        r#"
        [[chapter]]
        id = "quick"
        rounds = 1
        command = ["true"]

        [[chapter]]
        id = "wait"
        rounds = 2
        command = ["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done"]
        "#,
    );
    let mut run = place.command(&["run", "suite.toml", "--jobs", "2"]);
    let live = place.start(&mut run);
    until("`quick` has ended and both rounds of `wait` run", || {
        let journal = place.journal_so_far();
        (journal.started.len(), journal.ended.len()) == (3, 1)
    });
    let json = place.json();
    assert_eq!(json["run"]["live"], true);
    assert_eq!(json["run"]["complete"], false);
    assert_eq!(json["run"]["finished"], json!(null));
    assert_eq!(json["totals"]["outcomes"], json!({"passed": 1}));
    let running: Vec<_> = json["running"].as_array().unwrap().iter().collect();
    let rounds: Vec<_> = running.iter().map(|r| (&r["name"], &r["round"])).collect();
    let name = json!("wait");
    assert_eq!(rounds, [(&name, &json!(1)), (&name, &json!(2))]);
    let terminal = place.crashrate(&["report"]).expect(0).stdout;
    assert!(terminal.contains("RUNNING  "), "{terminal}");
    let runs = place.crashrate(&["runs"]).expect(0).stdout;
    let words: Vec<_> = runs.split_whitespace().collect();
    let state = ["running", "1", "of", "3"];
    assert!(words.windows(4).any(|words| words == state), "{runs}");
    // Reading does not disturb the writer.
    place.write("go", "");
    live.wait().expect(0);
    let json = place.json();
    assert_eq!(json["run"]["live"], false);
    assert_eq!(json["totals"]["outcomes"], json!({"passed": 3}));
}
