//! Long runs and large suites: the size of a round in the journal, and the memory for a report of
//! many rounds.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::util::Place;

/// Allowance in bytes for late rounds, whose records are longer: round numbers up to a million and
/// times up to an hour have more digits.
const DIGITS: usize = 16;

#[test]
fn a_passing_round_is_less_than_280_bytes_of_journal() {
    for tracing in [&[][..], &["--evidence=none"]] {
        let place = Place::new();
        place.suite("[[chapter]]\nid = \"yes\"\ncommand = [\"true\"]\nrounds = 5\n");
        let arguments = [&["run", "suite.toml"], tracing].concat();
        place.crashrate(&arguments).expect(0);
        let text = fs::read_to_string(place.run().join("journal.jsonl")).unwrap();
        let lines: Vec<_> = text.split_inclusive('\n').collect();
        let rounds = lines[1..lines.len() - 1].chunks(2);
        assert_eq!(rounds.len(), 5, "{text}");
        for round in rounds {
            let bytes: usize = round.iter().map(|line| line.len() - load_mark(line)).sum();
            assert!(bytes + DIGITS < 280, "{bytes} bytes: {round:?}");
        }
    }
}

/// The length of the mark that a round has on a busy machine.
fn load_mark(line: &str) -> usize {
    let record: Value = serde_json::from_str(line).unwrap();
    match &record["disturbance"] {
        Value::Null => 0,
        mark => format!(",\"disturbance\":{mark}").len(),
    }
}

/// Makes every format of the report of 200,000 rounds, of which every hundredth crashed.
///
/// The limit applies to the address space, which includes the program itself. It is too small to
/// keep every attempt in memory.
#[test]
#[cfg(target_os = "linux")]
fn a_report_of_very_many_rounds_takes_little_memory() {
    use crashrate_model::{CrashRef, Ended, Exit, Outcome, Record, Started, Usage};

    use crate::util::{journal_of, records};

    const ROUNDS: u32 = 200_000;
    const KIB: usize = 128 * 1024;
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"yes\"\ncommand = [\"true\"]\nrounds = 1\n");
    place
        .crashrate(&["run", "suite.toml", "--evidence=none"])
        .expect(0);
    let journal = place.run().join("journal.jsonl");
    let mut records = records(&place.run());
    let closed = records.pop().unwrap();
    records.truncate(1);
    let Record::Opened(opened) = &mut records[0] else {
        panic!("expected an `opened` record");
    };
    opened.run.units[0].rounds = ROUNDS;
    for round in 1..=ROUNDS {
        let outcome = match round % 100 {
            0 => Outcome::Crashed,
            _ => Outcome::Passed,
        };
        let mut ended = Ended {
            secs: Some(0.001),
            usage: Some(Usage::default()),
            ..Ended::of(0, round, 1, outcome)
        };
        if outcome == Outcome::Crashed {
            ended.exit = Some(Exit::Signal("SIGSEGV".into()));
            ended.crash = Some(CrashRef {
                signature: "v1 | SIGSEGV | a<b".into(),
                file: None,
            });
        }
        records.push(Record::Started(Started {
            unit: 0,
            round,
            attempt: 1,
            at: 0.0,
            opened: None,
        }));
        records.push(Record::Ended(Box::new(ended)));
    }
    records.push(closed);
    fs::write(&journal, journal_of(&records)).unwrap();
    for (format, lines) in [
        ("terminal", 1),
        ("markdown", 1),
        ("html", 1),
        ("json", 1),
        ("junit", 1),
        ("junit --junit-rounds", ROUNDS as usize),
        ("csv", ROUNDS as usize),
    ] {
        let crashrate = place.command(&[]).get_program().to_owned();
        let limited = format!("ulimit -v {KIB}; exec \"$0\" report 1 --format {format}");
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", &limited])
            .arg(crashrate)
            .env("CRASHRATE_RUNS_DIR", place.runs_dir())
            .current_dir(place.path());
        let done = place.start(&mut shell).wait().expect(0);
        assert!(done.stdout.lines().count() >= lines, "{format}");
    }
}

/// Chapters are looked up by name. None may be lost or confused with another.
#[test]
fn a_suite_of_thousands_of_chapters_is_run_and_reported() {
    const CHAPTERS: usize = 3_000;
    let place = Place::new();
    let mut body = "[defaults]\nrounds = 1\n".to_owned();
    for chapter in 0..CHAPTERS {
        let _ = write!(
            body,
            "[[chapter]]\nid = \"a-chapter-with-a-long-name-{chapter}\"\ncommand = [\"true\"]\n"
        );
    }
    body += "[[chapter]]\nid = \"first\"\ncommand = [\"false\"]\n";
    place.suite(&body);
    place
        .crashrate(&["run", "suite.toml", "--evidence=none", "--chapter", "first"])
        .expect(100);
    let list = place.crashrate(&["list", "suite.toml"]).expect(0);
    assert_eq!(list.stdout.lines().count(), CHAPTERS + 2);
    let _ = place.crashrate(&["run", "suite.toml", "--evidence=none", "--for", "1ms"]);
    let json: serde_json::Value = serde_json::from_str(
        &place
            .crashrate(&["report", "2", "--format", "json"])
            .expect(0)
            .stdout,
    )
    .unwrap();
    assert_eq!(json["totals"]["planned"], CHAPTERS + 1);
    assert_eq!(json["chapters"].as_array().unwrap().len(), CHAPTERS + 1);
}
