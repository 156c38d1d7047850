//! A crash at a chosen test of a framework's suite in one process: it is charged to that test, the
//! tests before it keep their outcomes, and those behind it are unreached.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::frameworks::{GTEST, catch2, compiled, fixture, gtest, has_go};
use crate::util::{Place, pytest, skip};

/// In suites with more tests, only one in the middle crashes, and none runs alone.
const LARGE: usize = 100;

/// Tests of a framework that crash in the test that `CRASH_AT` names.
struct Suite {
    name: String,
    from: &'static str,
    command: Vec<String>,
    directory: PathBuf,
    /// What makes tests of others crash: a variable, and its value.
    plant: Option<(&'static str, String)>,
}

impl Suite {
    fn of(name: &str, from: &'static str, command: &[&str]) -> Suite {
        Suite {
            name: name.to_owned(),
            from,
            command: command.iter().map(|&word| word.to_owned()).collect(),
            directory: std::env::temp_dir(),
            plant: None,
        }
    }

    /// The JSON report of some rounds.
    fn report(&self, mode: Mode, rounds: u32, crash_at: &str) -> Value {
        let place = Place::new();
        let mut env = format!("CRASH_AT = {crash_at:?}");
        if let Some((name, value)) = &self.plant {
            env += &format!(", {name} = {value:?}");
        }
        let mode = match mode {
            Mode::Isolated => "",
            Mode::Sequential => "isolated = false\nsequence = \"all\"\n",
        };
        let Suite {
            from,
            command,
            directory,
            ..
        } = self;
        place.suite(&format!(
            "[[tests]]\nfrom = {from:?}\ncommand = {command:?}\ndirectory = {directory:?}\n\
             rounds = {rounds}\nenv = {{ {env} }}\n{mode}"
        ));
        let run = ["run", "suite.toml", "--evidence", "none"];
        // Suites of others can have tests that fail, and take any time.
        let done = place.command(&run).output().unwrap();
        assert!(
            [0, 100].map(Some).contains(&done.status.code()),
            "{done:#?}"
        );
        place.json()
    }

    /// Runs it without a crash, and with one at the first, a middle and the last test that passes.
    fn check(&self, rounds: u32) {
        let name = &self.name;
        let sound = self.report(Mode::Sequential, 1, "none");
        assert_eq!(sound["sequences"].as_array().unwrap().len(), 1, "{name}");
        let tests = tests(&sound);
        let passing = Vec::from_iter((0..tests.len()).filter(|&at| tests[at].ended("passed", 1)));
        let middle = passing.len() / 2;
        // Rounds of large suites take long.
        let positions = match passing.len() {
            0..=LARGE => vec![0, middle, passing.len() - 1],
            _ => vec![middle],
        };
        let positions = Vec::from_iter(positions.iter().map(|&at| passing[at]));
        for &at in &positions {
            let report = self.report(Mode::Sequential, rounds, tests[at].name());
            let id = tests[at].id();
            let sequence = &report["sequences"][0];
            assert_eq!(sequence["died_in"][id], rounds, "{name}: {sequence:#}");
            for (index, test) in self::tests(&report).iter().enumerate() {
                assert_eq!(test.id(), tests[index].id(), "{name}");
                let expected = match index {
                    _ if index < at => tests[index].outcome(),
                    _ if index == at => "crashed",
                    _ => "unreached",
                };
                assert!(test.ended(expected, rounds), "{name}, at {id}: {test:?}");
            }
        }
        if tests.len() <= LARGE {
            let middle = passing[middle];
            let report = self.report(Mode::Isolated, 1, tests[middle].name());
            let alone = self::tests(&report);
            assert_eq!(alone.len(), tests.len(), "{name}");
            for (index, test) in alone.iter().enumerate() {
                let crashed = test.ended("crashed", 1);
                assert_eq!(crashed, index == middle, "{name}: {test:?}");
            }
        }
        println!(
            "{name}: {} tests; a crash at test {}: {rounds} of {rounds} rounds each",
            tests.len(),
            Vec::from_iter(positions.iter().map(|at| (at + 1).to_string())).join(", ")
        );
    }
}

enum Mode {
    Isolated,
    Sequential,
}

/// A test in a report.
#[derive(Debug)]
struct Test(Value);

fn tests(report: &Value) -> Vec<Test> {
    let chapters = report["chapters"].as_array().unwrap();
    chapters.iter().cloned().map(Test).collect()
}

impl Test {
    fn id(&self) -> &str {
        self.0["chapter"].as_str().unwrap()
    }

    /// The name that the framework uses.
    fn name(&self) -> &str {
        self.0["params"]["name"].as_str().unwrap_or(self.id())
    }

