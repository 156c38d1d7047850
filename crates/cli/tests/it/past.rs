//! Runs that were: their history, and their removal.

use std::fs;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::util::{Place, id, until};

/// A suite with a chapter that crashes in every round, or in none.
fn suite(place: &Place, crashes: bool) {
    let command = if crashes { "kill -SEGV $$" } else { "true" };
    place.suite(&format!(
        "[[chapter]]\nid = \"x\"\nrounds = 12\ncommand = [\"sh\", \"-c\", \"{command}\"]\n"
    ));
}

#[test]
fn a_change_is_marked_and_no_change_is_said_to_be_none() {
    let place = Place::new();
    for crashes in [false, false, true] {
        suite(&place, crashes);
        let code = if crashes { 100 } else { 0 };
        place.crashrate(&["run", "suite.toml"]).expect(code);
    }
    let name = place.name.clone();
    let as_text = |format: &str| {
        let history = ["history", &name, "--format", format];
        place.crashrate(&history).expect(0).stdout
    };
    let json: Value = serde_json::from_str(&as_text("json")).unwrap();
    let points = json["trends"][0]["points"].as_array().unwrap();
    let shown: Vec<_> = points
        .iter()
        .map(|point| &point["change"]["shown"])
        .collect();
    assert_eq!(
        shown,
        [&Value::Null, &Value::Bool(false), &Value::Bool(true)]
    );
    for format in ["terminal", "markdown", "html"] {
        let text = as_text(format).replace('\\', "");
        for words in ["not shown against N=1", "shown: N=3 crashes more than N=2"] {
            assert!(text.contains(words), "{format}: {words} in {text}");
        }
    }
    let last = place.crashrate(&["history", &name, "--last", "2", "--format", "json"]);
    let last: Value = serde_json::from_str(&last.expect(0).stdout).unwrap();
    assert_eq!(last["runs"].as_array().unwrap().len(), 2);
    let none = place.crashrate(&["history", "no-such-suite"]).expect(96);
    assert!(
        none.stderr.starts_with("error: there is no run of a suite"),
        "{}",
        none.stderr
    );
}

/// Five runs, the first three of them a hundred days old.
fn five() -> Place {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 1\ncommand = [\"true\"]\n");
    for _ in 0..5 {
        place.crashrate(&["run", "suite.toml"]).expect(0);
    }
    let old = SystemTime::now() - Duration::from_secs(100 * 24 * 3600);
    for run in &place.runs()[..3] {
        let journal = fs::File::options()
            .append(true)
            .open(run.join("journal.jsonl"));
        journal.unwrap().set_modified(old).unwrap();
    }
    place
}

fn numbers(place: &Place) -> Vec<String> {
    let number = |run: &std::path::PathBuf| id(run).split('-').next().unwrap().to_owned();
    place.runs().iter().map(number).collect()
}

#[test]
fn nothing_is_removed_unless_it_was_agreed_to() {
    let place = five();
    let asked = place
        .crashrate(&["runs", "prune", "--keep", "1"])
        .expect(96);
    assert!(
        asked.stderr.contains("--yes removes without asking"),
        "{}",
        asked.stderr
    );
    place.crashrate(&["runs", "prune"]).expect(96);
    place.crashrate(&["runs", "prune", "--yes"]).expect(96);
    assert_eq!(place.runs().len(), 5);
}

#[test]
fn what_is_removed_is_old_and_beyond_what_is_kept() {
    let place = five();
    let prune = |more: &[&str]| {
        let all = [&["runs", "prune", "--yes"], more].concat();
        place.crashrate(&all).expect(0)
    };
    prune(&["--keep", "4", "--older-than", "101d"]);
    assert_eq!(place.runs().len(), 5);
    prune(&["--keep", "4", "--older-than", "90d"]);
    assert_eq!(numbers(&place), ["2", "3", "4", "5"]);
    prune(&["--older-than", "90d"]);
    assert_eq!(numbers(&place), ["4", "5"]);
    // The last one stays: the next run's number comes after it.
    prune(&["--keep", "0"]);
    assert_eq!(numbers(&place), ["5"]);
    place.crashrate(&["run", "suite.toml"]).expect(0);
    assert_eq!(numbers(&place), ["5", "6"]);
}

#[test]
fn a_run_that_goes_on_is_never_removed() {
    let place = five();
    place.suite(
        "[[chapter]]\nid = \"x\"\nrounds = 1\ncommand = [\"sh\", \"-c\", \"until [ -e go ]; do sleep 0.02; done\"]\n",
    );
    let live = place.start(&mut place.command(&["run", "suite.toml", "--number", "1"]));
    until("it is going on", || {
        place
            .runs()
            .iter()
            .any(|run| run.join("run.toml").is_file() && !run.join("report.md").is_file())
    });
    let running = place
        .runs()
        .into_iter()
        .find(|run| !run.join("report.md").is_file());
    let running = running.unwrap();
    let done = place
        .crashrate(&["runs", "prune", "--keep", "1", "--yes"])
        .expect(0);
    assert!(
        done.stderr.contains("is going on and stays"),
        "{}",
        done.stderr
    );
    assert!(running.is_dir());
    assert_eq!(numbers(&place), ["1", "5"]);
    place.write("go", "");
    live.wait().expect(0);
}
