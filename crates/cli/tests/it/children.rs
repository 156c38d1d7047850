//! What a child receives from crashrate, and what it sends back on the events descriptor. The
//! children are plain shell scripts because any language can do this.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use crashrate_model::{DiedIn, Outcome};
use crashrate_testkit::programs;
use serde_json::{Value, json};

use crate::util::{Place, id, row};

/// The `CRASHRATE_` variables that a child wrote to `file`, without the prefix.
fn variables(place: &Place, file: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(place.path().join(file)).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("CRASHRATE_")?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

const TELLS_ENVIRONMENT: &str = r#"
[defaults]
rounds = 2
env = { LEVEL = "defaults", ONE = "defaults" }

[[chapter]]
id = "a"
command = ["sh", "-c", "env > $CRASHRATE_VARIANT-a-$CRASHRATE_ROUND-$CRASHRATE_ATTEMPT; [ $CRASHRATE_ATTEMPT = 2 ]"]
retries = 1
env = { LEVEL = "chapter", TWO = "chapter" }

[[sequence]]
id = "s"
chapters = ["a"]
command = ["sh", "-c", "env > $CRASHRATE_VARIANT-s-$CRASHRATE_ROUND"]
env = { LEVEL = "sequence" }

[[variant]]
id = "with-fix"
env = { LEVEL = "variant" }
"#;

#[test]
fn the_environment() {
    let place = Place::new();
    place.suite(TELLS_ENVIRONMENT);
    let variants = ["--variant", "default", "--variant", "with-fix"];
    let mut run =
        place.command(&[&["run", "suite.toml", "--device", "cuda:1"], &variants[..]].concat());
    // Variables that the supervisor inherits must not reach the child.
    let run = run
        .env("CRASHRATE_ROUND", "77")
        .env("CRASHRATE_SEQUENCE", "x");
    place.start(run).wait().expect(100);

    let of_a = variables(&place, "with-fix-a-2-1");
    let expected = [
        ("ATTEMPT", "1"),
        ("CHAPTER", "a"),
        ("DEVICE", "cuda:1"),
        ("EVENTS_FD", "3"),
        ("MODE", "isolated"),
        ("ROUND", "2"),
        ("RUN_ID", &id(&place.run())),
        ("SLOT", "0"),
        ("VARIANT", "with-fix"),
    ];
    for (name, value) in expected {
        assert_eq!(of_a[name], value, "{name}");
    }
    let of_s = variables(&place, "default-s-1");
    assert_eq!(of_s["SEQUENCE"], "s");
    assert_eq!(of_s["MODE"], "sequential");
    assert!(!of_s.contains_key("CHAPTER"), "{of_s:?}");
    assert_eq!(variables(&place, "default-a-1-2")["ATTEMPT"], "2");
    // All units of a block share a seed, which decides weights and inputs. The next block has a
    // different one.
    let seeds = |round: u32| {
        let files = [
            "default-a-R-1",
            "default-a-R-2",
            "default-s-R",
            "with-fix-a-R-1",
            "with-fix-s-R",
        ];
        let of =
            |file: &str| variables(&place, &file.replace('R', &round.to_string()))["SEED"].clone();
        files.map(of).into_iter().collect::<BTreeSet<_>>()
    };
    assert_eq!((seeds(1).len(), seeds(2).len()), (1, 1));
    assert_ne!(seeds(1), seeds(2));
}

/// Regression: a nested crashrate passed on the variables that the outer one had set.
#[test]
fn the_environment_names_a_chapter_or_a_sequence_never_both() {
    let place = Place::new();
    place.suite(TELLS_ENVIRONMENT);
    let mut run = place.command(&["run", "suite.toml", "--rounds", "1"]);
    let run = run
        .env("CRASHRATE_CHAPTER", "x")
        .env("CRASHRATE_SEQUENCE", "y");
    place.start(run).wait().expect(100);
    let (chapter, sequence) = (
        variables(&place, "default-a-1-1"),
        variables(&place, "default-s-1"),
    );
    assert_eq!(chapter.get("SEQUENCE"), None);
    assert_eq!(sequence.get("CHAPTER"), None);
}

#[test]
fn the_environment_of_the_suite() {
    let place = Place::new();
    place.suite(TELLS_ENVIRONMENT);
    let run = [
        "run",
        "suite.toml",
        "--rounds",
        "1",
        "--variant",
        "default",
        "--variant",
        "with-fix",
    ];
    place.crashrate(&run).expect(100);
    let said = |file: &str| {
        let text = fs::read_to_string(place.path().join(file)).unwrap();
        ["LEVEL", "ONE", "TWO"].map(|name| {
            let value = |line: &str| {
                line.strip_prefix(name)?
                    .strip_prefix('=')
                    .map(str::to_owned)
            };
            text.lines().find_map(value).unwrap_or_default()
        })
    };
    assert_eq!(said("default-a-1-1"), ["chapter", "defaults", "chapter"]);
    assert_eq!(said("default-s-1"), ["sequence", "defaults", ""]);
    assert_eq!(said("with-fix-a-1-1"), ["variant", "defaults", "chapter"]);
    assert_eq!(said("with-fix-s-1"), ["variant", "defaults", ""]);
}

#[test]
fn the_task() {
    let place = Place::new();
    let script = "cat > task-$CRASHRATE_ROUND; env > env-$CRASHRATE_ROUND";
    place.worker_suite(
        &programs().sequence_runner,
        &format!(
            r#"
            [[chapter]]
            id = "a"
            worker = "act"
            params = {{ secs = 0, name = "x y", args = ["é", "\""] }}

            [[chapter]]
            id = "b"
            command = ["true"]

            [[sequence]]
            id = "s"
            rounds = 2
            chapters = ["b", "a"]
            command = ["sh", "-c", "{script}"]
            "#
        ),
    );
    let run = ["run", "suite.toml", "--mode", "sequential"];
    place.crashrate(&run).expect(100);
    let line = fs::read_to_string(place.path().join("task-2")).unwrap();
    assert!(line.ends_with("}\n") && line.lines().count() == 1, "{line}");
    let seed: u64 = variables(&place, "env-2")["SEED"].parse().unwrap();
    let expected = json!({
        "v": 1,
        "chapters": [
            {"id": "b", "worker": null, "params": {}},
            {"id": "a", "worker": "act", "params": {"secs": 0, "name": "x y", "args": ["é", "\""]}},
        ],
        "device": "cpu",
        "seed": seed,
        "fault": null,
    });
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
}

/// The task contains every default of the fault, and the report shows the same fault.
#[test]
fn the_fault() {
    let place = Place::new();
    place.worker_suite(
        &programs().sequence_runner,
        r#"
        [fault]
        kind = "tensor-lifetime"
        dose = 12

        [[chapter]]
        id = "a"
        worker = "act"
        modes = ["sequential"]

        [[sequence]]
        id = "s"
        rounds = 1
        chapters = ["a"]
        command = ["sh", "-c", "cat > task"]
        "#,
    );
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let task = fs::read_to_string(place.path().join("task")).unwrap();
    let task: Value = serde_json::from_str(&task).unwrap();
    let fault = json!({
        "kind": "tensor-lifetime", "dose": 12, "carry_over": true, "on": ["cpu"],
    });
    assert_eq!(task["fault"], fault);
    let report = place.crashrate(&["report", "--format", "json"]).expect(0);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(report["run"]["fault"], fault);
}

#[test]
fn a_plain_command_has_empty_stdin_and_no_descriptors_of_other_attempts() {
    let place = Place::new();
    place.suite(
        r#"
        [[chapter]]
        id = "x"
        rounds = 8
        command = ["sh", "-c", "cat > input-$CRASHRATE_ROUND && ls /dev/fd/ > fds-$CRASHRATE_ROUND"]
        "#,
    );
    place
        .crashrate(&["run", "suite.toml", "--jobs", "4"])
        .expect(0);
    // Descriptors that this test inherited reach the child, too. A plain shell shows how many they
    // are.
    let mut plain = Command::new("sh");
    plain.args(["-c", "cat > input-0 && ls /dev/fd/ > fds-0"]);
    place
        .start(plain.current_dir(place.path()))
        .wait()
        .expect(0);
    let read = |what: &str, round| {
        fs::read_to_string(place.path().join(format!("{what}-{round}"))).unwrap()
    };
    let descriptors = |round| -> BTreeSet<u32> {
        read("fds", round)
            .lines()
            .map(|l| l.parse().unwrap())
            .collect()
    };
    let inherited = descriptors(0).len();
    for round in 1..=8 {
        assert_eq!(read("input", round), "");
        let descriptors = descriptors(round);
        assert!(descriptors.is_superset(&BTreeSet::from([0, 1, 2, 3])));
        let events = 1;
        assert!(descriptors.len() <= inherited + events, "{descriptors:?}");
    }
}

const SAYS: &str = r#"
say() { echo "{\"v\":1,\"event\":\"$1\"$2}" >&$CRASHRATE_EVENTS_FD; }
"#;

#[test]
fn a_shell_script_sends_the_events_of_a_sequence() {
    let place = Place::new();
    let script = format!(
        r#"{SAYS}
        say hello ',"device":"cpu","versions":{{"shell":"1.0"}}'
        say chapter-started ',"chapter":"a"'
        say measure ',"name":"speed","value":2.5,"unit":"1/s","label":"threads=8"'
        say chapter-passed ',"chapter":"a"'
        say chapter-started ',"chapter":"b"'
        say chapter-failed ',"chapter":"b","reason":"b is too slow"'
        say applause
        say chapter-started ',"chapter":"c"'
        kill -SEGV $$
        "#
    );
    place.write("runner.sh", script);
    let chapters = ["a", "b", "c", "d"]
        .map(|id| format!("[[chapter]]\nid = \"{id}\"\ncommand = [\"true\"]\n"));
    let sequence = r#"
        [[sequence]]
        id = "s"
        rounds = 3
        chapters = ["a", "b", "c", "d"]
        command = ["sh", "runner.sh"]
    "#;
    place.suite(&(chapters.concat() + sequence));
    let run = ["run", "suite.toml", "--mode", "sequential"];
    place.crashrate(&run).expect(100);

    let json = place.json();
    assert_eq!(json["run"]["versions"], json!({"shell": "1.0"}));
    let outcomes = |chapter| row(&json["chapters"], "chapter", chapter)["outcomes"].clone();
    assert_eq!(outcomes("a"), json!({"passed": 3}));
    assert_eq!(outcomes("b"), json!({"failed": 3}));
    assert_eq!(outcomes("c"), json!({"crashed": 3}));
    assert_eq!(outcomes("d"), json!({"unreached": 3}));
    let measures = &row(&json["chapters"], "chapter", "a")["measures"];
    let expected = json!([{"name": "speed", "label": "threads=8", "unit": "1/s", "n": 3, "min": 2.5, "median": 2.5, "max": 2.5}]);
    assert_eq!(measures, &expected);
    for ended in place.journal().ended {
        assert_eq!(ended.died_in, Some(DiedIn::Chapter("c".into())));
        assert_eq!(ended.chapters[1].reason.as_deref(), Some("b is too slow"));
        assert_eq!(ended.notes, [""; 0]);
    }
}

#[test]
fn measures_of_a_plain_command_are_checked_against_expectations() {
    let place = Place::new();
    let measure = r#"echo "{\"v\":1,\"event\":\"measure\",\"name\":\"ops\",\"value\":$CRASHRATE_ROUND,\"unit\":\"1/s\"}" >&3"#;
    place.write("measure.sh", measure);
    place.suite(
        r#"
        [[chapter]]
        id = "x"
        rounds = 5
        command = ["sh", "measure.sh"]
        expect = [
            { measure = "ops", at_least = 2, at_most = 4 },
            { measure = "never", at_most = 1, on = ["mps"] },
        ]
        "#,
    );
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let json = place.json();
    let row = row(&json["chapters"], "chapter", "x");
    assert_eq!(row["outcomes"], json!({"passed": 3, "failed": 2}));
    let measure = json!({"name": "ops", "label": "", "unit": "1/s", "n": 5, "min": 1.0, "median": 3.0, "max": 5.0});
    assert_eq!(row["measures"], json!([measure]));
    let reasons: Vec<_> = row["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["text"])
        .collect();
    let expected = [
        "expected ops at least 2, measured 1",
        "expected ops at most 4, measured 5",
    ];
    assert!(
        expected.iter().all(|text| reasons.contains(&&json!(text))),
        "{reasons:?}"
    );
}

#[test]
fn a_missing_device_is_a_setup_error() {
    let place = Place::new();
    let params = "params = { act = \"unavailable\" }\n";
    place.worker_suite(
        &programs().sequence_runner,
        &format!("[[chapter]]\nid = \"x\"\nworker = \"act\"\nrounds = 2\nretries = 3\n{params}"),
    );
    let done = place
        .crashrate(&["run", "suite.toml", "--report-only"])
        .expect(106);
    assert!(done.stdout.contains("no such device"), "{}", done.stdout);
    let json = place.json();
    let row = row(&json["chapters"], "chapter", "x");
    assert_eq!(row["outcomes"], json!({"not-started": 2}));
    assert_eq!(row["first_attempt"], json!({"bad": 0, "n": 0}));
    assert_eq!(row["attempts"], 2, "a missing device is not retried");
    assert_eq!(json["run"]["complete"], false);
}

#[test]
fn rounds_after_the_program_was_deleted_are_not_started() {
    let place = Place::new();
    place.program("now.sh", "#!/bin/sh\nrm now.sh\n");
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 3\ncommand = [\"./now.sh\"]\n");
    place.crashrate(&["run", "suite.toml"]).expect(106);
    let ended = place.journal().ended;
    let ends: Vec<_> = ended.iter().map(|e| e.outcome).collect();
    assert_eq!(
        ends,
        [Outcome::Passed, Outcome::NotStarted, Outcome::NotStarted]
    );
    for ended in &ended[1..] {
        let reason = ended.reason.as_deref().unwrap_or_default();
        assert!(reason.contains("there is no program"), "{reason}");
    }
}
