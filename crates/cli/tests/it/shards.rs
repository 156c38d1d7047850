//! Shards and plan files: several machines run parts of one plan.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crashrate_model::Outcome;
use serde_json::Value;

use crate::merge;
use crate::util::{Done, Journal, Place};

/// Two chapters in both modes, whose results depend on the round and on its seed.
const BODY: &str = r#"
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
type Rounds = (BTreeMap<(u32, u32), String>, Vec<(u32, u32)>);

fn rounds(run: &Path) -> Rounds {
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
fn a_plan_file_is_run_by_all_shards() {
    let place = Place::new();
    place.suite(BODY);
    let plan = ["plan-file", "suite.toml", "-n", "4", "--seed", "7", "-o"];
    place
        .crashrate(&[&plan[..], &["plan.json"]].concat())
        .expect(0);
    let text = fs::read_to_string(place.path().join("plan.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(file["units"][1]["rounds"], 4);
    // The content says that it is a plan.
    fs::rename(place.path().join("plan.json"), place.path().join("plan")).unwrap();
    place
        .crashrate(&["run", "plan", "--shard", "1/2"])
        .expect(100);
    place
        .crashrate(&["run", "plan", "--shard", "2/2"])
        .expect(0);
    place.crashrate(&["run", "plan"]).expect(100);
    let plans: Vec<_> = (place.runs().iter())
        .map(|run| Journal::read(run).opened[0].run.clone())
        .collect();
    for run in &plans {
        assert_eq!(run.plan.as_deref(), file["fingerprint"].as_str());
        assert_eq!(Some(run.seed), file["seed"].as_u64());
    }
    let runs = place.runs();
    let (whole, _) = rounds(&runs[2]);
    let (mut joined, _) = rounds(&runs[0]);
    joined.extend(rounds(&runs[1]).0);
    assert_eq!(joined, whole);
    // A round is repeated by the file, which has the seed.
    let machine = &plans[2].machine["command"];
    assert_eq!(machine, "crashrate run plan");
    place
        .crashrate(&["run", "plan", "--round", "3"])
        .expect(100);
    assert_eq!(place.json()["run"]["only_round"], 3);
    for change in [
        &["--seed", "8"][..],
        &["-n", "3"],
        &["--chapter", "by-seed"],
    ] {
        let args = [&["run", "plan"], change].concat();
        let error = place.crashrate(&args).expect(96).stderr;
        assert!(
            error.contains("has the plan with all its options"),
            "{error}"
        );
    }
}

#[test]
fn the_first_shard_writes_the_plan_file() {
    let place = Place::new();
    place.suite(BODY);
    let run = |shard, more: &[&str]| {
        let args = [
            "run",
            "suite.toml",
            "--plan-file",
            "p.json",
            "--shard",
            shard,
        ];
        place.start(&mut place.command(&[&args[..], more].concat()))
    };
    // At the same time: exactly one of them writes it.
    let live: Vec<_> = ["1/4", "2/4", "3/4", "4/4"]
        .map(|shard| run(shard, &[]))
        .into();
    live.into_iter().for_each(|live| {
        live.wait();
    });
    let runs = place.runs();
    assert_eq!(runs.len(), 4);
    let opened: Vec<_> = (runs.iter())
        .map(|run| Journal::read(run).opened[0].run.clone())
        .collect();
    assert!(
        opened
            .iter()
            .all(|run| run.plan == opened[0].plan && run.plan.is_some())
    );
    assert!(opened.iter().all(|run| run.seed == opened[0].seed));
    let files = fs::read_dir(place.path()).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    let left = names
        .iter()
        .filter(|name| name.to_string_lossy().starts_with(".p.json"));
    assert_eq!(left.count(), 0, "{names:?}");
    let seed = run("1/4", &["--seed", "3"]).wait().expect(96).stderr;
    assert!(seed.contains("here: the seed differs;"), "{seed}");
    let rounds = run("1/4", &["-n", "3"]).wait().expect(96).stderr;
    let says = "here: `by-round` (isolated, default) has 7 rounds in the plan and 3 here;";
    assert!(rounds.contains(says), "{rounds}");
    let chapter = run("1/4", &["--chapter", "by-seed"])
        .wait()
        .expect(96)
        .stderr;
    let says = "`by-round` (isolated, default) is in the plan and not here;";
    assert!(chapter.contains(says), "{chapter}");
    place.suite(&BODY.replace("% 3", "% 4"));
    let suite = run("1/4", &[]).wait().expect(96).stderr;
    assert!(suite.contains("here: the suite differs;"), "{suite}");
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

#[test]
fn another_program_is_refused_by_name() {
    let place = Place::new();
    let program = place.program("my-test", "#!/bin/sh\nexit 0\n");
    place.suite("[[chapter]]\nid = \"x\"\ncommand = [\"./my-test\"]\n");
    place
        .crashrate(&["plan-file", "suite.toml", "-o", "plan.json"])
        .expect(0);
    place.program("my-test", "#!/bin/sh\nexit 0 # another build\n");
    let run = ["run", "plan.json", "--shard", "1/2"];
    let error = place.crashrate(&run).expect(96).stderr;
    for part in [
        "plan.json: ",
        "my-test differs from the program",
        "... there, ",
        "... here)",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    fs::remove_file(program).unwrap();
    let error = place.crashrate(&run).expect(96).stderr;
    assert!(
        error.contains("my-test was planned") && error.contains("not here"),
        "{error}"
    );
    assert!(place.runs().is_empty(), "nothing was measured");
}

#[test]
fn a_plan_of_another_directory_is_refused() {
    let place = Place::new();
    place.write(
        "there/suite.toml",
        "[suite]\nname = \"s\"\n[[chapter]]\nid = \"x\"\ncommand = [\"true\"]\n",
    );
    let plan = ["plan-file", "there/suite.toml", "-o", "plan.json"];
    place.crashrate(&plan).expect(0);
    place.write(
        "copy/suite.toml",
        fs::read(place.path().join("there/suite.toml")).unwrap(),
    );
    let copy = [
        "run",
        "copy/suite.toml",
        "--plan-file",
        "plan.json",
        "--shard",
        "1/2",
    ];
    let error = place.crashrate(&copy).expect(96).stderr;
    assert!(error.contains("here: the directory is "), "{error}");
    assert!(error.contains("there in the plan and "), "{error}");
    fs::rename(place.path().join("there"), place.path().join("here")).unwrap();
    let error = place.crashrate(&["run", "plan.json"]).expect(96).stderr;
    assert!(
        error.contains("plan.json: the planned directory "),
        "{error}"
    );
}

#[test]
fn a_plan_that_replaces_another_one_says_so() {
    let place = Place::new();
    place.program("my-test", "#!/bin/sh\nexit 0\n");
    let plan = |rounds: &str, warns: bool| {
        let plan = ["plan-file", "--seed", "1", "-n", rounds, "-o", "plan.json"];
        let plan = [&plan[..], &["--", "./my-test"]].concat();
        let said = place.crashrate(&plan).expect(0).stderr;
        let warning = "warning: plan.json had another plan;";
        assert_eq!(said.contains(warning), warns, "{said}");
    };
    plan("4", false);
    plan("4", false);
    plan("5", true);
    place.program("my-test", "#!/bin/sh\nexit 0 # another build\n");
    plan("5", true);
}

#[test]
fn a_plan_file_that_was_edited_is_refused() {
    let place = Place::new();
    place.suite(BODY);
    place
        .crashrate(&["plan-file", "suite.toml", "-o", "plan.json"])
        .expect(0);
    let path = place.path().join("plan.json");
    let text = fs::read_to_string(&path).unwrap();
    for (change, says) in [
        (
            text.replace("\"jobs\": 1", "\"jobs\": 2"),
            "was changed after it was written",
        ),
        (
            text.replace("% 3", "% 5"),
            "was changed after it was written",
        ),
        (
            text.replace("_plan\": 1", "_plan\": 9"),
            "plan file of version 9",
        ),
        ("{}".to_owned(), "not a plan file: missing field"),
    ] {
        assert_ne!(change, text);
        fs::write(&path, change).unwrap();
        let error = place.crashrate(&["run", "plan.json"]).expect(96).stderr;
        assert!(error.contains(says), "{error}");
    }
    let over_suite = ["plan-file", "suite.toml", "-o", "suite.toml"];
    let error = place.crashrate(&over_suite).expect(96).stderr;
    assert!(error.contains("suite.toml: is not a plan file"), "{error}");
    let search = ["plan-file", "suite.toml", "-o", "plan.json", "--for", "3s"];
    let error = place.crashrate(&search).expect(96).stderr;
    assert!(error.contains("--for: not part of a plan"), "{error}");
}
