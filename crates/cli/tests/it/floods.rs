//! Children that write too much: what the supervisor keeps of it is bounded in memory and on disk.

use std::fs;

use crashrate_model::Exit;
use crashrate_testkit::processes::run_watched;
use crashrate_testkit::programs;
use serde_json::{Value, json};

use crate::util::{Place, row};

/// Upper limit on the supervisor's peak memory in bytes, far below what its children write.
const MEMORY: u64 = 100_000_000;

/// Runs one round of a misbehaviour and checks the supervisor's peak memory.
fn flood(args: &[&str], exit: i32) -> (Place, Value) {
    let place = Place::new();
    let command = json!([&[programs().misbehave.to_str().unwrap()], args].concat());
    place.suite(&format!(
        "[[chapter]]\nid = \"x\"\ntimeout = \"10m\"\ncommand = {command}\n"
    ));
    let run = ["run", "suite.toml", "--rounds", "1"];
    let watched = run_watched(&mut place.command(&run)).unwrap();
    assert_eq!(watched.exit, Exit::Code(exit), "{}", watched.stderr);
    let mb = watched.peak_memory / 1_000_000;
    assert!(watched.peak_memory < MEMORY, "{mb} MB");
    let row = row(&place.json()["chapters"], "chapter", "x").clone();
    (place, row)
}

#[test]
fn of_standard_output() {
    let (place, row) = flood(&["flood-stdout", "2000000000"], 0);
    assert_eq!(row["outcomes"], json!({"passed": 1}));
    let kept = fs::read_dir(place.run().join("output")).unwrap();
    assert_eq!(
        kept.count(),
        0,
        "the output of a passed attempt is not kept"
    );
}

#[test]
fn of_one_event_that_never_ends() {
    let (_, row) = flood(&["long-line", "150000000"], 0);
    assert_eq!(row["outcomes"], json!({"passed": 1}));
    let notes = row["notes"].as_array().unwrap();
    assert_eq!(notes.len(), 1, "{row:#}");
}

#[test]
fn of_events() {
    let (place, row) = flood(&["many-events", "60000"], 0);
    assert_eq!(row["outcomes"], json!({"passed": 1}));
    let journal = fs::metadata(place.run().join("journal.jsonl")).unwrap();
    // All measures together would take more than a million bytes.
    assert!(journal.len() < 500_000, "{} bytes", journal.len());
}

#[test]
#[ignore = "gigabytes, for minutes: cargo test -p crashrate --release -- --ignored"]
fn in_full_size() {
    flood(&["long-line"], 0);
    flood(&["many-events"], 0);
    flood(&["flood-all"], 0);
}

#[test]
fn the_kept_output_of_failed_attempts_is_bounded() {
    let place = Place::new();
    place.suite(
        r#"
        [[chapter]]
        id = "loud"
        rounds = 2
        command = ["sh", "-c", "echo head; head -c 10000000 /dev/zero; echo tail; echo wrong >&2; exit 3"]

        [[chapter]]
        id = "silent"
        rounds = 1
        command = ["false"]

        [[chapter]]
        id = "passes"
        rounds = 1
        command = ["echo", "said"]
        "#,
    );
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let (run, journal) = (place.run(), place.journal());
    for ended in &journal.ended {
        let Some(output) = &ended.output else {
            assert_ne!(journal.name(ended.unit), "loud");
            continue;
        };
        let bytes = fs::read(run.join(output)).unwrap();
        assert!(bytes.len() < 100_000, "{} bytes", bytes.len());
        let text = String::from_utf8_lossy(&bytes);
        for kept in ["head\n", "bytes left out", "tail\n", "wrong\n"] {
            assert!(text.contains(kept), "{kept} in {output}");
        }
    }
    assert_eq!(fs::read_dir(run.join("output")).unwrap().count(), 2);
    let json = place.json();
    let reason = &row(&json["chapters"], "chapter", "loud")["reasons"][0];
    assert!(run.join(reason["output"].as_str().unwrap()).is_file());
}
