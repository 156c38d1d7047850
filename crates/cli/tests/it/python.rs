//! Python: pytest's plugin, the package `crashrate`, and what is added to the environment.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::util::{Done, Place, pytest};

/// The package, as `pip install` would put it beside the program.
fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
}

/// `pytest WORDS` with the plugin, and with the program on the PATH.
fn plugin(place: &Place, python: &Path, words: &[&str]) -> Done {
    let program = Path::new(env!("CARGO_BIN_EXE_crashrate"));
    let own = std::env::var("PATH").unwrap();
    let path = format!("{}:{own}", program.parent().unwrap().display());
    let mut command = place.command_of(python.to_str().unwrap(), &["-m", "pytest"]);
    command
        .args(["-p", "crashrate.pytest_plugin"])
        .args(words)
        .env("PATH", path)
        .env("PYTHONPATH", package());
    place.start(&mut command).wait()
}

fn with_planted_tests(place: &Place) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/frameworks/pytest/test_planted.py");
    place.write("tests/test_planted.py", std::fs::read(fixture).unwrap());
}

/// The counts of a chapter in a mode.
fn row(report: &Value, id: &str, mode: &str) -> Value {
    let chapters = report["chapters"].as_array().unwrap();
    let of = |chapter: &&Value| chapter["chapter"] == id && chapter["mode"] == mode;
    let found = chapters.iter().find(of);
    found.unwrap_or_else(|| panic!("no {id}: {report:#}"))["outcomes"].clone()
}

#[test]
fn pytest_names_the_test_that_crashes_only_behind_another() {
    let Some(python) = pytest() else {
        return;
    };
    let place = Place::new();
    with_planted_tests(&place);
    let done = plugin(&place, &python, &["--crashrate", "5", "tests"]).expect(1);
    let crashes = "tests/test_planted.py::TestPlanted::test_crashes";
    let report = place.json();
    assert_eq!(row(&report, crashes, "isolated")["passed"], 5);
    assert_eq!(row(&report, crashes, "sequential")["crashed"], 5);
    assert_eq!(report["sequences"][0]["died_in"][crashes], 5);
    assert!(done.stdout.contains("test_crashes ("), "{}", done.stdout);
    assert!(done.stdout.contains("string_at"), "{}", done.stdout);
}

/// Tests with marks. `BAD` makes one of them crash.
const MARKED: &str = r#"
import ctypes, os, pytest

@pytest.mark.crashrate(below=0.9)
def test_marked():
    if os.environ.get("BAD"):
        ctypes.string_at(8)

def test_without_a_mark():
    pass
"#;

#[test]
fn a_mark_is_a_gate() {
    let Some(python) = pytest() else {
        return;
    };
    let python = python.to_str().unwrap();
    let gate = |rounds: &str, bad: Option<&str>, code: i32, verdict: &str| {
        let place = Place::new();
        place.write("test_marked.py", MARKED);
        let words = ["run", "--from", "pytest", "--mode", "isolated", "--rounds"];
        let mut command = place.command(&words);
        command.args([rounds, "--evidence", "none", "--", python, "-m", "pytest"]);
        command.envs(bad.map(|value| ("BAD", value)));
        place.start(&mut command).wait().expect(code);
        let report = place.json();
        assert_eq!(report["gates"].as_array().unwrap().len(), 1, "{report:#}");
        let gate = &report["gates"][0];
        assert_eq!(gate["name"], "test_marked.py::test_marked", "{gate:#}");
        assert_eq!(gate["verdict"], verdict, "{gate:#}");
    };
    gate("30", None, 0, "below");
    gate("60", Some("1"), 120, "above");
    gate("1", None, 121, "inconclusive");
}

#[test]
fn pytest_ends_with_1_unless_a_gate_is_shown() {
    let Some(python) = pytest() else {
        return;
    };
    for (rounds, code) in [("30", 0), ("1", 1)] {
        let place = Place::new();
        place.write("test_marked.py", MARKED);
        let words = ["--crashrate", rounds, "--crashrate-mode", "isolated"];
        plugin(&place, &python, &words).expect(code);
    }
}

