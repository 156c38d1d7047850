//! Shards: several machines run parts of one plan.

use std::collections::BTreeMap;
use std::path::Path;

use crashrate_model::Outcome;
use serde_json::Value;

use crate::merge;
use crate::util::{Done, Journal, Place};

/// Two chapters in both modes, whose results depend on the round and on its seed.
pub(crate) const BODY: &str = r#"
[defaults]
rounds = 7

[[chapter]]
id = "by-round"
command = ["sh", "-c", "exit $(( CRASHRATE_ROUND % 3 == 0 ))"]

[[chapter]]
id = "by-seed"
rounds = 5
command = ["sh", "-c", "exit $(( CRASHRATE_SEED % 2 ))"]
"#;

/// The outcome of each (unit, round), and the order in which they started.
pub(crate) type Rounds = (BTreeMap<(u32, u32), String>, Vec<(u32, u32)>);

pub(crate) fn rounds(run: &Path) -> Rounds {
    let journal = Journal::read(run);
    let started = journal.started.iter().map(|one| (one.unit, one.round));
    (merge::outcomes(run), started.collect())
}

fn with(place: &Place, variables: &[(&str, &str)], args: &[&str]) -> Done {
    let mut command = place.command(args);
    for name in [
        "TEST_TOTAL_SHARDS",
        "TEST_SHARD_INDEX",
        "SLURM_ARRAY_TASK_ID",
        "JOB_COMPLETION_INDEX",
        "BUILDKITE_PARALLEL_JOB",
        "BUILDKITE_PARALLEL_JOB_COUNT",
        "CI_NODE_INDEX",
        "CI_NODE_TOTAL",
        "CIRCLE_NODE_INDEX",
        "CIRCLE_NODE_TOTAL",
    ] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    place.start(&mut command).wait()
}

#[test]
fn shards_run_the_blocks_of_the_whole_run_in_its_order() {
    let place = Place::new();
    place.suite(BODY);
    let run = ["run", "suite.toml", "--seed", "7", "--quiet"];
    place.crashrate(&run).expect(100);
    for shard in ["1/3", "2/3", "3/3"] {
        // Rounds 3 and 6 of one chapter fail.
        let code = if shard == "3/3" { 100 } else { 0 };
        place
            .crashrate(&[&run[..], &["--shard", shard]].concat())
            .expect(code);
    }
    let runs = place.runs();
    let (whole, order) = rounds(&runs[0]);
    let mut joined = BTreeMap::new();
    for (index, run) in (1..).zip(&runs[1..]) {
        let (ended, started) = rounds(run);
        let mine = |key: &&(u32, u32)| (key.1 - 1) % 3 + 1 == index;
        let expected: Vec<_> = order.iter().filter(mine).copied().collect();
        assert_eq!(started, expected, "shard {index}");
        joined.extend(ended);
    }
    assert_eq!(joined, whole);
    let json = place.json();
    assert_eq!(json["run"]["shard"]["index"], 3);
    assert_eq!(json["run"]["shard"]["count"], 3);
    assert_eq!(json["run"]["complete"], true);
    // Rounds 3 and 6 of one chapter, and round 3 of the other.
    assert_eq!(json["totals"]["planned"], 3);
    let report = place.crashrate(&["report"]).expect(0).stdout;
    assert!(
        report.contains("3 rounds in ") && report.contains("· shard 3/3 ·"),
        "{report}"
    );
}

#[test]
fn a_shard_without_blocks_is_complete() {
    let place = Place::new();
    place.suite(BODY);
    let run = ["run", "suite.toml", "--seed", "7", "--shard", "9/9"];
    let done = place.crashrate(&run).expect(0);
    let says = "shard 9/9 has no block";
    assert!(done.stdout.contains(says), "{}", done.stdout);
    let json = place.json();
    assert_eq!(json["run"]["complete"], true);
    assert_eq!(json["totals"]["planned"], 0);
}

#[test]
fn a_stopped_shard_is_resumed_as_the_same_shard() {
    let place = Place::new();
    place.suite(BODY);
    let args = [
        "run",
        "suite.toml",
        "--seed",
        "7",
        "--shard",
        "1/2",
        "--max-failures",
        "1",
    ];
    place.crashrate(&args).expect(106);
    place.crashrate(&["run", "--resume", "latest"]).expect(100);
    let (ended, _) = rounds(&place.run());
    let expected = [(0, 1), (0, 3), (0, 5), (0, 7), (1, 1), (1, 3), (1, 5)];
    assert_eq!(ended.into_keys().collect::<Vec<_>>(), expected);
    let json = place.json();
    assert_eq!(json["run"]["complete"], true);
    // Both parts of its journal count as its time.
    let run = place.run().display().to_string();
    place.crashrate(&["merge", &run, "-o", "all"]).expect(106);
    let merged: Value = serde_json::from_str(&merge::report(&place, "all")).unwrap();
    assert_eq!(merged["run"]["seconds"], json["run"]["seconds"]);
}

