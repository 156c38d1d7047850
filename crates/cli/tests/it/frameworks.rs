//! Test suites of real frameworks, each with a crash that needs two of its tests in one process.
//! Isolated it never happens; in one process it is always charged to the test that died.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::util::{Done, Place, pytest, skip};

/// Rounds of a sequence that takes milliseconds.
const MANY: u32 = 100;

pub(crate) fn fixture(name: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/frameworks");
    fixtures.join(name).canonicalize().unwrap()
}

/// Compiles C++ sources to a program that all tests share. `None` without compiler or library.
pub(crate) fn compiled(name: &str, sources: &[PathBuf], libraries: &[&str]) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("frameworks");
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join(name);
    let done = Command::new("c++")
        .args(sources)
        .args(["-O0", "-g", "-std=c++17", "-pthread", "-o"])
        .arg(&program)
        .args(libraries)
        .output();
    match done {
        Ok(done) if done.status.success() => Some(program),
        Ok(done) => {
            let errors = String::from_utf8_lossy(&done.stderr).into_owned();
            skip(&format!("{name} cannot be compiled: {errors}"));
            None
        }
        Err(error) => {
            skip(&format!("there is no C++ compiler: {error}"));
            None
        }
    }
}

pub(crate) const GTEST: [&str; 2] = ["-lgtest_main", "-lgtest"];

/// The planted suite of GoogleTest.
pub(crate) fn gtest() -> Option<PathBuf> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let sources = ["gtest/planted.cc", "gtest/crash_at.cc"].map(fixture);
    let compile = || compiled("gtest", &sources, &GTEST);
    PROGRAM.get_or_init(compile).clone()
}

/// The planted suite of Catch2.
pub(crate) fn catch2() -> Option<PathBuf> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let compile = || compiled("catch2", &[fixture("catch2/planted.cc")], &[]);
    PROGRAM.get_or_init(compile).clone()
}

/// Whether Go is installed.
pub(crate) fn has_go() -> bool {
    match Command::new("go").arg("version").output() {
        Ok(_) => true,
        Err(error) => {
            skip(&format!("there is no Go: {error}"));
            false
        }
    }
}

/// What a planted suite should show.
struct Expected<'a> {
    crashes: &'a str,
    behind: &'a [&'a str],
    chapters: usize,
    skipped: &'a [&'a str],
}

/// Runs the tests of a command and checks their ends in both modes.
fn check(place: &Place, from: &str, rounds: [u32; 2], command: &[&str], expected: &Expected<'_>) {
    for (mode, rounds) in ["isolated", "sequential"].into_iter().zip(rounds) {
        let rounds_text = rounds.to_string();
        let mut words = vec![
            "run",
            "--from",
            from,
            "--mode",
            mode,
            "--rounds",
            &rounds_text,
        ];
        words.extend(["--evidence", "none", "--"]);
        words.extend(command);
        place.crashrate(&words).expect(match mode {
            "isolated" => 0,
            _ => 100,
        });
        let report = place.json();
        let chapters = report["chapters"].as_array().unwrap();
        assert_eq!(chapters.len(), expected.chapters, "{mode}: {chapters:#?}");
        for chapter in chapters {
            let id = chapter["chapter"].as_str().unwrap();
            let outcome = match mode {
                "isolated" if expected.skipped.contains(&id) => "skipped",
                "sequential" if id == expected.crashes => "crashed",
                "sequential" if expected.behind.contains(&id) => "unreached",
                _ => "passed",
            };
            assert_eq!(chapter["outcomes"][outcome], rounds, "{mode}: {chapter:#}");
        }
        if mode == "sequential" {
            let sequence = &report["sequences"][0];
            assert_eq!(
                sequence["died_in"][expected.crashes], rounds,
                "{sequence:#}"
            );
        }
    }
}

