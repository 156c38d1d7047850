//! `crashrate minimize`: the smallest part of a sequence that still crashes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crashrate_model::Ended;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::frameworks::{GTEST, compiled};
use crate::util::{Done, Place, pytest, skip, until};

/// A program like one of GoogleTest with sixteen tests. When `T.t05` and `T.t11` run in one process,
/// it dies in `T.t11` in 4 of 10 rounds, and in 1 of 10 of another signal. Which rounds those are
/// depends on nothing else. `T.t08` waits while there is a file `wait`, in the rounds after the one
/// that it names.
const SIXTEEN: &str = r#"#!/bin/sh
all="t01 t02 t03 t04 t05 t06 t07 t08 t09 t10 t11 t12 t13 t14 t15 t16"
chosen=
for word in "$@"; do
    case "$word" in
    --gtest_list_tests) echo T.; for t in $all; do echo "  $t"; done; exit ;;
    --gtest_filter=*) chosen=":${word#*=}:" ;;
    esac
done
poisoned=
for t in $all; do
    case "$chosen" in
    '' | *":T.$t:"*) ;;
    :-*) case "$chosen" in *[-:]"T.$t:"*) continue ;; esac ;;
    *) continue ;;
    esac
    echo "[ RUN      ] T.$t"
    while [ $t = t08 ] && [ -e wait ] && [ "$CRASHRATE_ROUND" -gt "0$(cat wait)" ]; do
        sleep 0.02
    done
    [ $t = t05 ] && poisoned=1
    if [ $t = t11 ] && [ "$poisoned" ]; then
        case $((CRASHRATE_ROUND * 7 % 10)) in
        1 | 2 | 4 | 8) kill -SEGV $$ ;;
        5) kill -ABRT $$ ;;
        esac
    fi
    echo "[       OK ] T.$t (0 ms)"
done
"#;

fn sixteen() -> Place {
    let place = Place::new();
    place.program("sixteen", SIXTEEN);
    place
}

const MINIMIZE: [&str; 6] = ["minimize", "--from", "gtest", "--evidence", "none", "--"];

/// The search of the last run.
fn search(place: &Place) -> Value {
    place.json()["search"].clone()
}

#[track_caller]
fn assert_pair(search: &Value, pair: [&str; 2]) {
    assert_eq!(search["answered"], true, "{search:#}");
    assert_eq!(search["smallest"], json!(pair), "{search:#}");
    assert_eq!(search["victim"], pair[1]);
    let certificate = &search["certificate"];
    assert!(
        certificate["error"].as_f64().unwrap() <= 0.01,
        "{certificate:#}"
    );
    assert_eq!(certificate["without"].as_array().unwrap().len(), 2);
}

#[test]
fn the_pair_is_found_and_its_suite_reproduces_the_crash() {
    let place = sixteen();
    let Done { stdout, .. } = place
        .crashrate(&[&MINIMIZE[..], &["./sixteen"]].concat())
        .expect(0);
    assert!(stdout.contains("FOUND"), "{stdout}");
    assert!(
        stdout.contains("`T.t05` and `T.t11` crash together"),
        "{stdout}"
    );
    let search = search(&place);
    assert_pair(&search, ["T.t05", "T.t11"]);
    assert_eq!(search["signature"], "SIGSEGV");
    let parts = search["parts"].as_array().unwrap();
    let sum = |key: &str| {
        parts
            .iter()
            .map(|part| part[key].as_u64().unwrap())
            .sum::<u64>()
    };
    assert!(sum("others") > 0, "rounds that died of SIGABRT: {search:#}");
    let rounds = place.json()["totals"]["first_attempt"]["n"]
        .as_u64()
        .unwrap();
    assert_eq!(sum("rounds") + sum("others"), rounds);
    let page = std::fs::read_to_string(place.run().join("report.html")).unwrap();
    assert!(page.contains("which chapters, from 1 to 16"));

    let minimal = place.run().join("minimal.toml");
    let text = std::fs::read_to_string(&minimal).unwrap();
    assert!(
        text.starts_with("# `T.t05` and `T.t11` crash together"),
        "{text}"
    );
    place
        .crashrate(&["run", minimal.to_str().unwrap(), "--evidence", "none"])
        .expect(100);
    let json = place.json();
    assert_eq!(json["chapters"].as_array().unwrap().len(), 2, "{json:#}");
    assert!(json["sequences"][0]["bad"].as_u64() > Some(0), "{json:#}");
}