#[test]
fn a_gate_of_a_shard_sees_its_own_rounds() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 2000\ncommand = [\"true\"]\n");
    let args = [
        "run",
        "suite.toml",
        "--seed",
        "7",
        "--gate",
        "bad < 20%",
        "--shard",
        "4/5",
    ];
    place.crashrate(&args).expect(0);
    let json = place.json();
    assert_eq!(json["run"]["stopped"], "decided");
    let n = json["totals"]["first_attempt"]["n"].as_u64().unwrap();
    assert!(n < 100, "{n}");
    // One machine alone refutes nothing: that is the merged run's part.
    let fails = "[[chapter]]\nid = \"x\"\nrounds = 20\ncommand = [\"false\"]\n";
    place.suite(&format!("bad = [\"failed\"]\n{fails}"));
    let done = place.crashrate(&args);
    assert_eq!(done.code(), 0, "{done:?}");
    assert!(
        done.stdout.contains("DONE  x failed in 3 of 3 rounds"),
        "{}",
        done.stdout
    );
    let note = "Only the merged run is judged.";
    assert!(done.stdout.contains(note), "{}", done.stdout);
}

#[test]
fn a_crashed_round_of_a_shard_is_repeated_without_the_shard() {
    let place = Place::new();
    place.suite(
        "[[chapter]]\nid = \"x\"\nrounds = 6\ncommand = [\"sh\", \"-c\", \"kill -SEGV $$\"]\n",
    );
    place
        .crashrate(&["run", "suite.toml", "--seed", "7", "--shard", "2/3"])
        .expect(100);
    let json = place.json();
    let repeat = json["crashes"][0]["repeat"].as_str().unwrap();
    assert_eq!(repeat, "crashrate run suite.toml --seed 7 --round 2");
}

#[test]
fn each_system_says_which_shard_it_is() {
    let place = Place::new();
    place.suite(BODY);
    let status = place.path().join("shard-status");
    let status_text = status.display().to_string();
    let cases: [(&str, &[(&str, &str)]); 6] = [
        (
            "2/7",
            &[
                ("TEST_TOTAL_SHARDS", "7"),
                ("TEST_SHARD_INDEX", "1"),
                ("TEST_SHARD_STATUS_FILE", &status_text),
                // As in a job of GitLab that is not divided.
                ("CI_NODE_TOTAL", "1"),
            ],
        ),
        (
            "3/7",
            &[
                ("SLURM_ARRAY_TASK_ID", "2"),
                ("SLURM_ARRAY_TASK_MIN", "0"),
                ("SLURM_ARRAY_TASK_MAX", "6"),
                ("SLURM_ARRAY_TASK_COUNT", "7"),
            ],
        ),
        (
            "7/7",
            &[("JOB_COMPLETION_INDEX", "6"), ("CRASHRATE_SHARDS", "7")],
        ),
        (
            "1/7",
            &[
                ("BUILDKITE_PARALLEL_JOB", "0"),
                ("BUILDKITE_PARALLEL_JOB_COUNT", "7"),
            ],
        ),
        ("7/7", &[("CI_NODE_INDEX", "7"), ("CI_NODE_TOTAL", "7")]),
        (
            "4/7",
            &[("CIRCLE_NODE_INDEX", "3"), ("CIRCLE_NODE_TOTAL", "7")],
        ),
    ];
    let args = [
        "run",
        "suite.toml",
        "--seed",
        "7",
        "--shard",
        "auto",
        "--quiet",
    ];
    for (expected, variables) in cases {
        with(&place, variables, &args);
        let shard = &place.json()["run"]["shard"];
        assert_eq!(format!("{}/{}", shard["index"], shard["count"]), expected);
    }
    assert!(status.exists());
    let none = with(&place, &[], &args).expect(96).stderr;
    assert!(
        none.contains("SLURM_ARRAY_TASK_ID") && none.contains("CI_NODE_INDEX"),
        "{none}"
    );
    let half = with(&place, &[("CI_NODE_INDEX", "1")], &args)
        .expect(96)
        .stderr;
    assert!(half.contains("CI_NODE_TOTAL is not set"), "{half}");
}

#[test]
fn wrong_shards_are_refused() {
    let place = Place::new();
    place.suite(BODY);
    let run = |more: &[&str]| {
        let args = [&["run", "suite.toml"], more].concat();
        place.crashrate(&args).expect(96).stderr
    };
    let no_seed = run(&["--shard", "1/2"]);
    assert!(
        no_seed.contains("add --seed N or --plan-file FILE"),
        "{no_seed}"
    );
    let beyond = run(&["--shard", "3/2", "--seed", "7"]);
    assert!(beyond.contains("there is no shard 3 of 2"), "{beyond}");
    let round = run(&["--shard", "1/2", "--seed", "7", "--round", "1"]);
    assert!(round.contains("cannot be used with"), "{round}");
}

#[test]
fn rounds_that_could_not_be_started_are_left_to_continue() {
    let place = Place::new();
    let restore = || place.program("now.sh", "#!/bin/sh\nrm now.sh\n");
    restore();
    let plan = ["plan-file", "-n", "4", "-o", "plan.json", "--", "./now.sh"];
    place.crashrate(&plan).expect(0);
    let shard = || place.crashrate(&["run", "plan.json", "--continue", "--shard", "1/2"]);
    shard().expect(106);
    restore();
    shard().expect(0);
    let ended = place.journal().ended;
    let ends: Vec<_> = ended.iter().map(|end| (end.round, end.outcome)).collect();
    let (passed, not_started) = (Outcome::Passed, Outcome::NotStarted);
    assert_eq!(ends, [(1, passed), (3, not_started), (3, passed)]);
    assert_eq!(place.runs().len(), 1);
}
