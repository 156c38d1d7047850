//! `crashrate provoke`: the perturbation under which a program crashes more often.

use std::fs;

use crashrate_testkit::racy::{Linking, Racy};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::util::{Done, Live, Place, skip, until};

/// A program that dies of SIGSEGV in half of its rounds if its memory is perturbed, and else in one
/// of fifty; perturbed it also aborts in one of fifty. It waits while there is a file `wait`.
const SENSITIVE: &str = r#"#!/bin/sh
while [ -e wait ]; do sleep 0.02; done
place=$((CRASHRATE_ROUND * 37 % 100))
if [ -n "$MALLOC_PERTURB_$MallocScribble" ]; then
    [ $place -lt 50 ] && kill -SEGV $$
    [ $place -ge 98 ] && kill -ABRT $$
fi
[ $place -lt 2 ] && kill -SEGV $$
exit 0
"#;

fn sensitive() -> Place {
    let place = Place::new();
    place.program("sensitive", SENSITIVE);
    place
}

/// The search of the last run.
fn provocation(place: &Place) -> Value {
    place.json()["provocation"].clone()
}

const MALLOC: [&str; 4] = ["provoke", "--perturb", "malloc", "--"];

#[test]
fn a_perturbation_that_helps_is_shown() {
    let place = sensitive();
    let Done { stdout, .. } = place
        .crashrate(&[&MALLOC[..], &["./sensitive"]].concat())
        .expect(0);
    for part in [
        "FOUND  `malloc` makes it crash",
        "at least 5 times as many crashes a second",
        "crashrate run -n 100 --perturb malloc -- ./sensitive",
        "Its rate is not the program's",
        "The crash searched: SIGSEGV.",
        "Only perturbed rounds ended with SIGABRT (",
    ] {
        assert!(stdout.contains(part), "{part}\n{stdout}");
    }
    let found = provocation(&place);
    assert_eq!(found["answer"], "shown", "{found:#}");
    assert_eq!(found["shown"]["perturb"], "malloc");
    assert_eq!(found["arms"][0]["perturb"], "none");
    assert!(found["shown"]["gain_interval"][0].as_f64().unwrap() > 5.0);
    assert!(place.full().contains("perturbation"));
}

#[test]
fn what_does_not_help_is_not_claimed() {
    let place = Place::new();
    let args = [
        "provoke",
        "--perturb",
        "malloc",
        "--for",
        "3s",
        "--",
        "true",
    ];
    let Done { stdout, .. } = place.crashrate(&args).expect(121);
    assert!(
        stdout.contains("UNDECIDED  Nothing is shown to help"),
        "{stdout}"
    );
    assert!(stdout.contains("Nothing crashed."), "{stdout}");
    assert_eq!(provocation(&place)["answer"], "nothing-shown");
}

#[test]
fn wrong_requests_are_refused() {
    let place = sensitive();
    let suite = "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n[[chapter]]\nid = \"b\"\ncommand = [\"true\"]\n";
    let suite = place.suite(suite);
    let suite = suite.to_str().unwrap();
    for (args, problem) in [
        (
            &["provoke", suite][..],
            "one chapter or sequence is perturbed, and 2 are chosen",
        ),
        (
            &["provoke", "--perturb", "none", "--", "true"],
            "there is no perturbation to try",
        ),
        (
            &["provoke", "--perturb", "stosp", "--", "true"],
            "unknown perturbation `stosp`",
        ),
        (
            &["provoke", "--gain", "1", "--", "true"],
            "must be a number above 1",
        ),
    ] {
        let Done { stderr, .. } = place.crashrate(args).expect(96);
        assert!(stderr.contains(problem), "{args:?}: {stderr}");
    }
    place.crashrate(&["run", "-n", "1", "--", "true"]).expect(0);
    let Done { stderr, .. } = place.crashrate(&["provoke", "--resume", "1"]).expect(96);
    assert!(stderr.contains("no search for a perturbation"), "{stderr}");
}