#[test]
fn googletest() {
    let Some(program) = gtest() else {
        return;
    };
    let place = Place::new();
    let expected = Expected {
        crashes: "Planted.Crashes",
        behind: &[
            "Planted.Behind",
            "Planted.Skipped",
            "Typed/0.Default",
            "Typed/1.Default",
            "Some/Text.IsShort/0",
            "Some/Text.IsShort/1",
            "Some/Text.IsShort/2",
        ],
        chapters: 10,
        skipped: &["Planted.Skipped"],
    };
    let program = program.to_str().unwrap();
    check(&place, "auto", [2, MANY], &[program], &expected);
    let chosen = [
        "run",
        "--from",
        "gtest",
        "--chapter",
        "Planted.[CPS]*",
        "--",
        program,
    ];
    let Done { stderr, .. } = place.crashrate(&chosen).expect(96);
    assert!(
        stderr.contains("no chapter matches `Planted.[CPS]*`"),
        "{stderr}"
    );
}

fn outcomes<'a>(report: &'a Value, id: &str) -> &'a Value {
    let chapters = report["chapters"].as_array().unwrap();
    let chapter = chapters.iter().find(|chapter| chapter["chapter"] == id);
    &chapter.unwrap_or_else(|| panic!("no chapter {id}"))["outcomes"]
}

#[test]
fn of_catch2() {
    let Some(program) = catch2() else {
        return;
    };
    let expected = Expected {
        crashes: "crashes",
        behind: &["behind \"it\""],
        chapters: 4,
        skipped: &[],
    };
    let program = program.to_str().unwrap();
    check(&Place::new(), "catch2", [2, MANY], &[program], &expected);
}

#[test]
fn go() {
    if !has_go() {
        return;
    }
    let place = Place::new();
    for file in ["go.mod", "planted_test.go"] {
        place.write(file, std::fs::read(fixture("go").join(file)).unwrap());
    }
    let expected = Expected {
        crashes: "TestCrashes",
        behind: &["TestBehind", "TestSkipped"],
        chapters: 5,
        skipped: &["TestSkipped"],
    };
    check(&place, "go", [2, MANY], &["./..."], &expected);
}

/// The binary runs in the folder of its package, so its path must not depend on ours.
#[test]
fn a_package_of_go_in_a_folder() {
    if !has_go() {
        return;
    }
    let place = Place::new();
    for (from, to) in [("go.mod", "go.mod"), ("planted_test.go", "sub/a_test.go")] {
        place.write(to, std::fs::read(fixture("go").join(from)).unwrap());
    }
    let words = ["list", "--runs-dir", "here", "--from", "go", "--", "./..."];
    let Done { stdout, .. } = place.crashrate(&words).expect(0);
    assert!(stdout.contains("TestCrashes"), "{stdout}");
    let run = [
        "run", "-n", "1", "--mode", "isolated", "--from", "go", "--", "./...",
    ];
    place.crashrate(&run).expect(0);
}

/// This test binary is one of libtest's.
#[test]
fn libtest() {
    let program = std::env::current_exe().unwrap();
    let listed = Command::new(&program)
        .args(["--list", "--format", "terse"])
        .output()
        .unwrap();
    let ignored = ["--list", "--format", "terse", "--ignored"];
    let ignored = Command::new(&program).args(ignored).output().unwrap();
    let count = |output: &[u8]| {
        let text = String::from_utf8_lossy(output);
        text.lines().filter(|line| line.ends_with(": test")).count()
    };
    let place = Place::new();
    let program = program.to_str().unwrap();
    let Done { stdout, .. } = place.crashrate(&["list", "--", program]).expect(0);
    let chapters = stdout
        .lines()
        .filter(|line| line.starts_with("chapter "))
        .count();
    assert_eq!(chapters, count(&listed.stdout) - count(&ignored.stdout));
    for (option, expected) in [
        ("--ignored", count(&ignored.stdout)),
        ("--include-ignored", count(&listed.stdout)),
    ] {
        let words = ["list", "--from", "libtest", "--", program, option];
        let Done { stdout, .. } = place.crashrate(&words).expect(0);
        let chapters = stdout.lines().filter(|line| line.starts_with("chapter "));
        assert_eq!(chapters.count(), expected, "{option}");
    }
}

