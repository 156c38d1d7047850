//! Interference with a run's folder, programs, limits or supervisor from outside. Nothing is lost
//! silently, and nothing is counted that does not belong to the run.

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crashrate_model::{Ended, Lines, Outcome, Record, Started, StopReason};
use crashrate_testkit::programs;
use nix::sys::signal::Signal;
use serde_json::json;

use crate::util::{Done, Live, Place, assert_nothing_left, id, until};

const WAITS: &str = r#"
[[chapter]]
id = "wait"
rounds = 4
timeout = "2s"
command = ["sh", "-c", "[ $CRASHRATE_ROUND = 1 ] || { : >> waits; while [ ! -e go ]; do sleep 0.02; done; }"]
"#;

/// Starts a run and returns when round 1 has ended and round 2 waits for `go`.
fn in_round_2(place: &Place, suite: &str) -> Live {
    place.suite(suite);
    let live = place.start(&mut place.command(&["run", "suite.toml"]));
    until("round 2 runs", || place.path().join("waits").exists());
    // Under load the child may get this far before the supervisor waits for it.
    live.until_idle();
    live
}

#[test]
fn a_folder_that_is_moved() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"a\"\ncommand = [\"sleep\", \"0.05\"]\nrounds = 500\n");
    let live = place.start(&mut place.command(&["run", "suite.toml"]));
    until("two rounds have ended", || {
        place.journal_so_far().ended.len() > 1
    });
    let run = place.run();
    fs::rename(&run, run.with_file_name("elsewhere")).unwrap();
    let done = live.wait().expect(110);
    assert!(done.stderr.contains("removed or moved"), "{}", done.stderr);
    assert!(!run.exists());
}

#[test]
fn a_folder_that_is_removed() {
    let place = Place::new();
    let live = in_round_2(&place, WAITS);
    let run = place.run();
    fs::remove_dir_all(&run).unwrap();
    place.write("go", "");
    let done = live.wait().expect(110);
    assert!(
        done.stderr.contains("was removed or moved during the run"),
        "{}",
        done.stderr
    );
    assert_eq!(done.stderr.matches("error: ").count(), 1, "{}", done.stderr);
    assert_nothing_left(&id(&run));
}

/// Runs crashrate from a shell with these limits.
fn limited(place: &Place, limits: &str, args: &[&str]) -> Done {
    let run = place.command(args);
    let mut shell = Command::new("sh");
    let script = format!("{limits}; exec \"$0\" \"$@\"");
    shell.arg("-c").arg(script).arg(run.get_program());
    shell.args(run.get_args()).current_dir(place.path());
    shell.env("CRASHRATE_RUNS_DIR", place.runs_dir());
    place.start(&mut shell).wait()
}

#[test]
fn too_few_open_files() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 20\ncommand = [\"true\"]\n");
    let args = ["run", "suite.toml", "--jobs", "4"];
    let done = limited(&place, "ulimit -n 60", &args).expect(106);
    let says = "too few files may be open: ";
    assert!(done.stderr.contains(says), "{}", done.stderr);
    // Enough, including descriptors that the tests inherited.
    limited(&place, "ulimit -n 140", &args).expect(0);
    assert_eq!(place.json()["totals"]["outcomes"], json!({"passed": 20}));
}