/// Ends a search in a round that waits, and resumes it.
fn ended_and_resumed(end: impl FnOnce(Live)) {
    let place = sensitive();
    let live = place.start(&mut place.command(&[&MALLOC[..], &["./sensitive"]].concat()));
    let journal = || {
        let run = place.runs().first().cloned();
        run.and_then(|run| fs::read_to_string(run.join("journal.jsonl")).ok())
    };
    until("some rounds have ended", || {
        journal().is_some_and(|text| text.matches(r#""rec":"ended""#).count() > 20)
    });
    place.write("wait", "");
    end(live);
    fs::remove_file(place.path().join("wait")).unwrap();
    place
        .crashrate(&["provoke", "--resume", "latest"])
        .expect(0);
    assert_eq!(provocation(&place)["shown"]["perturb"], "malloc");
}

#[test]
fn a_search_that_was_interrupted_is_resumed() {
    ended_and_resumed(|live| {
        live.signal(Signal::SIGINT);
        // Two signals that wait together are one.
        live.says("press Ctrl-C again");
        live.signal(Signal::SIGINT);
        live.wait().expect(106);
    });
}

#[test]
fn a_search_that_was_killed_is_resumed() {
    ended_and_resumed(|live| {
        live.signal(Signal::SIGKILL);
        live.wait();
    });
}

/// As `cargo xtask verify provoke`: three minutes for each racy program.
#[test]
#[ignore = "half an hour; run by `cargo xtask verify provoke`"]
fn racy_programs() {
    let mut shown = 0;
    println!("program\tshown\tgain\tfrom\tseconds\trounds");
    for racy in Racy::ALL {
        let place = Place::new();
        let program = racy.program(Linking::Dynamic);
        let program = program.to_str().unwrap();
        let done = place.crashrate(&["provoke", "--for", "3m", "--", program]);
        assert!(
            [0, 121].contains(&done.code()),
            "{}{}",
            done.stdout,
            done.stderr
        );
        let found = provocation(&place);
        let arm = &found["shown"];
        shown += usize::from(found["answer"] == "shown");
        println!(
            "{}\t{}\t{}\t{}\t{}\t{}",
            racy.name(),
            arm["perturb"],
            arm["gain"],
            arm["gain_interval"][0],
            found["seconds"],
            place.json()["totals"]["attempts"]
        );
    }
    println!("shown for {shown} of {}", Racy::ALL.len());
    assert!(shown >= 7, "shown for {shown}");
}

/// A clean command gains nothing: at most 5 claims in 100 runs.
#[test]
#[ignore = "minutes; run by `cargo xtask verify provoke`"]
fn a_clean_command_a_hundred_times() {
    let place = Place::new();
    let program = Racy::UseAfterFree.program(Linking::Dynamic);
    let args = [
        "provoke",
        "-q",
        "--for",
        "5s",
        "--",
        program.to_str().unwrap(),
        "fixed",
    ];
    let mut claims = 0;
    for _ in 0..100 {
        let done = place.crashrate(&args);
        assert!(
            [0, 121].contains(&done.code()),
            "{}{}",
            done.stdout,
            done.stderr
        );
        claims += usize::from(done.code() == 0);
    }
    println!("{claims} claims in 100 runs");
    assert!(claims <= 5);
}

#[test]
fn every_perturbation_of_this_system_is_tried() {
    if !cfg!(target_os = "linux") {
        return skip("other systems have fewer perturbations");
    }
    let place = Place::new();
    place
        .crashrate(&["provoke", "--for", "4s", "--", "true"])
        .expect(121);
    let arms = provocation(&place)["arms"].clone();
    let names = arms
        .as_array()
        .unwrap()
        .iter()
        .map(|arm| arm["perturb"].as_str().unwrap());
    let names: Vec<&str> = names.collect();
    let all = [
        "none",
        "trace",
        "ambush",
        "stops",
        "delays",
        "stops+malloc",
        "malloc",
        "crowd",
    ];
    assert_eq!(names, all);
}
