//! Ctrl-C once, Ctrl-C twice, and the signals that end a program.

use std::os::unix::process::CommandExt;

use crashrate_model::{Outcome, StopReason};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::json;

use crate::util::{Live, Place, assert_nothing_left, id, until};

const WAITS: &str = r#"
[[chapter]]
id = "wait"
rounds = 10
command = ["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done"]
"#;

const HANGS: &str = r#"
[[chapter]]
id = "hang"
rounds = 10
command = ["sh", "-c", "trap '' TERM INT HUP; sleep 300 & sleep 300"]
"#;

/// Starts a run with two jobs and returns when two attempts are running.
fn two_running(place: &Place, suite: &str) -> Live {
    place.suite(suite);
    let mut run = place.command(&["run", "suite.toml", "--jobs", "2"]);
    let live = place.start(run.process_group(0));
    until("two attempts run", || {
        place.journal_so_far().started.len() == 2
    });
    live
}

/// Sends SIGINT to the whole foreground process group, as a terminal does.
fn ctrl_c(live: &Live) {
    killpg(live.pid(), Signal::SIGINT).unwrap();
}

const STOPPING: &str = "stopping: waiting for running attempts; press Ctrl-C again to kill them";
const KILLING: &str = "stopping: killing running attempts";

fn assert_interrupted(place: &Place, outcome: Outcome) {
    assert_nothing_left(&id(&place.run()));
    let journal = place.journal();
    let ends: Vec<_> = journal.ended.iter().map(|e| e.outcome).collect();
    assert_eq!(ends, [outcome; 2]);
    assert_eq!(journal.started.len(), 2, "no other attempt was started");
    let why: Vec<_> = journal.closed.iter().map(|c| c.why).collect();
    assert_eq!(why, [StopReason::Interrupted]);
    let json = place.json();
    assert_eq!(json["run"]["complete"], false);
    assert_eq!(json["run"]["stopped"], "interrupted");
    assert_eq!(json["totals"]["planned"], 10);
    assert_eq!(json["totals"]["outcomes"], json!({ outcome.word(): 2 }));
    assert!(place.run().join("report.md").is_file());
}

#[test]
fn one_ctrl_c_waits_for_running_attempts() {
    let place = Place::new();
    let live = two_running(&place, WAITS);
    ctrl_c(&live);
    live.says(STOPPING);
    place.write("go", "");
    let done = live.wait().expect(106);
    assert!(done.stdout.contains("wait"), "{}", done.stdout);
    assert!(done.stdout.contains("\nreport  "), "{}", done.stdout);
    assert_interrupted(&place, Outcome::Passed);
}

/// A new child briefly belongs to the supervisor's process group. Ctrl-C must not end it.
#[test]
fn one_ctrl_c_spares_starting_children() {
    for trace in [&[][..], &["--evidence=none"]].repeat(10) {
        let place = Place::new();
        let run = ["run", "--rounds", "100000", "--jobs", "2"];
        let command = [&run, trace, &["--", "true"]].concat();
        let live = place.start(place.command(&command).process_group(0));
        until("20 attempts have ended", || {
            place.journal_so_far().ended.len() > 20
        });
        ctrl_c(&live);
        live.wait().expect(106);
        let journal = place.journal();
        let ends = journal
            .ended
            .iter()
            .filter(|e| e.outcome != Outcome::Passed);
        assert_eq!(ends.map(|e| (e.outcome, &e.exit)).collect::<Vec<_>>(), []);
        assert_eq!(journal.started.len(), journal.ended.len());
    }
}

/// A job may be stopped by its watch, by its user, and shortly before its time limit.
#[test]
fn a_stop_of_an_engine_kills_nothing_however_often_it_is_sent() {
    let place = Place::new();
    let live = two_running(&place, WAITS);
    for _ in 0..3 {
        live.signal(Signal::SIGUSR2);
        live.says(STOPPING);
        // Signals of one kind that are pending are one signal.
        live.until_idle();
    }
    place.write("go", "");
    let done = live.wait().expect(106);
    assert!(!done.stderr.contains(KILLING), "{}", done.stderr);
    assert_interrupted(&place, Outcome::Passed);
}

#[test]
fn the_first_ctrl_c_after_a_stop_kills_running_attempts() {
    for first in [Signal::SIGINT, Signal::SIGUSR2] {
        let place = Place::new();
        let live = two_running(&place, HANGS);
        killpg(live.pid(), first).unwrap();
        live.says(STOPPING);
        ctrl_c(&live);
        let done = live.wait().expect(106);
        assert!(done.stderr.contains(KILLING), "{}", done.stderr);
        assert!(done.stdout.contains("\nreport  "), "{}", done.stdout);
        assert_interrupted(&place, Outcome::Interrupted);
    }
}

#[test]
fn sigterm_kills_running_attempts() {
    let place = Place::new();
    let live = two_running(&place, HANGS);
    live.signal(Signal::SIGTERM);
    live.wait().expect(106);
    assert_interrupted(&place, Outcome::Interrupted);
}

#[test]
fn a_closed_terminal_kills_running_attempts() {
    let place = Place::new();
    let live = two_running(&place, HANGS);
    live.signal(Signal::SIGHUP);
    live.wait().expect(106);
    assert_interrupted(&place, Outcome::Interrupted);
}

