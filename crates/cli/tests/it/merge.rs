//! `crashrate merge`: the runs of shards become one run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::time::{Duration, Instant};

use crashrate_model::Outcome;
#[cfg(target_os = "linux")]
use crashrate_model::{CrashRef, Ended, Exit, Record, Shard, Started, Usage};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::util::{Journal, Place, until};
#[cfg(target_os = "linux")]
use crate::util::{journal_of, records};

/// Chapters whose results depend on the round and on its seed; one of them prints something.
const BODY: &str = r#"
[defaults]
rounds = 9

[[chapter]]
id = "by-round"
command = ["sh", "-c", "echo in $CRASHRATE_ROUND; exit $(( CRASHRATE_ROUND % 3 == 0 ))"]

[[chapter]]
id = "by-seed"
rounds = 7
command = ["sh", "-c", "exit $(( CRASHRATE_SEED % 2 ))"]

[[chapter]]
id = "crashes"
command = ["sh", "-c", "test $CRASHRATE_ROUND != 4 || kill -SEGV $$"]
"#;

const SHARDS: [&str; 3] = ["1/3", "2/3", "3/3"];

/// The outcome of each (unit, round).
pub(crate) fn outcomes(run: &Path) -> BTreeMap<(u32, u32), String> {
    let ended = Journal::read(run).ended.into_iter();
    let ended = ended.map(|end| ((end.unit, end.round), end.outcome.word().to_owned()));
    ended.collect()
}

pub(crate) fn run_shard(place: &Place, shard: &str) -> PathBuf {
    let args = [
        "run",
        "suite.toml",
        "--seed",
        "7",
        "--quiet",
        "--shard",
        shard,
    ];
    let done = place.crashrate(&args);
    assert!([0, 100].contains(&done.code()), "{done:?}");
    place.runs().pop().unwrap()
}

/// The runs of the shards, as arguments.
pub(crate) fn shards(place: &Place) -> Vec<String> {
    place.suite(BODY);
    let runs = SHARDS.map(|shard| run_shard(place, shard));
    runs.map(|run| run.display().to_string()).into()
}

/// Merges runs into a folder of this name, and returns the JSON report.
fn merged(place: &Place, runs: &[&str], name: &str) -> String {
    let args = [&["merge", "-o", name, "--quiet"], runs].concat();
    let done = place.crashrate(&args);
    assert!([100, 106].contains(&done.code()), "{done:?}");
    report(place, name)
}

pub(crate) fn report(place: &Place, run: &str) -> String {
    place
        .crashrate(&["report", run, "--format", "json"])
        .expect(0)
        .stdout
}

#[test]
fn a_merged_run_is_the_run_of_the_whole_plan() {
    let place = Place::new();
    let runs = shards(&place);
    let runs: Vec<&str> = runs.iter().map(String::as_str).collect();
    let done = place
        .crashrate(&[&["merge"], &runs[..]].concat())
        .expect(100);
    assert!(done.stdout.contains("25 rounds in "), "{}", done.stdout);
    let merged = place.runs().pop().unwrap();
    place
        .crashrate(&["run", "suite.toml", "--seed", "7", "--quiet"])
        .expect(100);
    let whole = place.runs().pop().unwrap();
    assert_eq!(outcomes(&merged), outcomes(&whole));
    // The attempts are in the order of the whole plan.
    let order = |run: &Path| {
        let started = Journal::read(run).started.into_iter();
        started.map(|one| (one.round, one.unit)).collect::<Vec<_>>()
    };
    assert_eq!(order(&merged), order(&whole));
    let (json, of_whole): (Value, Value) = (
        serde_json::from_str(&report(&place, &merged.display().to_string())).unwrap(),
        place.json(),
    );
    assert_eq!(json["run"]["complete"], true);
    assert_eq!(json["run"]["stopped"], "done");
    assert_eq!(json["totals"], of_whole["totals"]);
    // Outputs and crashes come with it.
    let reasons = json["chapters"][0]["reasons"].as_array().unwrap();
    let output = reasons[0]["output"].as_str().unwrap();
    let text = fs::read_to_string(merged.join(output)).unwrap();
    assert!(text.contains("in 3\n"), "{text}");
    // Every form of the report can be made, and the other commands take it.
    for format in ["terminal", "markdown", "html", "junit", "csv"] {
        let name = merged.display().to_string();
        place
            .crashrate(&["report", &name, "--format", format])
            .expect(0);
    }
    let list = place.crashrate(&["runs"]).expect(0).stdout;
    assert!(list.contains("-merged-"), "{list}");
    place.crashrate(&["compare", "4", "5"]).expect(0);
    let repeat = json["crashes"][0]["repeat"].as_str().unwrap();
    assert_eq!(repeat, "crashrate run suite.toml --seed 7 --round 4");
    let resumed = place.crashrate(&["run", "--resume", "4"]).expect(96).stderr;
    assert!(
        resumed.contains("merged from shards, so it cannot be resumed"),
        "{resumed}"
    );
}

