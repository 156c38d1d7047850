//! Programs, attempts, runs and evidence files are identified by values that cannot coincide by
//! chance.

use std::collections::BTreeSet;
use std::fs;

use crashrate_model::Outcome;
use serde_json::json;

use crate::util::{Place, id};

/// Regression: reproducible builds, `cp -p`, tar and rsync preserve size and time, so rounds of two
/// programs were pooled.
#[test]
fn a_program_replaced_in_place_with_equal_size_and_time_is_noticed() {
    let place = Place::new();
    for (name, code) in [("program", 0), ("new", 7)] {
        let script = format!(
            "#!/bin/sh\n[ $CRASHRATE_ROUND = 3 ] && cp -p new program\nsleep 0.02\nexit {code}\n"
        );
        let path = place.program(name, &script);
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1);
        fs::File::options()
            .append(true)
            .open(path)
            .unwrap()
            .set_modified(time)
            .unwrap();
    }
    let run = ["run", "--rounds", "8", "--", "./program"];
    let done = place.crashrate(&run).expect(106);
    assert!(
        done.stderr.contains("program was replaced (sha256 "),
        "{}",
        done.stderr
    );
    let outcomes: Vec<_> = place.journal().ended.iter().map(|e| e.outcome).collect();
    assert!(!outcomes.contains(&Outcome::Failed), "{outcomes:?}");
}

/// Regression: a byte held the number of attempts of a round, so resumed runs measured some
/// attempts twice.
#[test]
fn hundreds_of_retries_are_resumed_where_they_were() {
    let place = Place::new();
    place.suite(
        "[[chapter]]\nid = \"x\"\nrounds = 1\nretries = 280\ncommand = [\"sh\", \"-c\", \"[ $CRASHRATE_ATTEMPT = 270 ] && [ ! -e go ] && kill -9 $PPID; exit 1\"]\n",
    );
    place
        .crashrate(&["run", "suite.toml", "--evidence=none"])
        .expect(-9);
    assert_eq!(place.journal().ended.len(), 269);
    place.write("go", "");
    place
        .crashrate(&["run", "--resume", "1", "--evidence=none"])
        .expect(100);
    let journal = place.journal();
    let measured = journal.ended.iter().filter(|e| e.outcome.counts());
    let attempts: Vec<_> = measured.map(|e| e.attempt).collect();
    assert_eq!(attempts, (1..=281).collect::<Vec<_>>());
    let row = &place.json()["chapters"][0];
    assert_eq!(row["first_attempt"], json!({"bad": 0, "n": 1}));
    assert_eq!(row["attempts"], 282, "one attempt was lost");
}

#[test]
fn run_numbers_are_unique() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 1\ncommand = [\"true\"]\n");
    let run = |more: &[&str]| place.crashrate(&[&["run", "suite.toml"], more].concat());
    run(&["--number", "5"]).expect(0);
    let taken = run(&["--number", "5"]).expect(96);
    let says = "error: there is a run N=5 already: ";
    assert!(taken.stderr.starts_with(says), "{}", taken.stderr);
    run(&[]).expect(0);
    run(&["--number", "999999999"]).expect(0);
    run(&[]).expect(0);
    // Another folder has the highest possible number.
    let last = place.runs().pop().unwrap();
    let renamed = id(&last).replacen("1000000000", "4294967295", 1);
    std::fs::rename(&last, last.with_file_name(renamed)).unwrap();
    for _ in 0..2 {
        let none = run(&[]).expect(96);
        assert!(
            none.stderr
                .contains("give the new run a free one with --number"),
            "{}",
            none.stderr
        );
        assert_eq!(none.stderr.lines().count(), 1, "{}", none.stderr);
    }
    run(&["--number", "7"]).expect(0);
    let number = |run: &std::path::PathBuf| id(run).split('-').next().unwrap().to_owned();
    let numbers: Vec<_> = place.runs().iter().map(number).collect();
    assert_eq!(numbers, ["5", "6", "7", "999999999", "4294967295"]);
}

/// Regression: chapter `a` under variant `isolated-x` and chapter `a-isolated` under variant `x`
/// shared one file.
#[test]
fn no_two_attempts_share_a_file_of_evidence() {
    let place = Place::new();
    place.suite(
        r#"
        [defaults]
        rounds = 2
        [[chapter]]
        id = "a"
        command = ["sh", "-c", "echo a; kill -SEGV $$"]
        [[chapter]]
        id = "a-isolated"
        command = ["sh", "-c", "echo b; kill -ABRT $$"]
        [[variant]]
        id = "x"
        [[variant]]
        id = "isolated-x"
        "#,
    );
    place
        .crashrate(&[
            "run",
            "suite.toml",
            "--variant",
            "x",
            "--variant",
            "isolated-x",
        ])
        .expect(100);
    let journal = place.journal();
    let outputs: BTreeSet<_> = journal
        .ended
        .iter()
        .filter_map(|e| e.output.clone())
        .collect();
    assert_eq!(outputs.len(), 8, "{outputs:?}");
    for ended in &journal.ended {
        let text = fs::read_to_string(place.run().join(ended.output.as_ref().unwrap())).unwrap();
        let says = if journal.name(ended.unit) == "a" {
            "\na\n"
        } else {
            "\nb\n"
        };
        assert!(text.contains(says), "{ended:?}: {text}");
    }
    let crashes = journal
        .ended
        .iter()
        .filter_map(|e| e.crash.as_ref()?.file.clone());
    let crashes: Vec<_> = crashes.collect();
    let different: BTreeSet<_> = crashes.iter().collect();
    assert_eq!(different.len(), crashes.len(), "{crashes:?}");
}
