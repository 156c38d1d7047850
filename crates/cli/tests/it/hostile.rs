//! Children that want to stay, or to take others with them: nothing of them outlives their attempt.

use crashrate_model::{Exit, Outcome};
use crashrate_testkit::processes::{processes_with_argument, run_watched};
use crashrate_testkit::programs;
use serde_json::json;

use crate::util::{Journal, Place};

/// The supervisor stays small whatever they do.
const MEMORY: u64 = 100_000_000;

/// So many rounds of this misbehaviour. What it leaves has the last argument in its command line.
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

/// A number that no other process has in its command line.
fn unique(number: u32) -> String {
    format!("{number}.{}", std::process::id()).replace('.', "000")
}

/// It cannot: it has its own session, and a process group never spans two.
#[test]
fn one_that_joins_the_group_of_its_supervisor() {
    for more in [&[][..], &["--evidence=none"]] {
        // Arguments that it does not take are ignored.
        let (_, journal) = rounds(&["join-group", &unique(1)], "2", more);
        for ended in &journal.ended {
            assert_eq!(ended.outcome, Outcome::Failed, "{ended:?}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn many_daemons_of_one() {
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

/// Always another process, none of which lives long enough to be looked for.
#[cfg(target_os = "linux")]
#[test]
fn one_that_hands_on_to_another_again_and_again() {
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
fn a_thousand_daemons_of_one() {
    for more in [&[][..], &["--evidence=none"]] {
        rounds(&["fork-many", "500", &unique(3)], "3", more);
    }
}

#[test]
#[ignore = "half a minute of waiting: cargo test -p crashrate --release -- --ignored"]
fn one_that_takes_ten_seconds_to_die() {
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

/// What a child calls itself reaches no terminal as it is.
#[cfg(target_os = "linux")]
#[test]
fn one_with_a_name_that_is_an_order() {
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