#[test]
fn the_report_does_not_depend_on_order_groups_or_duplicates() {
    let place = Place::new();
    let runs = shards(&place);
    let [a, b, c] = [0, 1, 2].map(|index: usize| runs[index].as_str());
    let expected = merged(&place, &[a, b, c], "abc");
    assert_eq!(merged(&place, &[c, a, b, a], "cab"), expected);
    merged(&place, &[b, c], "bc");
    assert_eq!(merged(&place, &["bc", a, c], "bc-a"), expected);
    merged(&place, &[a], "just-a");
    assert_eq!(merged(&place, &["just-a", "bc", "abc"], "groups"), expected);
    // Into a folder of an earlier result.
    assert_eq!(merged(&place, &[b, "abc"], "abc"), expected);
    // All runs of a folder.
    let folder = place.runs_dir().display().to_string();
    assert_eq!(merged(&place, &[&folder], "folder"), expected);
    // A new run, twice: the second time in the same place.
    for _ in 0..2 {
        place
            .crashrate(&["merge", "1", "2", "3", "--quiet"])
            .expect(100);
        assert_eq!(report(&place, "4"), expected);
        assert_eq!(place.runs().len(), 4);
    }
}

#[test]
fn a_torn_journal_alone_is_merged() {
    let place = Place::new();
    let runs = shards(&place);
    let text = fs::read(Path::new(&runs[1]).join("journal.jsonl")).unwrap();
    place.write("torn.jsonl", &text[..text.len() * 2 / 3]);
    let whole: Value =
        serde_json::from_str(&merged(&place, &[&runs[0], &runs[1], &runs[2]], "whole")).unwrap();
    let torn = merged(&place, &["torn.jsonl", &runs[0], &runs[2]], "torn");
    assert_eq!(
        merged(&place, &[&runs[2], "torn.jsonl", &runs[0]], "again"),
        torn
    );
    let torn: Value = serde_json::from_str(&torn).unwrap();
    assert_eq!(torn["run"]["complete"], false);
    assert_eq!(torn["run"]["stopped"], "shards-missing");
    let because = torn["run"]["stopped_because"].as_str().unwrap();
    assert_eq!(because, "shard 2 did not end");
    // The older copy adds nothing to the whole one.
    let both = merged(
        &place,
        &[&runs[2], "torn.jsonl", &runs[1], &runs[0]],
        "both",
    );
    let both: Value = serde_json::from_str(&both).unwrap();
    assert_eq!(both, whole);
}

#[test]
fn missing_shards_are_named_and_bound_the_rates() {
    let place = Place::new();
    let runs = shards(&place);
    let done = place
        .crashrate(&["merge", &runs[0], &runs[2], "-o", "part"])
        .expect(106);
    let json: Value = serde_json::from_str(&report(&place, "part")).unwrap();
    assert_eq!(json["run"]["stopped"], "shards-missing");
    let because = json["run"]["stopped_because"].as_str().unwrap();
    assert_eq!(because, "shard 2 of 3 is missing (blocks 2, 5, 8)");
    assert_eq!(json["totals"]["planned"], 25);
    assert_eq!(json["totals"]["first_attempt"]["n"], 17);
    assert!(done.stdout.contains("17 of 25"), "{}", done.stdout);
    // Given all of them, the same folder has the whole run.
    place
        .crashrate(&["merge", &runs[1], "part", "-o", "part"])
        .expect(100);
}

