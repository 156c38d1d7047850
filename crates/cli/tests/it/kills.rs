//! `kill -9` of the supervisor: no process of the run survives, and the attempts that had ended are
//! recorded.

use std::os::unix::process::CommandExt;
use std::time::Duration;

use crashrate_model::Outcome;
use crashrate_testkit::processes::{processes_with_argument, processes_with_marker};
use crashrate_testkit::programs;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde_json::json;

use crate::util::{Done, Live, Place, assert_nothing_left, id, row, until};

/// Starts a run of five quick rounds and three that would take minutes: two plain ones, and one
/// with a daemon in another session. Returns when the quick rounds have ended and the others run.
fn long_run(place: &Place) -> Live {
    let program = &programs().misbehave;
    place.suite(&format!(
        r#"
        [[chapter]]
        id = "quick"
        rounds = 5
        command = ["true"]

        [[chapter]]
        id = "slow"
        rounds = 2
        command = ["sh", "-c", "sleep 300"]

        [[chapter]]
        id = "daemon"
        rounds = 1
        command = ["sh", "-c", "\"$0\" hold-pipe-setsid; touch daemon-runs; sleep 300", {program:?}]
        "#
    ));
    let mut run = place.command(&["run", "suite.toml", "--jobs", "4"]);
    let live = place.start(run.process_group(0));
    until("the quick rounds have ended, and the others run", || {
        let journal = place.journal_so_far();
        (journal.started.len(), journal.ended.len()) == (8, 5)
            && place.path().join("daemon-runs").exists()
            && processes_with_marker(&id(&place.run())).len() >= 4
    });
    live
}

fn assert_lost_but_told(place: &Place) {
    assert_nothing_left(&id(&place.run()));
    let json = place.json();
    let outcomes = |chapter| &row(&json["chapters"], "chapter", chapter)["outcomes"];
    assert_eq!(outcomes("quick"), &json!({"passed": 5}));
    assert_eq!(outcomes("slow"), &json!({"lost": 2}));
    assert_eq!(outcomes("daemon"), &json!({"lost": 1}));
    // Lost rounds are shown next to the rate but not counted in it.
    let slow = row(&json["chapters"], "chapter", "slow");
    assert_eq!(slow["first_attempt"], json!({"bad": 0, "n": 0}));
    assert_eq!(json["run"]["complete"], false);
    assert_eq!(json["run"]["live"], false);
    assert_eq!(json["run"]["finished"], json!(null));
    let stdout = place.full();
    let words = ["lost", "result lost of"];
    for words in words {
        assert!(stdout.contains(words), "{stdout}");
    }
    let Done { stdout, .. } = place.crashrate(&["runs"]).expect(0);
    // Eight rounds were started, and three of them have no result.
    let words: Vec<_> = stdout.split_whitespace().collect();
    let state = ["incomplete", "5", "of", "8"];
    assert!(words.windows(4).any(|words| words == state), "{stdout}");
}

#[test]
fn of_the_supervisor() {
    let place = Place::new();
    let live = long_run(&place);
    live.signal(Signal::SIGKILL);
    assert_eq!(live.wait().code(), -9);
    assert_lost_but_told(&place);
}

#[test]
fn of_the_supervisors_whole_group() {
    let place = Place::new();
    let live = long_run(&place);
    killpg(live.pid(), Signal::SIGKILL).unwrap();
    assert_eq!(live.wait().code(), -9);
    assert_lost_but_told(&place);
}

#[test]
fn of_the_guardian_stops_no_run() {
    let place = Place::new();
    place.suite(
        r#"
        [[chapter]]
        id = "wait"
        rounds = 5
        command = ["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done"]
        "#,
    );
    let live = place.start(&mut place.command(&["run", "suite.toml"]));
    until("an attempt has started", || {
        place.journal_so_far().started.len() == 1
    });
    let guardians = processes_with_argument(&id(&place.run()));
    assert_eq!(guardians.len(), 1, "{guardians:?}");
    kill(Pid::from_raw(guardians[0].cast_signed()), Signal::SIGKILL).unwrap();
    place.write("go", "");
    live.wait().expect(0);
    let outcomes = place.json()["totals"]["outcomes"].clone();
    assert_eq!(outcomes, json!({"passed": 5}));
}

/// Regression: two runs in different runs folders had the same id if they started in the same
/// second. When one was killed, its guardian also killed the children of the other.
#[test]
fn of_the_supervisor_spares_the_run_beside_it() {
    let places = [Place::new(), Place::new()];
    let suite = format!(
        r#"
        [suite]
        name = "{}"
        [[chapter]]
        id = "wait"
        rounds = 1
        command = ["sh", "-c", "while [ ! -e go ]; do sleep 0.02; done"]
        "#,
        places[0].name
    );
    let [killed, spared] = places.each_ref().map(|place| {
        place.write("suite.toml", &suite);
        place.start(&mut place.command(&["run", "suite.toml"]))
    });
    for place in &places {
        until("an attempt has started", || {
            place.journal_so_far().started.len() == 1
        });
    }
    killed.signal(Signal::SIGKILL);
    killed.wait();
    assert_nothing_left(&id(&places[0].run()));
    places[1].write("go", "");
    spared.wait().expect(0);
}

/// Covers a kill while an attempt is being started and no other process knows about it.
#[test]
fn of_the_supervisor_at_any_moment() {
    let place = Place::new();
    place.suite(
        r#"
        [[chapter]]
        id = "short"
        rounds = 1000
        command = ["sh", "-c", "sleep 0.01 & sleep 0.01; sleep 0.01"]

        [[chapter]]
        id = "long"
        rounds = 3
        command = ["sh", "-c", "sleep 300 & sleep 300"]
        "#,
    );
    for millis in (0..100).step_by(9) {
        let mut run = place.command(&["run", "suite.toml", "--jobs", "4"]);
        let live = place.start(&mut run);
        std::thread::sleep(Duration::from_millis(millis));
        live.signal(Signal::SIGKILL);
        assert_eq!(live.wait().code(), -9);
    }
    for run in place.runs() {
        assert_nothing_left(&id(&run));
        let report = place.crashrate(&["report", run.to_str().unwrap()]);
        // A run that was killed before its first record has nothing to report and says so.
        let told = match report.code() {
            0 => true,
            code => code == 96 && report.stderr.lines().count() == 1,
        };
        assert!(told, "{report:?}");
    }
}

#[test]
fn a_lost_attempt_is_not_a_crash() {
    let place = Place::new();
    let live = long_run(&place);
    live.signal(Signal::SIGKILL);
    live.wait();
    let journal = place.journal();
    assert!(journal.closed.is_empty());
    let passed = journal.ended.iter().all(|e| e.outcome == Outcome::Passed);
    assert!(passed, "{:?}", journal.ended);
}
