//! Children that try to survive, or to take other processes with them. None outlives its attempt.

use crashrate_model::{Exit, Outcome};
use crashrate_testkit::processes::{processes_with_argument, run_watched};
use crashrate_testkit::programs;
use serde_json::json;

use crate::util::{Journal, Place};

/// Upper limit on the supervisor's peak memory in bytes, whatever its children do.
const MEMORY: u64 = 100_000_000;

/// Runs some rounds of a misbehaviour. Processes that it leaves behind are found by the last
/// argument, which is in their command line.
fn rounds(args: &[&str], rounds: &str, more: &[&str]) -> (Place, Journal) {
    let place = Place::new();
    let command = json!([&[programs().misbehave.to_str().unwrap()], args].concat());
    place.suite(&format!(
        "[[chapter]]\nid = \"x\"\ntimeout = \"2s\"\ngrace = \"5s\"\ncommand = {command}\n"
    ));
    let run = [
        &["run", "suite.toml", "--report-only", "--rounds", rounds],
        more,
    ]
    .concat();
    let done = run_watched(&mut place.command(&run)).unwrap();
    assert_eq!(done.exit, Exit::Code(0), "{}", done.stderr);
    let mb = done.peak_memory / 1_000_000;
    assert!(done.peak_memory < MEMORY, "{mb} MB");
    let last = args.last().unwrap();
    assert_eq!(processes_with_argument(last), [0; 0], "{args:?}");
    let journal = place.journal();
    (place, journal)
}

/// A number that is in the command line of no other process.
fn unique(number: u32) -> String {
    format!("{number}.{}", std::process::id()).replace('.', "000")
}

/// The child cannot join: it has its own session, and a process group never spans two sessions.
#[test]
fn a_child_that_tries_to_join_the_supervisors_group() {
    for more in [&[][..], &["--evidence=none"]] {
        // The kind `join-group` ignores its argument.
        let (_, journal) = rounds(&["join-group", &unique(1)], "2", more);
        for ended in &journal.ended {
            assert_eq!(ended.outcome, Outcome::Failed, "{ended:?}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_attempt_with_many_daemons() {
    for more in [&[][..], &["--evidence=none"], &["--jobs", "2"]] {
        let (_, journal) = rounds(&["fork-many", "60", &unique(2)], "2", more);
        for ended in &journal.ended {
            assert_eq!(ended.outcome, Outcome::Passed, "{ended:?}");
            assert!(
                ended.notes.iter().any(|n| n.contains("behind, killed")),
                "{ended:?}"
            );
        }
    }
}

/// Each process starts the next and exits before a search for processes can find it.
#[cfg(target_os = "linux")]
#[test]
fn a_relay_of_short_lived_processes() {
    for more in [&[][..], &["--evidence=none"]] {
        let (_, journal) = rounds(&["fork-relay", &unique(300)], "2", more);
        for ended in &journal.ended {
            assert_eq!(ended.outcome, Outcome::Passed, "{ended:?}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "a thousand processes: cargo test -p crashrate --release -- --ignored"]
fn an_attempt_with_a_thousand_processes() {
    for more in [&[][..], &["--evidence=none"]] {
        rounds(&["fork-many", "500", &unique(3)], "3", more);
    }
}

#[test]
#[ignore = "half a minute of waiting: cargo test -p crashrate --release -- --ignored"]
fn a_child_that_takes_ten_seconds_to_die() {
    let (_, journal) = rounds(&["slow-to-die", "10"], "3", &[]);
    for ended in &journal.ended {
        assert_eq!(ended.outcome, Outcome::TimedOut, "{ended:?}");
        assert_eq!(
            ended.exit,
            Some(Exit::Signal("SIGKILL".into())),
            "{ended:?}"
        );
    }
}

/// Control characters in a process name do not reach the terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_process_name_with_control_characters() {
    let (place, journal) = rounds(&["strange-name"], "1", &["--evidence=trace"]);
    assert!(journal.ended[0].crash.is_some(), "{:?}", journal.ended);
    for args in [&["report"][..], &["crashes", "1"], &["crashes", "1", "1"]] {
        let done = place.crashrate(args).expect(0);
        let control = |c: char| c.is_control() && c != '\n';
        assert!(
            !done.stdout.contains(control),
            "{args:?}: {:?}",
            done.stdout
        );
    }
}