    /// The outcome of its only round.
    fn outcome(&self) -> &str {
        let outcomes = self.0["outcomes"].as_object().unwrap();
        assert_eq!(outcomes.len(), 1, "{self:?}");
        outcomes.keys().next().unwrap()
    }

    /// Whether all its rounds ended like this.
    fn ended(&self, outcome: &str, rounds: u32) -> bool {
        self.0["outcomes"][outcome] == rounds
    }
}

/// The small suites of this project.
fn own() -> Vec<Suite> {
    let mut suites = Vec::new();
    for (from, program) in [("gtest", gtest()), ("catch2", catch2())] {
        if let Some(program) = program {
            suites.push(Suite::of(from, from, &[program.to_str().unwrap()]));
        }
    }
    if has_go() {
        suites.push(Suite {
            directory: fixture("go"),
            ..Suite::of("go", "go", &["."])
        });
    }
    if let Some(python) = pytest() {
        let command = [python.to_str().unwrap(), "-m", "pytest", "-p", "crash_at"];
        suites.push(Suite {
            directory: fixture("pytest"),
            plant: Some(("PYTHONPATH", path(&fixture("pytest")))),
            ..Suite::of("pytest", "pytest", &command)
        });
    }
    suites
}

fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Builds the library that makes tests of Rust crash.
fn preloaded(place: &Place) -> String {
    let library = place.path().join("crash_at.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library);
    compiler.arg(fixture("libtest/crash_at.c"));
    assert!(compiler.status().unwrap().success());
    path(&library)
}

/// Tests of this project.
fn of_rust(library: &str) -> Vec<Suite> {
    let package = ["--release", "-p", "crashrate-stats", "--lib"];
    let suite = |cargo: &[&str]| Suite {
        directory: fixture("../.."),
        plant: Some(("LD_PRELOAD", library.to_owned())),
        ..Suite::of(&cargo.join(" "), "libtest", &[cargo, &package].concat())
    };
    let cargo: [&[&str]; 2] = [&["cargo", "test"], &["cargo", "nextest", "run"]];
    cargo.map(suite).into()
}

/// The samples of GoogleTest, where Debian's package put their sources.
fn samples() -> Vec<Suite> {
    let sources = Path::new("/usr/src/googletest/googletest/samples");
    if !sources.exists() {
        skip("the samples of GoogleTest are not installed");
        return Vec::new();
    }
    let mut suites = Vec::new();
    for number in 1..=10 {
        let name = format!("sample{number}");
        let mut files = vec![
            sources.join(format!("{name}_unittest.cc")),
            fixture("gtest/crash_at.cc"),
        ];
        // The fifth sample tests the code of the first.
        let code = if number == 5 { "sample1" } else { &name };
        let code = sources.join(format!("{code}.cc"));
        files.extend(Some(code).filter(|code| code.exists()));
        let include = format!("-I{}", sources.parent().unwrap().display());
        let libraries = [&[&*include][..], &GTEST].concat();
        if let Some(program) = compiled(&name, &files, &libraries) {
            suites.push(Suite::of(&name, "gtest", &[program.to_str().unwrap()]));
        }
    }
    suites
}

/// NumPy's tests of linear algebra.
fn numpy() -> Option<Suite> {
    let python = pytest()?;
    let install = Command::new(&python)
        .args(["-m", "pip", "install", "-q", "numpy", "hypothesis"])
        .output()
        .unwrap();
    if !install.status.success() {
        let why = String::from_utf8_lossy(&install.stderr).into_owned();
        skip(&format!("NumPy cannot be installed: {why}"));
        return None;
    }
    let find = "import numpy.linalg as l; print(l.__path__[0])";
    let found = Command::new(&python).args(["-c", find]).output().unwrap();
    let directory = PathBuf::from(String::from_utf8(found.stdout).unwrap().trim()).join("tests");
    let command = [python.to_str()?, "-m", "pytest", "-p", "crash_at"];
    Some(Suite {
        directory,
        plant: Some(("PYTHONPATH", path(&fixture("pytest")))),
        ..Suite::of("numpy.linalg", "pytest", &command)
    })
}

#[test]
fn a_crash_is_charged_to_its_test() {
    for suite in own() {
        suite.check(2);
    }
}

/// The same 100 times, and in suites of others.
#[test]
#[ignore = "takes an hour; `cargo xtask verify frameworks` runs it"]
fn in_100_rounds() {
    let place = Place::new();
    let suites = own().into_iter().chain(of_rust(&preloaded(&place)));
    for suite in suites.chain(samples()).chain(numpy()) {
        suite.check(100);
    }
}
