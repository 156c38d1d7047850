//! `spawn = "fork"`: attempts that are forked from a warm process give the same results as executed
//! ones, and reports say that they were forked.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;

use crashrate_model::{EvidenceMode, Outcome, Spawn};
use crashrate_testkit::processes::processes_with_marker;
use crashrate_testkit::programs;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::util::{Done, Journal, Live, Place, assert_nothing_left, id, row, until};

/// A chapter whose attempts are forked, with `misbehave` as the zygote.
fn chapter(chapter: &str, rounds: u32, arguments: &[&str]) -> String {
    let mut command = vec![programs().misbehave.to_str().unwrap()];
    command.extend(arguments);
    format!(
        "[[chapter]]\nid = {chapter:?}\nrounds = {rounds}\ntimeout = \"20s\"\nspawn = \"fork\"\nzygote = true\n\
         command = {command:?}\n"
    )
}

/// The zygotes of a live run: children of the supervisor with `CRASHRATE_ZYGOTE` in their
/// environment.
fn zygotes(place: &Place, live: &Live) -> Vec<Pid> {
    let Some(run) = place.runs().first().cloned() else {
        return Vec::new();
    };
    let supervisor = live.pid().as_raw().to_string();
    let is_zygote = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split(' ').nth(2));
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        parent == Some(&supervisor)
            && String::from_utf8_lossy(&environ).contains("CRASHRATE_ZYGOTE=")
    };
    let marked = processes_with_marker(&id(&run)).into_iter();
    let zygotes = marked.filter(is_zygote);
    zygotes
        .map(|pid| Pid::from_raw(pid.cast_signed()))
        .collect()
}

/// The number of open descriptors of a process.
fn descriptors(pid: Pid) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(usize::MAX, Iterator::count)
}

/// The lowest number of open descriptors of each process while some rounds end. The minimum leaves
/// out descriptors that are open only briefly.
///
/// The samples are spread over several rounds because samples in quick succession could all see the
/// same temporary descriptors.
fn kept_descriptors<const N: usize>(
    place: &Place,
    until_ended: usize,
    pids: [Pid; N],
) -> [usize; N] {
    let fewest = Cell::new([usize::MAX; N]);
    until("more rounds have ended", || {
        let mut so_far = fewest.get();
        for (fewest, pid) in so_far.iter_mut().zip(pids) {
            *fewest = descriptors(pid).min(*fewest);
        }
        fewest.set(so_far);
        place.journal_so_far().ended.len() >= until_ended
    });
    fewest.get()
}

#[test]
fn forked_attempts_are_counted_and_their_crashes_have_evidence() {
    let place = Place::new();
    place.suite(&chapter("tenth", 1200, &["crash-when", "10", "3"]));
    let live = place.start(&mut place.command(&["run", "suite.toml", "--seed", "1"]));
    until("100 attempts have ended", || {
        place.journal_so_far().ended.len() >= 100
    });
    let first = zygotes(&place, &live);
    assert_eq!(first.len(), 1, "one zygote for one command");
    let both = [live.pid(), first[0]];
    let early = kept_descriptors(&place, 400, both);
    until("700 attempts have ended", || {
        place.journal_so_far().ended.len() >= 700
    });
    let late = kept_descriptors(&place, 900, both);
    assert!(
        late[0] <= early[0] + 4,
        "the supervisor leaks descriptors: {early:?} became {late:?}"
    );
    // A zygote is replaced after a thousand children, so it may be gone.
    if late[1] != usize::MAX {
        assert!(
            late[1] <= early[1] + 1,
            "the zygote leaks descriptors: {early:?} became {late:?}"
        );
    }
    live.wait().expect(100);
    let journal = place.journal();
    assert_eq!(journal.ended.len(), 1200);
    assert!(journal.zygotes.is_empty(), "{:?}", journal.zygotes);
    for ended in &journal.ended {
        let expected = match ended.round % 10 == 3 {
            true => Outcome::Crashed,
            false => Outcome::Passed,
        };
        assert_eq!((ended.outcome, ended.spawn), (expected, None), "{ended:?}");
        assert_eq!(ended.notes, [""; 0]);
        let signature = ended.crash.as_ref().map(|crash| crash.signature.as_str());
        if journal.opened[0].run.evidence == EvidenceMode::Trace && expected == Outcome::Crashed {
            assert!(
                signature.unwrap().contains("faults::write_to_null"),
                "{ended:?}"
            );
        } else {
            assert_eq!(signature, None);
        }
    }
    let unit = &journal.opened[0].run.units[0];
    assert_eq!(
        (unit.spawn, unit.variant.as_str()),
        (Spawn::Fork, "default+fork")
    );
}