#[test]
fn ctest() {
    let place = Place::new();
    let build = place.path().join("build");
    let cmake = Command::new("cmake")
        .arg("-S")
        .arg(fixture("ctest"))
        .arg("-B")
        .arg(&build)
        .output();
    match cmake {
        Ok(done) => assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        ),
        Err(error) => return skip(&format!("there is no cmake: {error}")),
    }
    let built = Command::new("cmake").arg("--build").arg(&build).output();
    assert!(built.unwrap().status.success());
    let run = ["run", "--from", "ctest", "--rounds", "2", "--", "build"];
    place.crashrate(&run).expect(100);
    let report = place.json();
    assert_eq!(
        report["chapters"].as_array().unwrap().len(),
        20,
        "without the disabled one"
    );
    for (id, outcome) in [
        ("passes-1", "passed"),
        ("fails", "failed"),
        ("fails-as-expected", "passed"),
        ("passes-unexpectedly", "failed"),
        ("skips", "skipped"),
        ("hangs", "timed-out"),
        ("crashes", "crashed"),
        ("reads-its-surroundings", "passed"),
    ] {
        assert_eq!(outcomes(&report, id)[outcome], 2, "{id}");
    }
}

#[test]
fn of_pytest() {
    let Some(python) = pytest() else {
        return;
    };
    let place = Place::new();
    let source = std::fs::read(fixture("pytest/test_planted.py")).unwrap();
    place.write("tests/test_planted.py", source);
    let python = python.to_str().unwrap();
    let command = [python, "-m", "pytest", "tests"];
    let mut words = vec!["run", "--from", "pytest", "--rounds", "3", "--"];
    words.extend(command);
    let Done { stdout, .. } = place.crashrate(&words).expect(100);
    let report = place.json();
    let test = |name: &str| format!("tests/test_planted.py::{name}");
    let crashes = test("TestPlanted::test_crashes");
    assert_eq!(report["sequences"][0]["died_in"][&crashes], 3);
    let row = |id: &str, mode: &str| {
        let chapters = report["chapters"].as_array().unwrap();
        let of = |chapter: &&Value| chapter["chapter"] == id && chapter["mode"] == mode;
        chapters.iter().find(of).unwrap_or_else(|| panic!("{id}"))["outcomes"].clone()
    };
    assert_eq!(row(&crashes, "isolated")["passed"], 3);
    assert_eq!(row(&crashes, "sequential")["crashed"], 3);
    assert_eq!(
        row(&test("TestPlanted::test_behind"), "sequential")["unreached"],
        3
    );
    assert_eq!(row(&test("test_skipped"), "isolated")["skipped"], 3);
    assert_eq!(
        row(&test("test_fails_as_expected"), "isolated")["passed"],
        3
    );
    assert_eq!(row(&test("test_first[b c]"), "isolated")["passed"], 3);
    // The stacks of Python and of the C code.
    let shown = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("test_crashes ("), "{stdout}");
    assert!(stdout.contains("string_at"), "{stdout}");
}

/// A program that lists and runs tests as GoogleTest does, one for each file in `tests`.
const STAND_IN: &str = r#"#!/bin/sh
cd "$(dirname "$0")/tests"
case "$*" in
*--gtest_list_tests*)
    echo Files.
    for test in *; do echo "  $test"; done ;;
*)
    for test in *; do
        case "$*" in *gtest_filter*) case "$*" in *"Files.$test"*) ;; *) continue ;; esac ;; esac
        echo "[ RUN      ] Files.$test"
        echo "[       OK ] Files.$test (0 ms)"
    done ;;
esac
"#;