#[test]
fn runs_that_do_not_belong_together_are_refused_by_name() {
    let place = Place::new();
    place.program("my-test", "#!/bin/sh\nexit 0\n");
    place.suite("[[chapter]]\nid = \"x\"\ncommand = [\"./my-test\"]\n");
    let one = run_shard(&place, "1/2").display().to_string();
    place.program("my-test", "#!/bin/sh\nexit 0 # another build\n");
    let two = run_shard(&place, "2/2").display().to_string();
    let refused = |runs: &[&str]| {
        let args = [&["merge", "-o", "m"], runs].concat();
        place.crashrate(&args).expect(96).stderr
    };
    let error = refused(&[&one, &two]);
    for part in [
        "my-test differs",
        "(shard 1/2 on ",
        "(shard 2/2 on ",
        "cannot be pooled",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let other_count = run_shard(&place, "1/3").display().to_string();
    let error = refused(&[&two, &other_count]);
    assert!(error.contains("their numbers of shards differ"), "{error}");
    place.suite("[[chapter]]\nid = \"y\"\ncommand = [\"./my-test\"]\n");
    let other = run_shard(&place, "1/2").display().to_string();
    let error = refused(&[&two, &other]);
    assert!(error.contains("their plans differ"), "{error}");
    place
        .crashrate(&["run", "suite.toml", "--round", "1", "--quiet"])
        .expect(0);
    let error = refused(&["latest"]);
    assert!(error.contains("the run repeats a round"), "{error}");
    let error = refused(&["99"]);
    assert!(error.contains("there is no run `99`"), "{error}");
    let full = place
        .write("full/file", "")
        .parent()
        .unwrap()
        .display()
        .to_string();
    let error = place
        .crashrate(&["merge", &two, "-o", &full])
        .expect(96)
        .stderr;
    assert!(error.contains("the folder is not empty"), "{error}");
    assert!(!place.path().join("m").exists());
}

/// A plan has the hashes of the programs, and not of the scripts that they run.
#[test]
fn shards_of_different_commits_are_marked() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 4\ncommand = [\"sh\", \"test.sh\"]\n");
    let commit = |script: &str| {
        place.write("test.sh", script);
        let commands = "git init -q . && git add test.sh && \
            git -c user.name=a -c user.email=a@b commit -qm a";
        let done = place.command_of("sh", &["-c", commands]).status();
        assert!(done.unwrap().success());
    };
    commit("exit 0");
    let first = run_shard(&place, "1/2").display().to_string();
    commit("exit 1");
    let second = run_shard(&place, "2/2").display().to_string();
    let done = place.crashrate(&["merge", &first, &second]).expect(100);
    let said = done.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let says = "Shards ran at different commits, so their scripts and tests may differ: ";
    assert!(said.contains(says), "{said}");
    for shard in ["(shard 1)", "(shard 2)"] {
        assert!(said.contains(shard), "{said}");
    }
}

/// The job of a shard dies with its machine and is started again, once as a new run and once by
/// `--resume`.
#[test]
fn a_killed_shard_that_is_started_again_has_each_round_once() {
    let place = Place::new();
    place.suite(
        "[[chapter]]\nid = \"x\"\nrounds = 6\ncommand = [\"sh\", \"-c\", \
         \"while [ $CRASHRATE_ROUND = 3 ] && [ ! -e go ]; do sleep 0.02; done\"]\n",
    );
    let args = [
        "run",
        "suite.toml",
        "--seed",
        "7",
        "--quiet",
        "--shard",
        "1/2",
    ];
    let live = place.start(&mut place.command(&args));
    until("round 3 runs", || {
        let journal = place.journal_so_far();
        journal
            .started
            .last()
            .is_some_and(|started| started.round == 3)
    });
    live.signal(Signal::SIGKILL);
    live.wait();
    place.write("go", "");
    let killed = place.run();
    let second = run_shard(&place, "2/2").display().to_string();
    let first = killed.display().to_string();
    let part: Value = serde_json::from_str(&merged(&place, &[&second, &first], "part")).unwrap();
    assert_eq!(part["totals"]["outcomes"], json!({"passed": 4, "lost": 1}));
    run_shard(&place, "1/2");
    let again = place.runs().pop().unwrap().display().to_string();
    let rounds = |name: &str, runs: &[&str]| {
        let args = [&["merge", "-o", name, "--quiet"], runs].concat();
        place.crashrate(&args).expect(106);
        let json: Value = serde_json::from_str(&report(&place, name)).unwrap();
        assert_eq!(json["run"]["complete"], true);
        let merged = Journal::read(&place.path().join(name));
        let ended = merged.ended.iter();
        ended
            .map(|end| (end.round, end.outcome))
            .collect::<Vec<_>>()
    };
    let passed = Outcome::Passed;
    let expected = [
        (1, passed),
        (2, passed),
        (3, Outcome::Lost),
        (3, passed),
        (4, passed),
        (5, passed),
        (6, passed),
    ];
    assert_eq!(rounds("requeued", &[&first, &again, &second]), expected);
    assert_eq!(rounds("grouped", &["part", &again]), expected);
    place.crashrate(&["run", "--resume", &first, "--quiet"]);
    assert_eq!(rounds("resumed", &[&second, &first]), expected);
}

