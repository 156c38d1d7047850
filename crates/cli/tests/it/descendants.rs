//! The crash of a descendant is recorded with its signature, whatever its parents do about it.

use std::process::Command;

use crashrate_model::{Exit, Outcome};

use crate::c_programs::compile_c;
use crate::util::{Journal, Place, pytest, skip};

const CRASH: &str = "NI void inner_bug(volatile int *p) { *p = 1; }\nint main(void) { inner_bug((volatile int *)8); return 0; }";

fn place_with_crash() -> Place {
    let place = Place::new();
    compile_c(&place, "crash", CRASH);
    place
}

fn run(place: &Place, options: &[&str], command: &[&str]) -> (String, Journal) {
    let args = [&["run"], options, &["--"], command].concat();
    let report = place.crashrate(&args).stdout;
    (report, Journal::read(place.runs().last().unwrap()))
}

/// Commands that hide the crash of a descendant, and the exit code of the attempt itself.
const HIDING: &[(&[&str], i32)] = &[
    (&["sh", "-c", "./crash; exit $?"], 139),
    (&["sh", "-c", "./crash | cat"], 0),
    (&["find", ".", "-maxdepth", "0", "-exec", "./crash", ";"], 0),
    (&["xargs", "-a", "/dev/null", "./crash"], 125),
    (&["make", "-s", "-j2"], 2),
    (&["script", "-qec", "./crash", "/dev/null"], 139),
];

#[test]
fn is_on_record_under_a_tracer() {
    let place = place_with_crash();
    place.write("Makefile", "all: a b\na b:\n\t./crash\n");
    for (command, code) in HIDING {
        let (report, journal) = run(&place, &["--evidence=trace", "--rounds", "2"], command);
        let expected = match code {
            0 => Outcome::Passed,
            _ => Outcome::Crashed,
        };
        for ended in &journal.ended {
            assert_eq!(ended.outcome, expected, "{command:?} {ended:?}");
            assert_eq!(ended.exit(), Some(&Exit::Code(*code)), "{command:?}");
            let descendant = &ended.descendants[0];
            assert_eq!(
                (&*descendant.program, &*descendant.signal),
                ("crash", "SIGSEGV")
            );
            assert_eq!(
                descendant.crash.signature,
                "v1 | SEGV_NULL | crash!inner_bug"
            );
        }
        let head = report.split("\nchapter ").next().unwrap();
        assert!(
            head.contains("its descendant `crash` crashed in 2/2 rounds"),
            "{report}"
        );
    }
}

#[test]
fn is_found_by_an_evidence_round_without_a_tracer() {
    let place = place_with_crash();
    place.write("Makefile", "all: a b\na b:\n\t./crash\n");
    for (command, code) in HIDING {
        let (report, journal) = run(&place, &["--rounds", "2"], command);
        let expected = match code {
            0 => Outcome::Passed,
            _ => Outcome::Failed,
        };
        assert!(
            journal.ended.iter().all(|e| e.outcome == expected),
            "{command:?}"
        );
        assert_eq!(journal.evidence.len(), 1, "{command:?} {journal:?}");
        let head = report.split("\nchapter ").next().unwrap();
        assert!(
            head.contains("its descendant `crash` crashed in evidence rounds"),
            "{report}"
        );
        let rate = place.json()["chapters"][0]["first_attempt"].clone();
        assert_eq!(rate, serde_json::json!({"bad": 0, "n": 2}), "{command:?}");
    }
}

#[test]
fn counts_or_is_noted_as_the_suite_says() {
    let place = place_with_crash();
    place.suite(
        r#"
        descendants = "note"
        [defaults]
        rounds = 1
        [[chapter]]
        id = "noted"
        command = ["sh", "-c", "./crash; exit 1"]
        [[chapter]]
        id = "counted"
        descendants = "count"
        command = ["sh", "-c", "./crash; exit 0"]
        "#,
    );
    place
        .crashrate(&["run", "suite.toml", "--evidence=trace"])
        .expect(100);
    let journal = place.journal();
    for (name, outcome) in [("noted", Outcome::Failed), ("counted", Outcome::Crashed)] {
        let ended = journal.only_end_of(name);
        assert_eq!(ended.outcome, outcome, "{ended:?}");
        assert!(
            ended
                .notes
                .contains(&"descendants died: `crash` of SIGSEGV".to_owned())
        );
    }
    place.suite("descendants = \"maybe\"\n[[chapter]]\nid = \"x\"\ncommand = [\"true\"]\n");
    let wrong = place.crashrate(&["run", "suite.toml"]).expect(96);
    assert!(
        wrong.stderr.contains("expected `count` or `note`"),
        "{}",
        wrong.stderr
    );
}