#[test]
fn each_way_to_die_gives_the_same_result_as_when_executed() {
    let kinds = [
        "pass",
        "exit-3",
        "segfault-thread",
        "abort",
        "stack-overflow",
        "double-free",
        "handled-segfault-exit-42",
        "kill-self",
        "hold-pipe-setsid",
        "uncaught-exception",
    ];
    for trace in [
        &["--spawn", "both"][..],
        &["--spawn", "both", "--evidence=none"],
    ] {
        let place = Place::new();
        let chapters = kinds.map(|kind| chapter(kind, 2, &[kind]));
        place.suite(&chapters.concat());
        place
            .crashrate(&[&["run", "suite.toml"], trace].concat())
            .expect(100);
        let journal = place.journal();
        let came_to = |kind: &str, spawn: Spawn| {
            let of = |unit: u32| &journal.opened[0].run.units[unit as usize];
            let ends = journal.ended.iter();
            let ends = ends.filter(|e| of(e.unit).name == kind && of(e.unit).spawn == spawn);
            let class = |signature: &str| signature.split(" | ").nth(1).map(str::to_owned);
            let what = ends.map(|e| {
                let class = e.crash.as_ref().and_then(|crash| class(&crash.signature));
                // The peak memory of forked and executed attempts differs, so the note about it is
                // left out.
                let notes = e.notes.iter().filter(|note| !note.contains("peak memory"));
                let notes: Vec<_> = notes.cloned().collect();
                (e.outcome, e.exit.clone(), class, notes)
            });
            what.collect::<Vec<_>>()
        };
        for kind in kinds {
            let forked = came_to(kind, Spawn::Fork);
            assert_eq!(forked.len(), 2);
            assert_eq!(forked, came_to(kind, Spawn::Exec), "{kind}");
        }
        assert!(journal.ended.iter().all(|ended| ended.spawn.is_none()));
    }
}

#[test]
fn sequences_and_worker_chapters_are_forked() {
    let place = Place::new();
    place.worker_suite(
        &programs().sequence_runner,
        r#"
        [defaults]
        rounds = 10
        spawn = "fork"

        [[chapter]]
        id = "a"
        worker = "act"

        [[chapter]]
        id = "b"
        worker = "act"
        params = { act = "segfault", when_round = [3, 7] }

        [[sequence]]
        id = "both"
        chapters = ["a", "b"]
        "#,
    );
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let journal = place.journal();
    assert!(
        journal
            .ended
            .iter()
            .all(|ended| ended.spawn.is_none() && ended.notes.is_empty())
    );
    let json = place.json();
    let sequence = row(&json["sequences"], "sequence", "both");
    assert_eq!(sequence["first_attempt"], json!({"bad": 2, "n": 10}));
    assert_eq!(sequence["died_in"]["b"], 2);
    assert_eq!(
        json["totals"]["outcomes"],
        json!({"passed": 26, "crashed": 4})
    );
}