#[test]
fn a_signature_can_be_chosen() {
    let place = sixteen();
    let chosen = [
        "minimize",
        "--signature",
        "SIGABRT",
        "--from",
        "gtest",
        "--evidence",
        "none",
        "--background",
        "0.5%",
        "--jobs",
        "2",
        "--",
        "./sixteen",
    ];
    place.crashrate(&chosen).expect(0);
    assert_pair(&search(&place), ["T.t05", "T.t11"]);
}

/// The rounds with a result, and the parts that they ran.
fn rounds(place: &Place) -> Vec<(u32, Option<Vec<u32>>)> {
    let counts = |ended: &&Ended| ended.outcome.counts();
    let journal = place.journal();
    let ended = journal.ended.iter().filter(counts);
    ended
        .map(|ended| (ended.round, ended.part.clone().map(|part| part.chapters)))
        .collect()
}

#[test]
fn a_killed_search_is_resumed() {
    let whole = sixteen();
    whole
        .crashrate(&[&MINIMIZE[..], &["./sixteen"]].concat())
        .expect(0);

    let place = sixteen();
    let live = place.start(&mut place.command(&[&MINIMIZE[..], &["./sixteen"]].concat()));
    until("the search halves", || {
        place.journal_so_far().ended.len() > 12
    });
    place.write("wait", "");
    // Parts without `T.t08` do not wait.
    std::thread::sleep(std::time::Duration::from_millis(50));
    live.signal(Signal::SIGKILL);
    live.wait();
    std::fs::remove_file(place.path().join("wait")).unwrap();
    let before = rounds(&place);
    place
        .crashrate(&["minimize", "--resume", "latest"])
        .expect(0);
    let after = rounds(&place);
    assert_eq!(after[..before.len()], before, "what was run stays");
    let numbers: BTreeSet<u32> = after.iter().map(|(round, _)| *round).collect();
    assert_eq!(
        numbers.len(),
        after.len(),
        "nothing is run twice: {after:?}"
    );
    let search = self::search(&place);
    assert_pair(&search, ["T.t05", "T.t11"]);
    assert_eq!(search["smallest"], self::search(&whole)["smallest"]);
    // An answered search has nothing left to run.
    place
        .crashrate(&["minimize", "--resume", "latest"])
        .expect(0);
    assert_eq!(rounds(&place), after);
    assert_eq!(self::search(&place), search);
    let Done { stderr, .. } = place.crashrate(&["run", "--resume", "latest"]).expect(96);
    assert!(stderr.contains("`crashrate minimize --resume`"), "{stderr}");
}

#[test]
fn an_interrupted_search_says_what_it_has() {
    let place = sixteen();
    let wait = place.write("wait", "20");
    let live = place.start(&mut place.command(&[&MINIMIZE[..], &["./sixteen"]].concat()));
    until("the search halves", || {
        place.journal_so_far().ended.len() > 16
    });
    live.signal(Signal::SIGINT);
    until("the search stops", || live.stderr().contains("stopping"));
    std::fs::remove_file(wait).unwrap();
    let Done { stdout, .. } = live.wait().expect(106);
    assert!(
        stdout.contains("The smallest part that is known to crash so far has"),
        "{stdout}"
    );
    let text = std::fs::read_to_string(place.run().join("minimal.toml")).unwrap();
    assert!(text.contains("T.t11"), "{text}");
    place
        .crashrate(&["minimize", "--resume", "latest"])
        .expect(0);
    assert_pair(&search(&place), ["T.t05", "T.t11"]);
}

#[test]
fn without_enough_rounds_nothing_is_claimed() {
    let place = sixteen();
    let few = [
        &["minimize", "--rounds", "20"],
        &MINIMIZE[1..],
        &["./sixteen"],
    ]
    .concat();
    let Done { stdout, .. } = place.crashrate(&few).expect(121);
    assert!(stdout.contains("UNDECIDED"), "{stdout}");
    let Done { stdout, .. } = place
        .crashrate(&[&["minimize", "-n", "2"], &MINIMIZE[1..], &["./sixteen"]].concat())
        .expect(121);
    assert!(
        stdout.contains("No signature was seen often enough"),
        "{stdout}"
    );
    assert!(!place.runs()[1].join("minimal.toml").exists());
}

