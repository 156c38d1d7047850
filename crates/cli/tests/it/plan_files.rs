//! Plan files: what all shards of a run share, and what machines refuse to run by it.

use std::fs;

use serde_json::Value;

use crate::shards::{BODY, rounds};
use crate::util::{Journal, Place};

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
