//! Past runs: their history and their removal.

use std::fs;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::util::{Place, id, until};

/// Writes a suite with a program that crashes in every round, or in none.
fn suite(place: &Place, crashes: bool) {
    let script = if crashes { "kill -SEGV $$" } else { "exit 0" };
    let program = place.program("x", &format!("#!/bin/sh\n{script}\n"));
    place.suite(&format!(
        "[[chapter]]\nid = \"x\"\nrounds = 12\ncommand = [{program:?}]\n"
    ));
}

/// The text as one line with single spaces and without Markdown's escapes.
fn flowing(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").replace('\\', "")
}

#[test]
fn a_change_is_marked_and_its_absence_is_stated() {
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
    let json = &history_of(&place);
    let points = json["trends"][0]["points"].as_array().unwrap();
    let shown: Vec<_> = points.iter().map(|point| &point["look"]["shown"]).collect();
    assert_eq!(
        shown,
        [&Value::Null, &Value::Bool(false), &Value::Bool(true)]
    );
    for format in ["terminal", "markdown", "html"] {
        let text = flowing(&as_text(format));
        for words in [
            "no change shown",
            "Crash rate rose from 0% (0/24) to 100% (12/12) at N=3 (95%: N=3); shown since N=3.",
            "The program changed at N=3.",
        ] {
            assert!(text.contains(words), "{format}: {words} in {text}");
        }
    }
    let last = place.crashrate(&["history", &name, "--last", "2", "--format", "json"]);
    let last: Value = serde_json::from_str(&last.expect(0).stdout).unwrap();
    let last = &last["histories"][0];
    assert_eq!(last["runs"].as_array().unwrap().len(), 2);
    let none = place.crashrate(&["history", "no-such-suite"]).expect(96);
    assert!(
        none.stderr.starts_with("error: there is no run of a suite"),
        "{}",
        none.stderr
    );
}

/// Imports a run for each entry of `crashes`: 50 rounds of one chapter, of which that many crashed.
/// The first run has the number `first`.
fn import(place: &Place, first: u32, crashes: &[u32]) {
    let files: Vec<String> = (first..)
        .zip(crashes)
        .map(|(number, crashes)| {
            let mut report = format!(
                "[report]\nnumber = {number}\nsuite = \"{}\"\ndate = \"2026-01-02\"\ndevice = \"cpu\"\n\n\
                 [[chapter]]\nid = \"x\"\nworker = \"matmul-soak\"\n",
                place.name
            );
            for (outcome, count) in [("crashed", *crashes), ("passed", 50 - crashes)] {
                if count > 0 {
                    report += &format!(
                        "\n[[chapter.rounds]]\noutcome = \"{outcome}\"\ncount = {count}\n"
                    );
                }
            }
            let name = format!("n{number}.toml");
            place.write(&name, report);
            name
        })
        .collect();
    let files = files.iter().map(String::as_str);
    let args: Vec<_> = std::iter::once("import").chain(files).collect();
    place.crashrate(&args).expect(0);
}

fn history_of(place: &Place) -> Value {
    let done = place.crashrate(&["history", &place.name, "--format", "json"]);
    let mut all: Value = serde_json::from_str(&done.expect(0).stdout).unwrap();
    assert_eq!(all["histories"].as_array().unwrap().len(), 1, "{all:#}");
    all["histories"][0].take()
}

#[test]
fn a_rate_that_creeps_is_marked_and_its_marks_stay() {
    let creep: Vec<u32> = (1..=20).collect();
    let place = Place::new();
    import(&place, 1, &creep[..14]);
    let before = &history_of(&place)["trends"][0];
    let marks = before["marks"].as_array().unwrap();
    assert!(!marks.is_empty(), "{before:#}");
    import(&place, 15, &creep[14..]);
    let history = history_of(&place);
    let after = &history["trends"][0];
    let so_far = after["marks"].as_array().unwrap();
    assert_eq!(so_far[..marks.len()], marks[..]);
    assert_eq!(so_far.last(), Some(&Value::from(20)));
    assert_eq!(so_far[0], after["change"]["since"]);
    assert_eq!(history["alpha"], 0.05);
    for (key, value) in [("direction", "rose"), ("shape", "creeping")] {
        assert_eq!(after["change"][key], value);
    }
    assert_eq!(after["change"]["holds"], true);
    let look = &after["points"][19]["look"];
    assert!(
        look["p_adjusted"].as_f64() <= look["alpha"].as_f64(),
        "{look}"
    );
    let text = place.crashrate(&["history", &place.name, "--last", "3"]);
    let text = flowing(&text.expect(0).stdout);
    let sentence = format!(
        "Crash rate rises over the runs: 1/50 in N=1 to 20/50 in N=20; shown since N={}.",
        so_far[0]
    );
    assert!(text.contains(&sentence), "{sentence} in {text}");
    // Runs that are not listed still take part in the statistical tests.
    assert!(!text.contains("N=17 2026"), "{text}");
}

#[test]
fn a_flat_history_is_not_marked() {
    let place = Place::new();
    let crashes = [5, 3, 7, 5, 4, 6, 8, 2, 5, 5, 6, 4, 3, 7, 5, 9, 5, 2, 5, 4];
    import(&place, 1, &crashes);
    let history = history_of(&place);
    let trend = &history["trends"][0];
    assert_eq!(trend["marks"], Value::Array(Vec::new()));
    assert_eq!(trend["change"], Value::Null);
    assert_eq!(trend["said"], "No change shown over 20 runs.");
}

/// Five runs, of which the first three are a hundred days old.
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
fn nothing_is_removed_without_consent() {
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
fn prune_removes_only_old_runs_beyond_those_to_keep() {
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
    // The last run is never removed, because the next run's number follows from it.
    prune(&["--keep", "0"]);
    assert_eq!(numbers(&place), ["5"]);
    place.crashrate(&["run", "suite.toml"]).expect(0);
    assert_eq!(numbers(&place), ["5", "6"]);
}

#[test]
fn a_live_run_is_never_removed() {
    let place = five();
    place.suite(
        "[[chapter]]\nid = \"x\"\nrounds = 1\ncommand = [\"sh\", \"-c\", \"until [ -e go ]; do sleep 0.02; done\"]\n",
    );
    // Frees number 1 for the live run, so that it is not the last run.
    fs::remove_dir_all(&place.runs()[0]).unwrap();
    let live = place.start(&mut place.command(&["run", "suite.toml", "--number", "1"]));
    until("the run is live", || {
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
        done.stderr.contains("is running and stays"),
        "{}",
        done.stderr
    );
    assert!(running.is_dir());
    assert_eq!(numbers(&place), ["1", "5"]);
    place.write("go", "");
    live.wait().expect(0);
}