#[test]
fn report_only_does_not_hide_an_interrupted_run() {
    let place = Place::new();
    place.suite(HANGS);
    let args = ["run", "suite.toml", "--report-only"];
    let live = place.start(&mut place.command(&args));
    until("an attempt has started", || {
        place.journal_so_far().started.len() == 1
    });
    live.signal(Signal::SIGTERM);
    live.wait().expect(106);
}

/// All rounds have started when the stop is requested, so the run is complete.
#[test]
fn ctrl_c_in_the_last_round_is_no_interruption() {
    let place = Place::new();
    place.suite(WAITS);
    let args = ["run", "suite.toml", "--rounds", "1"];
    let live = place.start(&mut place.command(&args));
    until("an attempt has started", || {
        place.journal_so_far().started.len() == 1
    });
    live.signal(Signal::SIGINT);
    live.says(STOPPING);
    place.write("go", "");
    live.wait().expect(0);
    assert_eq!(place.journal().closed[0].why, StopReason::Done);
}

/// Regression: the run counted as complete although its rounds had retries left.
#[test]
fn ctrl_c_starts_no_retry() {
    let place = Place::new();
    place.suite(
        r#"
        [[chapter]]
        id = "wait"
        rounds = 1
        retries = 3
        command = ["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done; exit 1"]
        "#,
    );
    let live = place.start(&mut place.command(&["run", "suite.toml"]));
    until("an attempt has started", || {
        place.journal_so_far().started.len() == 1
    });
    live.signal(Signal::SIGINT);
    live.says(STOPPING);
    place.write("go", "");
    live.wait().expect(106);
    let journal = place.journal();
    assert_eq!(journal.started.len(), 1);
    assert_eq!(journal.closed[0].why, StopReason::Interrupted);
}

/// Regression: the run counted as complete because no round was left to start.
#[test]
fn a_last_round_that_is_killed_is_an_interruption() {
    let place = Place::new();
    place.suite(HANGS);
    let args = ["run", "suite.toml", "--rounds", "1"];
    let live = place.start(&mut place.command(&args));
    until("an attempt has started", || {
        place.journal_so_far().started.len() == 1
    });
    live.signal(Signal::SIGTERM);
    live.wait().expect(106);
    assert_eq!(place.journal().closed[0].why, StopReason::Interrupted);
}

/// An attempt that reached its time limit stays a timeout, whatever signal follows.
#[test]
fn a_timeout_before_sigterm_stays_a_timeout() {
    let place = Place::new();
    place.suite(
        r#"
        [[chapter]]
        id = "deaf"
        rounds = 2
        timeout = "4s"
        grace = "10m"
        command = ["sh", "-c", "trap 'touch asked' TERM; touch runs; while true; do sleep 0.05; done"]
        "#,
    );
    let live = place.start(&mut place.command(&["run", "suite.toml"]));
    let asked = || place.path().join("asked").exists();
    until("the time limit is reached", asked);
    live.signal(Signal::SIGTERM);
    live.wait().expect(106);
    let ends: Vec<_> = place.journal().ended.iter().map(|e| e.outcome).collect();
    assert_eq!(ends, [Outcome::TimedOut]);
}

/// Starts two rounds of a script that then waits, and returns when the first runs.
fn waiting(place: &Place, script: &str) -> Live {
    let script = format!("{script}; echo $$ > pid; touch begun; sleep 300; sleep 300");
    let live = place.start(&mut place.command(&["run", "-n", "2", "--", "sh", "-c", &script]));
    until("the attempt runs", || place.path().join("begun").exists());
    live
}

/// Engines signal all processes of a job at once, so the attempt may die first.
#[test]
fn an_attempt_that_dies_with_the_run_is_interrupted() {
    for (script, signal) in [
        ("true", Signal::SIGTERM),
        ("trap 'exit 143' USR1", Signal::SIGUSR1),
    ] {
        let place = Place::new();
        let live = waiting(&place, script);
        let pid = std::fs::read_to_string(place.path().join("pid")).unwrap();
        killpg(Pid::from_raw(pid.trim().parse().unwrap()), signal).unwrap();
        live.signal(Signal::SIGTERM);
        let done = live.wait().expect(106);
        assert!(!done.stdout.contains("crashed in"), "{}", done.stdout);
        let journal = place.journal();
        let ends: Vec<_> = journal.ended.iter().map(|e| e.outcome).collect();
        assert_eq!(ends, [Outcome::Interrupted]);
        assert_eq!(journal.closed[0].why, StopReason::Interrupted);
        assert_eq!(journal.closed[0].reason.as_deref(), Some("SIGTERM"));
        let report = place.crashrate(&["report", "--full"]).stdout;
        let words = report.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("The run was stopped by SIGTERM."), "{words}");
        assert!(!words.contains("The user"), "{words}");
    }
}

#[test]
fn an_attempt_that_dies_of_sigterm_alone_has_crashed() {
    let place = Place::new();
    let command = ["run", "-n", "1", "--", "sh", "-c", "kill -TERM $$"];
    place.crashrate(&command).expect(100);
    assert_eq!(place.journal().ended[0].outcome, Outcome::Crashed);
}