#[test]
fn a_wrong_mark_is_one_error_that_names_the_test() {
    let Some(python) = pytest() else {
        return;
    };
    for (mark, problem) in [
        ("below=2", "crashrate(below=2) is not between 0 and 1"),
        ("below='x'", "expected `crashrate(below=RATE)`"),
        ("", "expected `crashrate(below=RATE)`"),
    ] {
        let place = Place::new();
        let test = format!(
            "import pytest\n\n@pytest.mark.crashrate({mark})\ndef test_marked():\n    pass\n"
        );
        place.write("test_marked.py", test);
        let Done { stderr, .. } = plugin(&place, &python, &["--crashrate", "2"]).expect(4);
        let expected = format!("ERROR: test_marked.py::test_marked: {problem}");
        assert_eq!(stderr.matches(&expected).count(), 1, "{stderr}");
        assert!(place.runs().is_empty());
    }
}

#[test]
fn no_tests_are_nothing_to_run() {
    let Some(python) = pytest() else {
        return;
    };
    let place = Place::new();
    place.write("tests/test_none.py", "");
    let words = [python.to_str().unwrap(), "-m", "pytest", "tests"];
    let words = [&["run", "--from", "pytest", "--"][..], &words].concat();
    let Done { stderr, .. } = place.crashrate(&words).expect(4);
    assert!(stderr.contains("lists no tests"), "{stderr}");
    plugin(&place, &python, &["--crashrate", "2", "tests"]).expect(5);
}

/// A project that prints on all streams, with options that would spread, reorder and hide tests.
#[test]
fn names_and_options_of_a_hostile_project_do_not_matter() {
    let Some(python) = pytest() else {
        return;
    };
    let place = Place::new();
    place.write(
        "project/pytest.ini",
        "[pytest]\naddopts = -q -n 4 --strict-markers --doctest-modules --capture=no\n",
    );
    let prints =
        "import os\nprint('crashrate-test', end='')\nos.write(1, b'raw')\nos.write(2, b'raw')\n";
    place.write("project/conftest.py", prints);
    let names = [
        "a b",
        "[x]",
        "q'u\"o",
        "a::b",
        "\u{1f600}é",
        "..",
        "a/b",
        "",
        "-k",
        "new\nline",
    ];
    let test = format!(
        "import unittest, pytest\n\n\
         def documented():\n    \"\"\"\n    >>> 1 + 1\n    2\n    \"\"\"\n\n\
         @pytest.mark.parametrize('text', {})\n\
         def test_text(text):\n    assert text is not None\n\n\
         class TestOuter:\n    class TestInner:\n        def test_method(self):\n            pass\n\n\
         class Unit(unittest.TestCase):\n    def test_unit(self):\n        self.assertTrue(True)\n",
        serde_json::json!(names)
    );
    place.write("project/tests/test_names.py", test);
    let python = python.to_str().unwrap();
    let words = [
        "run",
        "--from",
        "pytest",
        "--rounds",
        "1",
        "--evidence",
        "none",
        "--",
    ];
    let words = [&words[..], &[python, "-m", "pytest", "project/tests"]].concat();
    place.crashrate(&words).expect(0);
    let report = place.json();
    let chapters = report["chapters"].as_array().unwrap();
    assert_eq!(chapters.len(), 2 * (names.len() + 3), "{report:#}");
    for chapter in chapters {
        assert_eq!(chapter["outcomes"]["passed"], 1, "{chapter:#}");
    }
}

/// Prints what a Python finds in its environment.
const SHOWS: &str = r#"
import os, sys
for name in ("PYTHONPATH", "PYTHONFAULTHANDLER"):
    print(name, repr(os.environ.get(name)), file=sys.stderr)
import crashrate
sys.exit(1)
"#;