#[test]
fn a_resumed_run_has_the_same_tests() {
    let place = Place::new();
    place.program("stand_in", STAND_IN);
    place.write("tests/a", "");
    place.write("tests/b", "");
    let run = [
        "run",
        "--from",
        "gtest",
        "--rounds",
        "3",
        "--for",
        "1ms",
        "--",
        "./stand_in",
    ];
    place.crashrate(&run).expect(106);
    // A new test is not part of the run; one that vanished is missed.
    place.write("tests/c", "");
    place
        .crashrate(&["run", "--resume", "latest", "--for", "1ms"])
        .expect(106);
    std::fs::remove_file(place.path().join("tests/b")).unwrap();
    let Done { stderr, .. } = place.crashrate(&["run", "--resume", "latest"]).expect(96);
    assert!(
        stderr.contains("the test `Files.b` no longer exists"),
        "{stderr}"
    );
    place.write("tests/b", "");
    place.crashrate(&["run", "--resume", "latest"]).expect(0);
    let report = place.json();
    assert_eq!(report["chapters"].as_array().unwrap().len(), 4);
}

#[test]
fn a_test_that_does_not_run_has_not_passed() {
    let place = Place::new();
    place.program("stand_in", STAND_IN);
    place.write("tests/a", "");
    place.write("tests/b", "");
    place.suite("[[tests]]\nfrom = \"gtest\"\ncommand = [\"./stand_in\"]\nrounds = 2\n");
    let script = "[ $CRASHRATE_ROUND = 2 ] && rm -f tests/b; exec ./stand_in.sh \"$@\"";
    std::fs::rename(
        place.path().join("stand_in"),
        place.path().join("stand_in.sh"),
    )
    .unwrap();
    place.program("stand_in", &format!("#!/bin/sh\n{script}\n"));
    place.crashrate(&["run", "suite.toml"]).expect(100);
    let report = place.json();
    assert_eq!(outcomes(&report, "Files.b")["failed"], 1, "{report:#}");
}

#[test]
fn a_new_suite_file_runs() {
    let place = Place::new();
    place.program("stand_in", STAND_IN);
    place.write("tests/a", "");
    place.crashrate(&["init", "--", "./stand_in"]).expect(0);
    std::fs::create_dir(place.path().join("sub")).unwrap();
    place
        .crashrate(&["init", "--output", "sub/x.toml", "--", "./stand_in"])
        .expect(0);
    for suite in ["crashrate.toml", "sub/x.toml"] {
        place.crashrate(&["run", suite, "-n", "1"]).expect(0);
    }
    let Done { stderr, .. } = place.crashrate(&["init", "--", "./stand_in"]).expect(96);
    assert!(stderr.contains("crashrate.toml exists already"), "{stderr}");
    let none = ["init", "--output", "other.toml", "--", "./no_such_program"];
    let Done { stderr, .. } = place.crashrate(&none).expect(96);
    assert!(!place.path().join("other.toml").exists(), "{stderr}");
}

#[test]
fn wrong_sources_of_tests_are_refused() {
    let tests = "from = \"gtest\"\ncommand = [\"./stand_in\"]\n";
    for (body, problem) in [
        (
            "from = \"gtes\"\ncommand = [\"x\"]\n".to_owned(),
            "did you mean `gtest`?",
        ),
        (
            format!("{tests}select = [\"No.*\"]\n"),
            "no test matches `No.*`",
        ),
        (format!("{tests}isolated = false\n"), "name a `sequence`"),
        (
            format!("{tests}sequence = \"s\"\norder = \"reversed\"\n"),
            "reversed",
        ),
        (
            "from = \"gtest\"\ncommand = [\"./missing\"]\n".to_owned(),
            "./missing",
        ),
        (
            "from = \"gtest\"\ncommand = []\n".to_owned(),
            "`command` must name a program",
        ),
    ] {
        let place = Place::new();
        place.program("stand_in", STAND_IN);
        place.write("tests/a", "");
        place.suite(&format!("[[tests]]\n{body}"));
        let Done { stderr, .. } = place.crashrate(&["run", "suite.toml"]).expect(96);
        assert!(
            stderr.contains("suite.toml:") && stderr.contains(problem),
            "{stderr}"
        );
    }
}