#[test]
fn attempts_of_an_unsafe_zygote_are_executed_and_marked() {
    for (wrong, why) in [
        ("thread", "its zygote refused: it has 2 threads"),
        ("descriptor", "/dev/zero) is open"),
        (
            "exit",
            "the zygote ended with 7, and said: the warm-up exits",
        ),
    ] {
        let place = Place::new();
        let env = format!("env = {{ TESTKIT_WARM_UP = {wrong:?} }}\n");
        place.suite(&(chapter("x", 6, &["crash-when", "3", "1"]) + &env));
        place.crashrate(&["run", "suite.toml"]).expect(100);
        let journal = place.journal();
        assert_eq!(journal.ended.len(), 6);
        for ended in &journal.ended {
            assert_eq!(ended.spawn, Some(Spawn::Exec), "{ended:?}");
            assert!(
                ended.notes.iter().any(|note| note.contains(why)),
                "{ended:?}"
            );
        }
        let json = place.json();
        assert_eq!(
            json["totals"]["outcomes"],
            json!({"passed": 4, "crashed": 2})
        );
        assert_eq!(json["totals"]["planned"], 6);
        assert_eq!(json["run"]["complete"], true);
        let rates = json["chapters"].as_array().unwrap().iter();
        let rates = rates.map(|row| (row["variant"].clone(), row["first_attempt"].clone()));
        assert_eq!(
            rates.collect::<Vec<_>>(),
            [
                (json!("default+fork"), json!({"bad": 0, "n": 0})),
                (json!("default+exec"), json!({"bad": 2, "n": 6})),
            ],
            "forked and executed rounds are never pooled"
        );
        let stdout = place.full();
        assert!(stdout.contains("executed, not forked"), "{stdout}");
    }
}

#[test]
fn the_death_of_a_zygote_is_on_record_and_no_round_is_lost() {
    for trace in [&[][..], &["--evidence=none"]] {
        let place = Place::new();
        place.suite(&chapter("slow", 12, &["slow-round"]).replace("slow-round", "sleep\", \"1"));
        let live = place.start(&mut place.command(&[&["run", "suite.toml"], trace].concat()));
        let mut killed = BTreeSet::new();
        for ended in [1, 3] {
            until("more attempts have ended", || {
                place.journal_so_far().ended.len() >= ended
            });
            until("there is a zygote", || !zygotes(&place, &live).is_empty());
            let zygote = zygotes(&place, &live)[0];
            kill(zygote, Signal::SIGKILL).unwrap();
            killed.insert(zygote);
        }
        live.wait().expect(0);
        let journal = place.journal();
        assert_eq!(journal.zygotes.len(), killed.len(), "{:?}", journal.zygotes);
        assert!(
            journal
                .zygotes
                .iter()
                .all(|end| end.reason.contains("died of SIGKILL"))
        );
        assert_eq!(place.json()["totals"]["outcomes"], json!({"passed": 12}));
        let stdout = place.full();
        assert!(stdout.contains("ended by itself 2 times"), "{stdout}");
    }
}

#[test]
fn nothing_is_left_after_the_supervisors_death() {
    let place = Place::new();
    place.suite(&(chapter("hangs", 3, &["hang"]) + &chapter("daemon", 3, &["hold-pipe-setsid"])));
    let live = place.start(&mut place.command(&["run", "suite.toml", "--jobs", "2"]));
    until("two zygotes run", || zygotes(&place, &live).len() >= 2);
    live.signal(Signal::SIGKILL);
    assert_eq!(live.wait().code(), -9);
    assert_nothing_left(&id(&place.run()));
}

#[test]
fn time_limits_and_limits_hold_for_forked_children() {
    let place = Place::new();
    let short = |text: String| text.replace("20s", "300ms") + "grace = \"200ms\"\n";
    place.suite(
        &(short(chapter("hang", 3, &["hang"]))
            + &short(chapter("deaf", 2, &["hang-ignoring-sigterm"]))
            + &chapter("limited", 2, &["flood-file"]).replace("\"flood-file\"", "\"pass\"")
            + "limits = { file-size = \"1MiB\", cpu = \"5s\" }\n"),
    );
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let journal = place.journal();
    for ended in &journal.ended {
        let expected = match journal.name(ended.unit) {
            "limited" => Outcome::Passed,
            _ => Outcome::TimedOut,
        };
        assert_eq!((ended.outcome, ended.spawn), (expected, None), "{ended:?}");
        if expected == Outcome::TimedOut {
            assert!(
                ended.crash.as_ref().unwrap().signature.contains("HANG"),
                "{ended:?}"
            );
        }
    }
    assert!(journal.zygotes.is_empty(), "{:?}", journal.zygotes);
}

