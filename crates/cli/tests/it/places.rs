//! Where runs are stored, what they are called, and how they are found.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::util::{Done, Place, id};

const ONE_ROUND: &str = "[[chapter]]\nid = \"x\"\nrounds = 1\ncommand = [\"true\"]\n";

/// Three runs of a suite.
fn three_runs() -> Place {
    let place = Place::new();
    place.suite(ONE_ROUND);
    for _ in 0..3 {
        place.crashrate(&["run", "suite.toml"]).expect(0);
    }
    place
}

fn number(place: &Place, run: &str) -> Value {
    let report = ["report", run, "--format", "json"];
    let done = place.crashrate(&report).expect(0);
    serde_json::from_str::<Value>(&done.stdout).unwrap()["run"]["number"].clone()
}

#[test]
fn a_run_is_a_folder_an_id_a_number_or_the_latest() {
    let place = three_runs();
    let runs = place.runs();
    let absolute = runs[1].to_str().unwrap().to_owned();
    let relative = format!("runs/{}", id(&runs[1]));
    for name in [&absolute, &relative, &id(&runs[1]), "2"] {
        assert_eq!(number(&place, name), 2, "{name}");
    }
    assert_eq!(number(&place, "latest"), 3);
    let without = place.crashrate(&["report", "--format", "json"]).expect(0);
    let latest = place.crashrate(&["report", "latest", "--format", "json"]);
    assert_eq!(without.stdout, latest.stdout);
    // A path to a run folder does not depend on `--runs-dir`.
    let elsewhere = ["--runs-dir", "nowhere", "report", &absolute];
    place.crashrate(&elsewhere).expect(0);
}

#[test]
fn a_run_that_is_not_there() {
    let place = three_runs();
    for name in ["4", "0", "no-such-run", "nowhere/1-x", ""] {
        let Done { stderr, .. } = place.crashrate(&["report", name]).expect(96);
        let begin = format!("error: there is no run `{name}` in ");
        assert!(stderr.starts_with(&begin), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    let empty = Place::new();
    empty.crashrate(&["report"]).expect(96);
}

#[test]
fn the_runs_command_lists_runs() {
    let place = three_runs();
    let Done { stdout, .. } = place.crashrate(&["runs"]).expect(0);
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{stdout}");
    let heads = lines[0].split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(heads, "N date suite device state rounds passed bad run");
    for ((n, line), run) in (1..).zip(&lines[1..]).zip(place.runs()) {
        let words: Vec<_> = line.split_whitespace().collect();
        let [number, _, _, suite, rest @ ..] = words.as_slice() else {
            panic!("{line}");
        };
        assert_eq!((*number, *suite), (&*n.to_string(), &*place.name), "{line}");
        let own = id(&run);
        assert_eq!(rest, ["cpu", "complete", "1", "1/1", "0/1", &own], "{line}");
    }
}

#[test]
fn no_runs_are_no_error() {
    let place = Place::new();
    let done = place.crashrate(&["runs"]).expect(0);
    assert_eq!(done.stdout, "");
    assert!(done.stderr.starts_with("no runs in "), "{}", done.stderr);
}

#[test]
fn list_shows_a_suite_and_runs_nothing() {
    let place = Place::new();
    place.suite(
        r#"
        [[chapter]]
        id = "both"
        worker = "act"
        params = { act = "pass" }

        [[chapter]]
        id = "command"
        rounds = 7
        command = ["touch", "ran"]

        [[sequence]]
        id = "story"
        rounds = 4
        chapters = ["both"]

        [[variant]]
        id = "with-fix"
        env = { FIX = "1" }
        "#,
    );
    let Done { stdout, .. } = place.crashrate(&["list", "suite.toml"]).expect(0);
    let head = format!("suite {}, device cpu", place.name);
    let expected = [
        head.as_str(),
        "chapter both: worker act act=\"pass\" (isolated, sequential, 10 isolated rounds)",
        "chapter command: touch ran (isolated, 7 isolated rounds)",
        "sequence story: both (4 rounds)",
        "variant with-fix",
    ];
    assert_eq!(stdout.lines().collect::<Vec<_>>(), expected);
    assert!(!place.path().join("ran").exists());
    assert!(place.runs().is_empty());
}

#[test]
fn the_runs_folder_can_be_chosen() {
    let place = Place::new();
    place.suite(ONE_ROUND);
    let count = |folder: &str| {
        let folder = place.path().join(folder);
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries
            .filter(|e| e.as_ref().unwrap().path().is_dir())
            .count()
    };
    // The option overrides the variable, and the variable overrides the default.
    let told = ["--runs-dir", "told", "run", "suite.toml"];
    place.crashrate(&told).expect(0);
    let after = ["run", "suite.toml", "--runs-dir", "told"];
    place.crashrate(&after).expect(0);
    assert_eq!((count("told"), count("runs")), (2, 0));
    place.crashrate(&["run", "suite.toml"]).expect(0);
    assert_eq!(count("runs"), 1);
    let mut plain = place.command(&["run", "suite.toml"]);
    let plain = plain.env_remove("CRASHRATE_RUNS_DIR");
    place.start(plain).wait().expect(0);
    assert_eq!(count("crashrate-runs"), 1);
}

#[test]
fn runs_that_start_at_the_same_time_have_different_numbers() {
    let place = Place::new();
    place.suite(ONE_ROUND);
    let live: Vec<_> = (0..6)
        .map(|_| place.start(&mut place.command(&["run", "suite.toml"])))
        .collect();
    for live in live {
        live.wait().expect(0);
    }
    let numbers: Vec<_> = place
        .runs()
        .iter()
        .map(|run| number(&place, run.to_str().unwrap()))
        .collect();
    assert_eq!(json!(numbers), json!([1, 2, 3, 4, 5, 6]));
}

#[test]
fn a_run_folder_has_the_documented_files() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 1\ncommand = [\"ls\", \"nowhere\"]\n");
    place
        .crashrate(&["run", "suite.toml", "--seed", "9"])
        .expect(100);
    let run = place.run();
    let has = |path: &Path| {
        let entries = std::fs::read_dir(path).unwrap();
        let names = entries.map(|e| e.unwrap().file_name().into_string().unwrap());
        names.collect::<BTreeSet<_>>()
    };
    let names = has(&run);
    for name in [
        "run.toml",
        "journal.jsonl",
        "output",
        "report.md",
        "report.html",
    ] {
        assert!(names.contains(name), "{name} in {names:?}");
    }
    assert_eq!(has(&run.join("output")).len(), 1);
    let told = std::fs::read_to_string(run.join("run.toml")).unwrap();
    for line in [
        "fingerprint = \"",
        "stopping_rule = \"fixed-rounds\"",
        "seed = 9",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
}

/// The report that a run prints at its end is the one that `report` prints later.
#[test]
fn the_report_at_the_end_equals_later_reports() {
    let place = Place::new();
    place.suite(ONE_ROUND);
    let first = place.crashrate(&["run", "suite.toml"]).expect(0);
    let later = place.crashrate(&["report"]).expect(0);
    assert_eq!(first.stdout, later.stdout);
    let markdown = place.crashrate(&["report", "--format", "markdown"]);
    let kept = std::fs::read_to_string(place.run().join("report.md")).unwrap();
    assert_eq!(markdown.expect(0).stdout, kept);
    let html = place.crashrate(&["report", "--format", "html"]);
    let kept = std::fs::read_to_string(place.run().join("report.html")).unwrap();
    assert_eq!(html.expect(0).stdout, kept);
}