#[test]
fn a_script_finds_the_package_unless_that_is_switched_off() {
    let place = Place::new();
    place.write("story.py", SHOWS);
    let of = |words: &[&str], own: Option<&str>| {
        let mut command = place.command(words);
        command.env_remove("PYTHONPATH");
        command.envs(own.map(|value| ("PYTHONPATH", value)));
        place.start(&mut command).wait().expect(100);
        let run = place.runs().pop().unwrap();
        let mut output = std::fs::read_dir(run.join("output")).unwrap();
        let printed = std::fs::read_to_string(output.next().unwrap().unwrap().path()).unwrap();
        (printed, place.json()["run"]["added_env"].clone())
    };
    let script = ["run", "--rounds", "1", "--", "python3", "story.py"];
    let (printed, added) = of(&script, None);
    let folder = place.runs_dir().join(".tests");
    let folder = folder.to_str().unwrap();
    assert!(
        printed.contains(&format!("PYTHONPATH '{folder}")),
        "{printed}"
    );
    assert!(printed.contains("PYTHONFAULTHANDLER None"), "{printed}");
    assert!(!printed.contains("ModuleNotFoundError"), "{printed}");
    assert!(
        added["PYTHONPATH"].as_str().unwrap().starts_with(folder),
        "{added}"
    );
    let full = place.full();
    assert!(
        full.contains("Added to the environment of Python commands"),
        "{full}"
    );

    let (printed, _) = of(&script, Some("/own"));
    assert!(
        printed.contains(&format!("PYTHONPATH '/own:{folder}")),
        "{printed}"
    );

    let off = [
        "run",
        "--no-additions",
        "--rounds",
        "1",
        "--",
        "python3",
        "story.py",
    ];
    let (printed, added) = of(&off, None);
    assert!(printed.contains("PYTHONPATH None"), "{printed}");
    assert_eq!(added, Value::Null);

    let chapter = "[[chapter]]\nid = \"x\"\nrounds = 1\ncommand = [\"python3\", \"story.py\"]\n";
    let suite = place.suite(chapter);
    let shown = place.crashrate(&["list", "suite.toml"]).expect(0).stdout;
    assert!(shown.contains("added for Python: PYTHONPATH="), "{shown}");
    let text = std::fs::read_to_string(&suite).unwrap();
    std::fs::write(
        &suite,
        text.replacen("[[chapter]]", "additions = false\n[[chapter]]", 1),
    )
    .unwrap();
    let shown = place.crashrate(&["list", "suite.toml"]).expect(0).stdout;
    assert!(!shown.contains("added for Python"), "{shown}");
    let (printed, _) = of(&["run", "suite.toml"], None);
    assert!(printed.contains("PYTHONPATH None"), "{printed}");
}

#[test]
fn the_fault_handler_is_set_for_pytest_unless_the_user_set_it() {
    let Some(python) = pytest() else {
        return;
    };
    let test = "import os\n\ndef test_it():\n    assert os.environ.get('PYTHONFAULTHANDLER') == EXPECTED\n";
    let python = python.to_str().unwrap();
    for (own, off, expected) in [
        (None, None, "'1'"),
        (Some("0"), None, "'0'"),
        (Some(""), None, "''"),
        (None, Some("--no-additions"), "None"),
    ] {
        let place = Place::new();
        place.write("test_it.py", test.replace("EXPECTED", expected));
        let mut command = place.command(&["run", "--from", "pytest", "--rounds", "1"]);
        command.args(off).args(["--", python, "-m", "pytest"]);
        command.env_remove("PYTHONFAULTHANDLER");
        command.envs(own.map(|value| ("PYTHONFAULTHANDLER", value)));
        if off.is_some() {
            // As if the package was installed.
            command.env("PYTHONPATH", package());
        }
        place.start(&mut command).wait().expect(0);
    }
}

/// The parts of a script are chapters only under crashrate.
#[test]
fn a_script_with_chapters_runs_alone() {
    let place = Place::new();
    let script = "import crashrate\n\nwith crashrate.chapter('one'):\n    crashrate.measure('n', 1)\n\
                  crashrate.run_sequence({'two': lambda: print('two')})\n";
    place.write("story.py", script);
    let mut command = Command::new("python3");
    command.arg("story.py").current_dir(place.path());
    let done = command.env("PYTHONPATH", package()).output().unwrap();
    assert_eq!(done.status.code(), Some(0));
    assert_eq!((&*done.stdout, &*done.stderr), (&b"two\n"[..], &b""[..]));
}