#[test]
fn forked_and_executed_rounds_are_compared_and_never_pooled() {
    let place = Place::new();
    place.suite(&chapter("x", 20, &["crash-when", "4", "1"]));
    for spawn in ["exec", "fork", "both"] {
        place
            .crashrate(&["run", "suite.toml", "--spawn", spawn])
            .expect(100);
    }
    let Done { stdout, .. } = place.crashrate(&["compare", "1", "2"]).expect(0);
    assert!(
        stdout.contains("spawn differs: exec in N=1, fork in N=2"),
        "{stdout}"
    );
    assert!(stdout.contains("x (isolated): N=1 5/20"), "{stdout}");
    let Done { stdout, .. } = place
        .crashrate(&["compare", "3", "--by", "spawn"])
        .expect(0);
    assert!(stdout.contains("x (isolated): exec 5/20"), "{stdout}");
    assert!(stdout.contains("fork 5/20"), "{stdout}");
    place
        .crashrate(&["compare", "1", "--by", "spawn"])
        .expect(96);
}

#[test]
fn attempts_on_devices_that_do_not_survive_a_fork_are_executed() {
    for device in ["mps", "cuda"] {
        let place = Place::new();
        place.suite(&chapter("x", 3, &["pass"]));
        let run = ["run", "suite.toml", "--device", device];
        place.crashrate(&run).expect(0);
        let journal = place.journal();
        let run = &journal.opened[0].run;
        assert_eq!(run.units[0].spawn, Spawn::Exec);
        assert!(run.findings.iter().any(|found| found.name == "fork"));
        assert!(journal.ended.iter().all(|ended| ended.spawn.is_none()));
        let fork = ["run", "suite.toml", "--spawn", "fork", "--device", device];
        let Done { stderr, .. } = place.crashrate(&fork).expect(96);
        assert!(stderr.contains("--spawn: "), "{stderr}");
    }
}

#[test]
fn a_zygote_that_never_warms_up_does_not_delay_the_end() {
    let place = Place::new();
    let slow = "[[chapter]]\nid = \"x\"\nrounds = 3\nspawn = \"fork\"\nzygote = true\n\
                command = [\"sleep\", \"300\"]\n";
    place.suite(slow);
    let live = place.start(&mut place.command(&["run", "suite.toml", "--jobs", "2"]));
    until("zygotes warm up", || zygotes(&place, &live).len() == 2);
    let begun = std::time::Instant::now();
    live.signal(Signal::SIGTERM);
    live.wait().expect(106);
    // This is not a speed test: waiting for the zygote to warm up would take a minute.
    assert!(begun.elapsed().as_secs() < 50);
    assert_nothing_left(&id(&place.run()));
    let outcomes = place.journal().ended.into_iter().map(|ended| ended.outcome);
    assert_eq!(outcomes.collect::<Vec<_>>(), [Outcome::Interrupted; 2]);
}

#[test]
fn forking_needs_a_zygote() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nspawn = \"fork\"\ncommand = [\"true\"]\n");
    let Done { stderr, .. } = place.crashrate(&["run", "suite.toml"]).expect(96);
    assert!(stderr.contains("zygote = true"), "{stderr}");
    // `spawn` in `[defaults]` applies only to chapters that can fork.
    place.suite("[defaults]\nspawn = \"fork\"\n[[chapter]]\nid = \"x\"\ncommand = [\"true\"]\n");
    place.crashrate(&["run", "suite.toml"]).expect(0);
    place
        .crashrate(&["run", "suite.toml", "--spawn", "fork"])
        .expect(4);
    // `true` is not a zygote, so its attempts are executed.
    let run = ["run", "--spawn", "fork", "--rounds", "2", "--", "true"];
    place.crashrate(&run).expect(0);
}

/// Processes that a forked child leaves behind have the environment of the zygote, not of the
/// attempt.
#[test]
fn leftover_processes_of_forked_children_are_found_with_parallel_jobs() {
    let place = Place::new();
    place.suite(&chapter("daemon", 6, &["hold-pipe-setsid", "60"]));
    for trace in [&["--jobs", "2"][..], &["--jobs", "2", "--evidence=none"]] {
        place
            .crashrate(&[&["run", "suite.toml"], trace].concat())
            .expect(0);
    }
    for run in place.runs() {
        for ended in Journal::read(&run).ended {
            assert_eq!(ended.notes, ["left 1 process behind, killed"], "{ended:?}");
        }
    }
}