/// A death by a signal from an ancestor or from crashrate is not a crash.
#[test]
fn is_not_counted_if_an_ancestor_caused_it() {
    let place = Place::new();
    let script = "sleep 9 & kill -SEGV $!; wait $!; sleep 9 & kill -TERM $!; wait $!; exit 1";
    let (_, journal) = run(
        &place,
        &["--evidence=trace", "--rounds", "1"],
        &["sh", "-c", script],
    );
    let ended = &journal.ended[0];
    assert_eq!(
        (ended.outcome, ended.descendants.len()),
        (Outcome::Failed, 0),
        "{ended:?}"
    );
    // A death test passes. The death of its descendant is only noted.
    let place = place_with_crash();
    let (_, journal) = run(
        &place,
        &["--evidence=trace", "--rounds", "1"],
        &["sh", "-c", "./crash; [ $? = 139 ]"],
    );
    assert_eq!(journal.ended[0].outcome, Outcome::Passed);
    assert_eq!(journal.ended[0].descendants.len(), 1);
}

/// Whether a tool is installed; `.ci/run` installs it.
#[track_caller]
fn tool(name: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {name}")])
        .output();
    let exists = found.is_ok_and(|found| found.status.success());
    if !exists {
        skip(&format!("{name} is not installed"));
    }
    exists
}

/// Checks that the top of the report names the crash, by default and under a tracer.
#[track_caller]
fn is_in_the_headline(place: &Place, command: &[&str], program: &str, function: &str) {
    for evidence in ["auto", "trace"] {
        let option = format!("--evidence={evidence}");
        let (report, journal) = run(place, &[&option, "--rounds", "1"], command);
        let head = report
            .split("\nchapters")
            .next()
            .unwrap()
            .replace('\n', " ");
        assert!(
            head.contains(&format!("its descendant `{program}")),
            "{report}"
        );
        let seen = (journal.ended.iter().flat_map(|e| &e.descendants))
            .chain(journal.evidence.iter().flat_map(|e| &e.descendants));
        let signatures: Vec<_> = seen.map(|d| d.crash.signature.clone()).collect();
        assert!(
            signatures
                .iter()
                .any(|signature| signature.contains(function)),
            "{signatures:?}"
        );
    }
}

#[test]
fn of_a_program_under_node() {
    if !tool("node") {
        return;
    }
    let place = place_with_crash();
    let script =
        "const { spawnSync } = require('child_process'); spawnSync('./crash'); process.exit(0)";
    is_in_the_headline(&place, &["node", "-e", script], "crash", "crash!inner_bug");
}

#[test]
fn of_a_program_under_xvfb_run() {
    if !tool("xvfb-run") {
        return;
    }
    let place = place_with_crash();
    is_in_the_headline(
        &place,
        &["xvfb-run", "-a", "./crash"],
        "crash",
        "crash!inner_bug",
    );
}

#[test]
fn of_a_worker_of_multiprocessing() {
    let place = Place::new();
    place.write(
        "m.py",
        "import multiprocessing as mp, ctypes\ndef boom(): ctypes.string_at(8)\nif __name__ == '__main__':\n    \
         p = mp.get_context('fork').Process(target=boom); p.start(); p.join(); assert p.exitcode == -11\n",
    );
    is_in_the_headline(&place, &["python3", "m.py"], "python", "SEGV_NULL");
}

/// Covers plain pytest, pytest-xdist and `pytest --forked`.
#[test]
fn of_a_worker_of_pytest() {
    let Some(python) = pytest() else {
        return;
    };
    let place = Place::new();
    place.write(
        "test_mp.py",
        "import ctypes, multiprocessing as mp\ndef boom(): ctypes.string_at(8)\ndef test_child():\n    \
         p = mp.get_context('fork').Process(target=boom); p.start(); p.join()\n",
    );
    place.write(
        "test_own.py",
        "import ctypes\ndef test_own(): ctypes.string_at(8)\n",
    );
    let python = python.display().to_string();
    for more in [
        &["test_mp.py"][..],
        &["-n2", "test_own.py"],
        &["--forked", "test_own.py"],
    ] {
        let command = [
            &[&*python, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
            more,
        ]
        .concat();
        is_in_the_headline(&place, &command, "py", "SEGV_NULL");
    }
}