#[test]
fn a_signature_that_never_occurs_is_not_claimed() {
    let place = sixteen();
    let words = [
        &["minimize", "-n", "30", "--signature", "sigsegv"],
        &MINIMIZE[1..],
        &["./sixteen"],
    ]
    .concat();
    let Done { stdout, .. } = place.crashrate(&words).expect(121);
    assert!(
        stdout.contains("No round crashed with `sigsegv` in its signature."),
        "{stdout}"
    );
    assert!(stdout.contains("`SIGSEGV` (12x)"), "{stdout}");
}

#[test]
fn what_cannot_be_minimized_is_refused() {
    let place = sixteen();
    let chapter = "[[chapter]]\nid = \"a\"\ncommand = [\"true\"]\n";
    let two = "[[chapter]]\nid = \"b\"\ncommand = [\"true\"]\n\
        [[sequence]]\nid = \"one\"\nchapters = [\"a\", \"b\"]\ncommand = [\"true\"]\n\
        [[sequence]]\nid = \"two\"\nchapters = [\"b\"]\ncommand = [\"true\"]\n";
    for (body, more, problem) in [
        (chapter.to_owned(), vec![], "no [[sequence]] to minimize"),
        (
            format!("{chapter}{two}"),
            vec![],
            "name one with --sequence: `one`, `two`",
        ),
        (
            format!("{chapter}{two}"),
            vec!["--sequence", "tow"],
            "unknown sequence `tow`; expected one of `one`, `two`",
        ),
        (
            format!("{chapter}{two}"),
            vec!["--sequence", "one", "--params", "a:threads"],
            "`a` is no chapter of a worker",
        ),
        (
            format!("{chapter}{two}[[variant]]\nid = \"v\"\n"),
            vec![
                "--sequence",
                "one",
                "--variant",
                "default",
                "--variant",
                "v",
            ],
            "choose one with --variant or --spawn",
        ),
    ] {
        place.suite(&body);
        let words = [&["minimize", "suite.toml"][..], &more].concat();
        let Done { stderr, .. } = place.crashrate(&words).expect(96);
        assert!(stderr.contains(problem), "{stderr}");
    }
    let Done { stderr, .. } = place.crashrate(&["minimize", "--", "./sixteen"]).expect(96);
    assert!(
        stderr.contains("name its test framework with --from"),
        "{stderr}"
    );
    assert!(place.runs().is_empty());
}

fn fixture(name: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/minimize");
    fixtures.join(name).canonicalize().unwrap()
}

#[test]
fn a_use_after_free_between_two_tests_of_googletest() {
    let sources = [fixture("gtest/sessions.cc")];
    let Some(program) = compiled("sessions", &sources, &GTEST) else {
        return;
    };
    let place = Place::new();
    let words = ["minimize", "--", program.to_str().unwrap()];
    place.crashrate(&words).expect(96);
    let words = [&MINIMIZE[..], &[program.to_str().unwrap()]].concat();
    place.crashrate(&words).expect(0);
    assert_pair(&search(&place), ["Session.Closes", "Report.NamesTheUser"]);
}

#[test]
fn a_c_extension_that_damages_memory_between_two_tests_of_pytest() {
    let Some(python) = pytest() else {
        return;
    };
    let place = Place::new();
    let script = "import sysconfig; print(sysconfig.get_paths()['include'])";
    let headers = Command::new(&python).args(["-c", script]).output().unwrap();
    let headers = String::from_utf8(headers.stdout).unwrap();
    if !Path::new(headers.trim()).join("Python.h").exists() {
        return skip("the headers of Python are not installed");
    }
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-g"]);
    compiler.arg(format!("-I{}", headers.trim()));
    compiler.arg(fixture("pytest/pool.c"));
    compiler.arg("-o").arg(place.path().join("pool.so"));
    assert!(compiler.status().unwrap().success());
    for name in [
        "test_a_shapes.py",
        "test_b_buffers.py",
        "test_c_counters.py",
    ] {
        let source = std::fs::read(fixture("pytest/tests").join(name)).unwrap();
        place.write(&format!("tests/{name}"), source);
    }
    let python = python.to_str().unwrap();
    let words = [
        "minimize",
        "--from",
        "pytest",
        "--evidence",
        "none",
        "--jobs",
        "2",
        "--",
        python,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "tests",
    ];
    let mut command = place.command(&words);
    command.env("PYTHONPATH", place.path());
    let done = command.output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{done:#?}");
    let search = search(&place);
    assert_pair(
        &search,
        [
            "tests/test_b_buffers.py::test_recycling",
            "tests/test_c_counters.py::test_flush",
        ],
    );
    assert_eq!(search["chapters"].as_array().unwrap().len(), 60);
}