/// The verdict of a gate counts the rounds until it was reached. Later ones must not be overlooked.
#[test]
fn what_a_decided_gate_does_not_count_is_said() {
    let place = Place::new();
    place.suite(
        "[[chapter]]\nid = \"x\"\ncommand = [\"sh\", \"-c\", \"test -z $BAD || kill -SEGV $$\"]\n",
    );
    let run = |shard: &str, bad: &str| {
        let gate = "run suite.toml --seed 1 -n 400 -q --gate crashed<5% --shard";
        let args = [&Vec::from_iter(gate.split(' '))[..], &[shard]].concat();
        let mut command = place.command(&args);
        let _ = place.start(command.env("BAD", bad)).wait();
        place.runs().pop().unwrap().display().to_string()
    };
    let good = run("1/2", "");
    // The start of a run is on record in seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let bad = run("2/2", "1");
    let merge = |runs: &[&str]| {
        let done = place.crashrate(&[&["merge", "-o", "all"], runs].concat());
        done.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let alone = merge(&[&good]);
    let says = "Decided without results of shard 2.";
    assert!(alone.contains(says), "{alone}");
    let both = merge(&[&good, &bad]);
    let says = "the verdict of `crashed < 5%` does not count what came after it: 2 of 2 rounds \
        crashed.";
    assert!(both.contains(says), "{both}");
}

#[test]
fn a_decided_gate_is_judged_over_all_shards() {
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 40\ncommand = [\"true\"]\n");
    for shard in ["1/2", "2/2"] {
        let args = [
            "run",
            "suite.toml",
            "--seed",
            "7",
            "--shard",
            shard,
            "--quiet",
        ];
        place
            .crashrate(&[&args[..], &["--gate", "bad < 20%", "-n", "40"]].concat())
            .expect(0);
    }
    place.crashrate(&["merge", "1", "2"]).expect(0);
    let json = place.json();
    assert_eq!(json["gates"][0]["verdict"], "below", "{}", json["gates"]);
}

/// Measures time and peak memory for a million rounds in 16 shards; `cargo xtask verify merge` runs
/// it with optimization.
#[test]
#[ignore = "takes a minute; `cargo xtask verify merge` runs it"]
#[cfg(target_os = "linux")]
fn a_million_rounds_in_16_shards_take_little_time_and_memory() {
    const ROUNDS: u32 = 1_000_000;
    const SHARDS: u32 = 16;
    let place = Place::new();
    place.suite("[[chapter]]\nid = \"x\"\nrounds = 1\ncommand = [\"true\"]\n");
    for index in 1..=SHARDS {
        let shard = format!("{index}/{SHARDS}");
        write_rounds(
            &run_shard(&place, &shard),
            Shard {
                index,
                count: SHARDS,
            },
            ROUNDS,
        );
    }
    let runs = place.runs_dir().display().to_string();
    let begin = Instant::now();
    let live = place.start(&mut place.command(&["merge", &runs, "-o", "merged", "--quiet"]));
    let status = format!("/proc/{}/status", live.pid());
    let mut peak = 0;
    while let Ok(text) = fs::read_to_string(&status) {
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let Some(kib) = line.and_then(|line| line.split_whitespace().next()) else {
            // A process that has ended has no memory.
            break;
        };
        peak = peak.max(kib.parse::<u64>().unwrap());
        std::thread::sleep(Duration::from_millis(5));
    }
    let done = live.wait();
    let secs = begin.elapsed().as_secs_f64();
    assert_eq!(done.code(), 100, "{done:?}");
    assert!(
        done.stdout.contains("990,000 of 1,000,000 rounds passed"),
        "{}",
        done.stdout
    );
    println!("{ROUNDS} rounds of {SHARDS} shards merged and reported: {secs:.1} s, {peak} KiB");
    assert!(secs < 20.0 && peak < 200 * 1024, "too slow or too large");
}

/// Replaces the journal of a run by one of a plan with this many rounds, of which every hundredth
/// crashed.
#[cfg(target_os = "linux")]
fn write_rounds(run: &Path, shard: Shard, rounds: u32) {
    let mut records = records(run);
    let closed = records.pop().unwrap();
    records.truncate(1);
    let Record::Opened(opened) = &mut records[0] else {
        panic!("expected an `opened` record");
    };
    opened.run.units[0].rounds = rounds;
    for round in (shard.index..=rounds).step_by(shard.count as usize) {
        let crashed = round % 100 == 0;
        let outcome = if crashed {
            Outcome::Crashed
        } else {
            Outcome::Passed
        };
        records.push(Record::Started(Started {
            unit: 0,
            round,
            attempt: 1,
            at: f64::from(round) / 1000.0,
            opened: None,
        }));
        records.push(Record::Ended(Box::new(Ended {
            at: f64::from(round) / 1000.0,
            secs: Some(0.001),
            usage: Some(Usage::default()),
            exit: crashed.then(|| Exit::Signal("SIGSEGV".into())),
            crash: crashed.then(|| CrashRef {
                signature: "v1 | SIGSEGV | a<b".into(),
                file: None,
            }),
            ..Ended::of(0, round, 1, outcome)
        })));
    }
    records.push(closed);
    fs::write(run.join("journal.jsonl"), journal_of(&records)).unwrap();
}
