//! Resuming a run: exactly the attempts without a recorded end are run, and nothing counts twice.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;

use crashrate_model::Outcome;
use nix::sys::signal::Signal;
use serde_json::json;

use crate::util::{Done, Journal, Place, until};

const WAITS_AT_3: &str = r#"
[defaults]
rounds = 5

[[chapter]]
id = "quick"
command = ["true"]

[[chapter]]
id = "waits"
command = ["sh", "-c", "while [ $CRASHRATE_ROUND = 3 ] && [ ! -e go ]; do sleep 0.02; done; exit 3"]
"#;

/// How many counted results each round of each unit has.
fn counted(journal: &Journal) -> BTreeMap<(u32, u32), u32> {
    let mut counts = BTreeMap::new();
    for ended in journal.ended.iter().filter(|e| e.outcome.counts()) {
        *counts.entry((ended.unit, ended.round)).or_default() += 1;
    }
    counts
}

fn stopped(place: &Place, signal: Signal) {
    place.suite(WAITS_AT_3);
    let live = place.start(&mut place.command(&["run", "suite.toml"]));
    until("round 3 runs", || {
        let journal = place.journal_so_far();
        let open = journal.started.len() > journal.ended.len();
        open && journal.started.last().is_some_and(|s| s.round == 3)
            && journal.name(journal.started.last().unwrap().unit) == "waits"
    });
    live.signal(signal);
    live.wait();
}

fn assert_resumed(place: &Place, given_up: Outcome) {
    place.write("go", "");
    place.crashrate(&["run", "--resume", "latest"]).expect(100);
    let journal = place.journal();
    let counts = counted(&journal);
    assert_eq!(counts.len(), 10);
    assert!(counts.values().all(|&n| n == 1), "{counts:?}");
    let json = place.json();
    assert_eq!(json["run"]["complete"], true);
    assert_eq!(json["run"]["resumed"], 1);
    let outcomes = json!({"passed": 5, "failed": 5, given_up.word(): 1});
    assert_eq!(json["totals"]["outcomes"], outcomes);
    assert_eq!(json["totals"]["first_attempt"], json!({"bad": 0, "n": 10}));
    // A second resume has nothing left to do.
    let again = place.crashrate(&["run", "--resume", "latest"]);
    assert_eq!(counted(&place.journal()), counts, "{again:?}");
}

#[test]
fn after_kill_9() {
    let place = Place::new();
    stopped(&place, Signal::SIGKILL);
    assert_resumed(&place, Outcome::Lost);
}

#[test]
fn after_kill_9_with_a_torn_tail() {
    let place = Place::new();
    stopped(&place, Signal::SIGKILL);
    let journal = place.run().join("journal.jsonl");
    let mut journal = OpenOptions::new().append(true).open(journal).unwrap();
    journal
        .write_all(br#"{"rec":"ended","unit":1,"rou"#)
        .unwrap();
    assert_resumed(&place, Outcome::Lost);
}

#[test]
fn after_an_interruption() {
    let place = Place::new();
    stopped(&place, Signal::SIGTERM);
    assert_resumed(&place, Outcome::Interrupted);
}

/// Regression: the guardian of the killed supervisor was still running and killed children of the
/// new supervisor. One in four attempts counted as crashed.
#[test]
fn at_once_after_kill_9() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 1000\ncommand = [\"sleep\", \"0.02\"]\n");
    let mut live = place.start(&mut place.command(&["run", "suite.toml", "--jobs", "4"]));
    let resume = ["run", "--resume", "latest", "--jobs", "4"];
    for _ in 0..6 {
        let before = place.journal_so_far().ended.len();
        until("more attempts have ended", || {
            assert_eq!(live.stderr(), "");
            place.journal_so_far().ended.len() > before + 8
        });
        live.signal(Signal::SIGKILL);
        live.wait();
        live = place.start(&mut place.command(&resume));
    }
    until("the last resume runs", || {
        assert_eq!(live.stderr(), "");
        let Journal {
            opened,
            started,
            ended,
            ..
        } = place.journal_so_far();
        opened.len() == 7 && started.len() > ended.len()
    });
    live.signal(Signal::SIGTERM);
    live.wait().expect(106);
    let harmless = [Outcome::Passed, Outcome::Lost, Outcome::Interrupted];
    for ended in place.journal().ended {
        assert!(harmless.contains(&ended.outcome), "{ended:?}");
    }
}

#[test]
fn a_live_run_cannot_be_resumed() {
    let place = Place::new();
    place.suite(WAITS_AT_3);
    let live = place.start(&mut place.command(&["run", "suite.toml"]));
    until("an attempt has started", || {
        !place.journal_so_far().started.is_empty()
    });
    let resumed = place.crashrate(&["run", "--resume", "latest"]);
    let Done { stderr, .. } = &resumed;
    assert_ne!(resumed.code(), 0);
    assert!(stderr.contains("in use by another crashrate"), "{stderr}");
    place.write("go", "");
    live.wait().expect(100);
    assert_eq!(place.journal().opened.len(), 1);
}