/// Rounds before and after the replacement belong to two programs, so the run stops.
#[test]
fn a_program_that_is_replaced_in_the_middle() {
    let place = Place::new();
    let suite = WAITS.replace("\"sh\", \"-c\", ", "\"./program\", ");
    let script = "#!/bin/sh\neval \"$1\"\n";
    let program = place.program("program", script);
    let live = in_round_2(&place, &suite);
    place.program("other", &format!("{script}# another build\n"));
    fs::rename(place.path().join("other"), &program).unwrap();
    place.write("go", "");
    let done = live.wait().expect(106);
    let says = "program was replaced (sha256 ";
    assert!(done.stderr.contains(says), "{}", done.stderr);
    let closed = "The run stopped because a measured program changed: ";
    assert!(done.stdout.contains(closed), "{}", done.stdout);
    let journal = place.journal();
    assert_eq!((journal.started.len(), journal.ended.len()), (2, 2));
    assert_eq!(journal.closed[0].why, StopReason::ProgramReplaced);
    // Round 2 had started less than a second before the replacement, so either program may have
    // run.
    assert_eq!(journal.ended[1].outcome, Outcome::NotStarted);

    // Resuming does not pool the two programs either.
    let refused = place.crashrate(&["run", "--resume", "latest"]).expect(96);
    assert!(refused.stderr.contains(says), "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
    assert_eq!(
        place.journal().opened.len(),
        1,
        "nothing was written to the journal"
    );
    place.program("program", script);
    place.crashrate(&["run", "--resume", "latest"]).expect(0);
    let outcomes = json!({"passed": 4, "not-started": 1});
    assert_eq!(place.json()["totals"]["outcomes"], outcomes);
}

#[test]
fn a_program_that_was_only_touched() {
    let place = Place::new();
    let suite = WAITS.replace("\"sh\", \"-c\", ", "\"./program\", ");
    let script = "#!/bin/sh\neval \"$1\"\n";
    place.program("program", script);
    let live = in_round_2(&place, &suite);
    place.program("program", script);
    place.write("go", "");
    live.wait().expect(0);
}

/// A round that starts while its program is being replaced may run either of the two.
#[test]
fn a_round_that_began_when_its_program_was_replaced_is_not_counted() {
    let place = Place::new();
    place.program("other", "#!/bin/sh\nexit 3\n");
    place.program("program", "#!/bin/sh\nmv other \"$0\"\n");
    place.suite("[[chapter]]\nid = \"a\"\ncommand = [\"./program\"]\nrounds = 3\n");
    let done = place.crashrate(&["run", "suite.toml"]).expect(106);
    assert!(done.stderr.contains("was replaced"), "{}", done.stderr);
    let journal = place.journal();
    assert_eq!(journal.ended.len(), 1);
    assert_eq!(journal.ended[0].outcome, Outcome::NotStarted);
    let reason = journal.ended[0].reason.as_deref().unwrap_or_default();
    assert!(reason.contains("was replaced"), "{reason}");
}

#[test]
fn a_worker_that_is_replaced_between_run_and_resume() {
    let place = Place::new();
    let worker = place.path().join("worker");
    fs::copy(&programs().sequence_runner, &worker).unwrap();
    place.worker_suite(
        &worker,
        "[[chapter]]\nid = \"a\"\nworker = \"act\"\nrounds = 50\nparams = { secs = 0.1 }\n",
    );
    let live = place.start(&mut place.command(&["run", "suite.toml"]));
    until("two rounds have ended", || {
        place.journal_so_far().ended.len() > 1
    });
    live.signal(Signal::SIGTERM);
    live.wait().expect(106);
    let mut file = fs::OpenOptions::new().append(true).open(&worker).unwrap();
    file.write_all(b"another build").unwrap();
    drop(file);
    let refused = place.crashrate(&["run", "--resume", "latest"]).expect(96);
    let says = format!("{} was replaced", worker.display());
    assert!(refused.stderr.contains(&says), "{}", refused.stderr);
    assert!(refused.stderr.contains("compare"), "{}", refused.stderr);
}

/// The supervisor is stopped, as by a shell's job control, for longer than the time limit. The
/// pause does not count against the time limit of the attempt.
#[test]
fn a_supervisor_that_is_stopped_for_a_while() {
    let place = Place::new();
    // After the pause about 3 s of the time limit are left for the round.
    let live = in_round_2(&place, &WAITS.replace("2s", "4s"));
    live.signal(Signal::SIGSTOP);
    std::thread::sleep(Duration::from_secs(5));
    live.signal(Signal::SIGCONT);
    std::thread::sleep(Duration::from_millis(300));
    place.write("go", "");
    live.wait().expect(0);
    let journal = place.journal();
    let second = &journal.ended[1];
    assert_eq!(second.outcome, Outcome::Passed, "{second:?}");
    assert!(second.secs > Some(5.0), "{second:?}");
    let note = &second.notes[0];
    assert!(note.starts_with("crashrate stood still for "), "{note}");
}

/// Covers children that end before the supervisor first looks for their output.
#[test]
fn a_supervisor_that_is_stopped_in_the_first_milliseconds_of_a_child() {
    for more in [&[][..], &["--evidence=none"]] {
        let place = Place::new();
        let command = [
            &["run"],
            more,
            &["--rounds", "200", "--timeout", "1s", "--", "sleep", "0.002"],
        ];
        let live = place.start(&mut place.command(&command.concat()));
        until("the journal exists", || {
            let runs = place.runs();
            runs.iter().any(|run| run.join("journal.jsonl").exists())
        });
        let ended = || place.journal_so_far().ended.len();
        for _ in 0..2 {
            let before = ended();
            until("a round ends", || ended() > before);
            live.signal(Signal::SIGSTOP);
            std::thread::sleep(Duration::from_millis(1300));
            live.signal(Signal::SIGCONT);
        }
        live.wait().expect(0);
    }
}

/// Signals that crashrate's parent blocked or ignored do not hide a time limit or the end of a
/// child.
#[cfg(target_os = "linux")]
#[test]
fn signals_that_are_blocked_or_ignored_when_it_starts() {
    // `sleep 20` takes far longer than a loaded machine needs to notice the time limit.
    let limit = ["--timeout", "3ms", "--", "sleep", "20"];
    let exit = ["--", "sh", "-c", "exit 7"];
    for (how, command, outcome) in [
        ("--block-signal=URG", &limit[..], Outcome::TimedOut),
        ("--ignore-signal=CHLD", &exit, Outcome::Failed),
    ] {
        for more in [&[][..], &["--evidence=none"]] {
            let place = Place::new();
            let rounds = ["run", "--report-only", "--rounds", "3"];
            let run = place.command(&[&rounds, more, command].concat());
            let mut env = Command::new("env");
            env.arg(how).arg(run.get_program()).args(run.get_args());
            env.env("CRASHRATE_RUNS_DIR", place.runs_dir());
            place.start(env.current_dir(place.path())).wait().expect(0);
            let ended = place.journal().ended;
            assert_eq!(ended.len(), 3);
            assert!(ended.iter().all(|e| e.outcome == outcome), "{ended:?}");
        }
    }
}

/// After the pause the supervisor enforces the rest of the time limit.
#[test]
fn a_continued_supervisor_enforces_time_limits() {
    let place = Place::new();
    let live = in_round_2(&place, &WAITS.replace("rounds = 4", "rounds = 2"));
    live.signal(Signal::SIGSTOP);
    std::thread::sleep(Duration::from_secs(1));
    live.signal(Signal::SIGCONT);
    live.wait().expect(100);
    let ended: Vec<Ended> = place.journal().ended;
    assert_eq!(ended[1].outcome, Outcome::TimedOut, "{ended:?}");
    assert!(ended[1].secs > Some(2.5), "{ended:?}");
}

/// SIGHUP is ignored, as under `nohup`, so a closed terminal does not stop the run.
#[test]
fn a_run_under_nohup_survives_sighup() {
    let place = Place::new();
    place.suite(&WAITS.replace("2s", "60s"));
    let run = place.command(&["run", "suite.toml"]);
    let mut shell = Command::new("sh");
    let script = "trap '' HUP; exec \"$0\" \"$@\"";
    shell.args(["-c", script]).arg(run.get_program());
    shell.args(run.get_args()).current_dir(place.path());
    shell.env("CRASHRATE_RUNS_DIR", place.runs_dir());
    let live = place.start(shell.process_group(0));
    until("round 2 runs", || place.journal_so_far().started.len() == 2);
    live.signal(Signal::SIGHUP);
    std::thread::sleep(Duration::from_millis(200));
    place.write("go", "");
    live.wait().expect(0);
}

#[test]
fn a_retry_that_is_lost_is_named() {
    let place = Place::new();
    place.suite(
        r#"
        [[chapter]]
        id = "x"
        rounds = 1
        retries = 1
        command = ["sh", "-c", """
            [ $CRASHRATE_ATTEMPT = 2 ] && : > retrying && while [ ! -e go ]; do sleep 0.02; done
            exit 1
        """]
        "#,
    );
    let live = place.start(&mut place.command(&["run", "suite.toml"]));
    // Not merely recorded as started: until it is executed, it keeps the run's lock.
    until("the retry runs", || place.path().join("retrying").exists());
    live.signal(Signal::SIGKILL);
    live.wait();
    let lost = |place: &Place| place.json()["chapters"][0]["lost_retries"].clone();
    assert_eq!(lost(&place), 1);
    place.write("go", "");
    place.crashrate(&["run", "--resume", "latest"]).expect(100);
    assert_eq!(lost(&place), 1);
    let row = place.json()["chapters"][0].clone();
    assert_eq!(row["attempts"], 3, "{row:#}");
    assert_eq!(row["first_attempt"], json!({"bad": 0, "n": 1}));
}

/// A damaged journal counts as wrong input (exit code 96), for `run --resume` and for `report`.
#[test]
fn a_corrupt_journal_is_not_resumed() {
    let started = |unit, round| {
        Some(Record::Started(Started {
            unit,
            round,
            attempt: 1,
            at: 0.1,
            opened: None,
        }))
    };
    // A line without a checksum, an unknown unit, an unknown round, and a second start of a round.
    for record in [None, started(9, 1), started(0, 99), started(0, 1)] {
        let place = Place::new();
        place.suite("[[chapter]]\nid = \"x\"\nrounds = 3\ncommand = [\"true\"]\n");
        place.crashrate(&["run", "suite.toml"]).expect(0);
        let journal = place.run().join("journal.jsonl");
        let mut bytes = fs::read(&journal).unwrap();
        let mut lines = Lines::after(&bytes).unwrap();
        match record {
            None => bytes.extend(b"{\"rec\":\"started\",\"unit\":0\n"),
            Some(record) => lines.write(&record, &mut bytes).unwrap(),
        }
        fs::write(&journal, &bytes).unwrap();
        for args in [&["run", "--resume", "1"][..], &["report", "1"]] {
            let done = place.crashrate(args).expect(96);
            assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
            assert!(done.stderr.contains("journal.jsonl"), "{}", done.stderr);
        }
        assert_eq!(
            fs::read(&journal).unwrap(),
            bytes,
            "the journal is unchanged"
        );
    }
}

#[test]
fn a_worker_that_the_user_named_and_that_is_not_there() {
    let place = Place::new();
    let done = place.crashrate(&["doctor", "--worker", "/nope"]).expect(96);
    assert!(done.stderr.contains("/nope"), "{}", done.stderr);
    let mut by_variable = place.command(&["doctor"]);
    by_variable.env("CRASHRATE_WORKER", Path::new("/nope"));
    place.start(&mut by_variable).wait().expect(96);
}
