//! Calibrating the dose of a fault. The calibration has a limited number of rounds, which are
//! recorded and resumable. No rate counts them.
//!
//! The worker here crashes in every round with a dose of 37 or more and in none below, so the
//! calibrated dose must settle near 37.

use std::fs;
use std::path::{Path, PathBuf};

use crashrate_testkit::programs;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::util::{Place, row, until};

fn suite(place: &Place, fault: &str, secs: f64) {
    place.worker_suite(
        &programs().sequence_runner,
        &format!(
            r#"
            [fault]
            kind = "tensor-lifetime"
            {fault}

            [[chapter]]
            id = "dies"
            worker = "act"
            params = {{ act = "segfault", when_dose = 37, secs = {secs} }}
            rounds = 2

            [[sequence]]
            id = "story"
            chapters = ["dies"]
            rounds = 3
            "#
        ),
    );
}

fn dose(json: &Value) -> u64 {
    json["run"]["fault"]["dose"].as_u64().unwrap()
}

/// The number of rounds in the calibration.
fn calibrated(json: &Value) -> u64 {
    let steps = &json["run"]["fault"]["calibration"]["steps"];
    let steps = steps.as_array().unwrap();
    steps.iter().map(|step| step["of"].as_u64().unwrap()).sum()
}

/// The run folders of the calibration's cohorts.
fn runs_of(run: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(run.join("calibration")).into_iter().flatten();
    let folders = entries.map(|entry| entry.unwrap().path());
    folders.filter(|path| path.is_dir()).collect()
}

#[test]
fn calibration_rounds_come_first_and_are_not_counted() {
    let place = Place::new();
    suite(&place, "dose = \"calibrated\"", 0.0);
    place
        .crashrate(&["run", "suite.toml", "--report-only"])
        .expect(0);
    let json = place.json();
    let found = dose(&json);
    assert!((15..90).contains(&found), "{found}");
    assert_eq!(calibrated(&json), 20);
    assert_eq!(runs_of(&place.run()).len(), 5);
    let sequence = row(&json["sequences"], "sequence", "story");
    assert_eq!(sequence["first_attempt"]["n"], 3);
    assert_eq!(json["totals"]["first_attempt"]["n"], 5);
    assert_eq!(json["totals"]["planned"], 5);
    let report = place
        .crashrate(&["report", "--format", "markdown"])
        .expect(0);
    assert!(
        report
            .stdout
            .contains("20 rounds before the run that are not counted"),
        "{}",
        report.stdout
    );
    // The suggested command gives the dose, so a repetition needs no second calibration.
    let repeated = format!("--dose {found}");
    assert!(report.stdout.contains(&repeated), "{}", report.stdout);
    assert_eq!(place.runs().len(), 1);
}

#[test]
fn the_suite_sets_the_target_the_rounds_and_the_start() {
    let place = Place::new();
    let wish = "dose = \"calibrated\"\ncalibrate = { pass = 0.9, rounds = 6, start = 50 }";
    suite(&place, wish, 0.0);
    place
        .crashrate(&["run", "suite.toml", "--report-only"])
        .expect(0);
    let json = place.json();
    let steps = &json["run"]["fault"]["calibration"]["steps"];
    assert_eq!(steps[0], json!({"dose": 50, "passed": 0, "of": 4}));
    assert_eq!(calibrated(&json), 6);
    assert!(dose(&json) < 37);
}

#[test]
fn a_given_dose_needs_no_calibration() {
    let place = Place::new();
    suite(&place, "dose = \"calibrated\"", 0.0);
    place
        .crashrate(&["run", "suite.toml", "--dose", "36"])
        .expect(0);
    let json = place.json();
    assert_eq!(dose(&json), 36);
    assert_eq!(json["run"]["fault"]["calibration"], Value::Null);
    assert!(runs_of(&place.run()).is_empty());

    place
        .crashrate(&["run", "suite.toml", "--no-fault"])
        .expect(0);
    let latest = place.runs().pop().unwrap();
    let latest = latest.to_str().unwrap();
    let report = place
        .crashrate(&["report", latest, "--format", "json"])
        .expect(0);
    let json: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(json["run"]["fault"], Value::Null);

    place.suite("[[chapter]]\nid = \"a\"\ncommand = [\"true\"]");
    let done = place
        .crashrate(&["run", "suite.toml", "--dose", "1"])
        .expect(96);
    assert!(
        done.stderr.contains("the suite has no [fault]"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_stopped_calibration_is_resumed() {
    let place = Place::new();
    suite(&place, "dose = \"calibrated\"", 0.1);
    let live = place.start(&mut place.command(&["run", "suite.toml"]));
    until("the third cohort runs", || {
        place
            .runs()
            .first()
            .is_some_and(|run| runs_of(run).len() == 3)
    });
    live.signal(Signal::SIGINT);
    let done = live.wait().expect(106);
    assert!(
        done.stderr.contains("stopped while calibrating"),
        "{}",
        done.stderr
    );
    // `latest` finds the run although it has no measured round yet.
    place
        .crashrate(&["run", "--resume", "latest", "--report-only"])
        .expect(0);
    let json = place.json();
    assert_eq!(calibrated(&json), 20);
    assert_eq!(json["run"]["complete"], true);
    assert_eq!(json["totals"]["first_attempt"]["n"], 5);
}

#[test]
fn the_calibrate_command_prints_the_dose() {
    let place = Place::new();
    suite(&place, "dose = 20", 0.0);
    let done = place
        .crashrate(&["calibrate", "suite.toml", "--rounds", "8"])
        .expect(0);
    assert!(
        done.stdout
            .starts_with("sequence story\ndose       20: 4 of 4 passed\n"),
        "{}",
        done.stdout
    );
    assert!(done.stdout.contains("\ndose = "), "{}", done.stdout);
    place.suite("[[chapter]]\nid = \"a\"\ncommand = [\"true\"]");
    let done = place.crashrate(&["calibrate", "suite.toml"]).expect(96);
    assert!(done.stderr.contains("no [fault]"), "{}", done.stderr);
}
