//! The READMEs are right: their commands run, their suites are valid, their flags exist.
//!
//! Each README gets a scratch folder with a copy of `configs` and `fixtures`. The test takes its
//! blocks in order:
//!
//! | block | what the test does |
//! |---|---|
//! | `console` | runs each line that begins with `$ `; the other lines are output |
//! | `sh` | runs each line |
//! | `toml` with a first line `# NAME.toml` | writes it to that file, and checks it as below |
//! | `toml` with a `[suite]` | `crashrate list` must accept it |
//! | `toml` with a `[report]` | `crashrate import` must accept it |
//!
//! Rust blocks are doctests of their crates. Commands in `NOT_RUN` and those in the middle of a
//! sentence are not run, but their flags must be in the help of their subcommand. With
//! `--nocapture` the test prints the output of each command, for updating the examples.

mod blocks;
mod commands;

use std::fs;
use std::path::{Path, PathBuf};

use crashrate_testkit::programs;

use crate::util::Place;
use blocks::{Block, blocks, commands_in_text};
use commands::{flags_are_right, not_run, run};

/// Programs that the READMEs assume the reader has, each with the kind of `misbehave` that replaces
/// it.
const STAND_INS: [(&str, &str); 4] = [
    ("my-test", "pass"),
    ("build/my_test", "pass"),
    ("my-zygote", "pass"),
    ("crash", "segfault"),
];

/// Stands in for a GoogleTest program of a suite that READMEs show.
const LISTS_ONE_GTEST_TEST: &str = "#!/bin/sh\nprintf 'Math.\\n  Add\\n'\n";

#[test]
fn the_project() {
    check("README.md");
}

#[test]
fn suites() {
    check("configs/README.md");
}

#[test]
fn the_python_package() {
    check("crates/cli/python/README.md");
}

#[test]
fn recorded_reports() {
    check("fixtures/recorded/README.md");
}

#[test]
fn contributing() {
    check("xtask/README.md");
}

#[test]
fn measurements() {
    check("fixtures/measured/README.md");
}

#[test]
fn crates() {
    let crates = project().join("crates");
    let names = fs::read_dir(crates)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut readmes: Vec<_> = names
        .map(|name| format!("crates/{}/README.md", name.display()))
        .filter(|path| project().join(path).is_file())
        .collect();
    readmes.sort();
    assert!(readmes.len() >= 10, "{readmes:?}");
    let problems: Vec<String> = std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for readme in &readmes {
            threads.push(scope.spawn(move || problems_of(readme)));
        }
        let found = threads.into_iter().map(|thread| thread.join().unwrap());
        found.flatten().collect()
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_python_example_is_the_file_that_ships() {
    let readme = fs::read_to_string(project().join("crates/protocol/README.md")).unwrap();
    let shown = blocks(&readme)
        .into_iter()
        .find(|block| block.language == "python");
    let ships = fs::read_to_string(project().join("fixtures/any-command/story.py")).unwrap();
    assert_eq!(shown.unwrap().text, ships);
}

#[test]
fn the_project_readme_is_short_and_begins_with_its_two_commands() {
    let readme = fs::read_to_string(project().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 250);
    let first = blocks(&readme).swap_remove(0).text;
    assert!(first.contains("cargo xtask demo") && first.contains("cargo xtask test"));
}

/// Each relative link leads to an existing file or folder.
#[test]
fn links_lead_somewhere() {
    for readme in all_readmes() {
        let folder = project().join(&readme).parent().unwrap().to_owned();
        let text = fs::read_to_string(project().join(&readme)).unwrap();
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'));
        for (link, _) in links {
            let path = link.split('#').next().unwrap();
            let is_outside = path.is_empty() || path.contains("://");
            assert!(
                is_outside || folder.join(path).exists(),
                "{readme}: there is no {path}"
            );
        }
    }
}

/// The modules that a crate README lists exist.
#[test]
fn modules_exist() {
    for readme in all_readmes() {
        let source = project().join(&readme).parent().unwrap().join("src");
        let text = fs::read_to_string(project().join(&readme)).unwrap();
        let tables = text
            .split("\n\n")
            .filter(|table| table.starts_with("| module |"));
        for cell in tables
            .flat_map(str::lines)
            .filter_map(|line| line.split('|').nth(1))
        {
            for module in cell.split('`').skip(1).step_by(2) {
                let path = module
                    .trim_end_matches(".rs")
                    .trim_end_matches('/')
                    .replace("::", "/");
                let files = [format!("{path}.rs"), format!("{path}/mod.rs")];
                let is_there = files.iter().any(|file| source.join(file).is_file());
                assert!(is_there, "{readme}: there is no module {module}");
            }
        }
    }
}

/// Each kind of mistake in a README is reported.
#[test]
fn mistakes_are_found() {
    for (text, problem) in [
        (
            "```sh\ncrashrate run --ruonds 3 -- true\n```",
            "exit code 96",
        ),
        ("```sh\ncrashrate nothing-like-it\n```", "exit code 96"),
        ("```console\n$ crashrate report 77\n```", "exit code 96"),
        ("```sh\nno-such-program\n```", "exit code 127"),
        (
            "```sh\ncrashrate run configs/story.toml --ruonds 3\n```",
            "no --ruonds",
        ),
        (
            "```sh\ncrashrate run configs/stroy.toml\n```",
            "exit code 96",
        ),
        ("```sh\ncargo xtask domo\n```", "no task `domo`"),
        ("or `crashrate report --fromat html`", "no --fromat"),
        ("see `crashrate help statisticks`", "exit code 96"),
        (
            "```toml\n[suite]\nname = \"x\"\nbda = []\n```",
            "exit code 96",
        ),
        (
            "```toml\n# x.toml\n[suite]\nname = \"x\"\n```",
            "exit code 4",
        ),
    ] {
        let problems = problems(text);
        assert!(
            problems.iter().any(|found| found.contains(problem)),
            "{text}: {problems:?}"
        );
    }
    assert_eq!(
        problems("```sh\ncrashrate run --rounds 1 -- true\n```"),
        Vec::<String>::new()
    );
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn all_readmes() -> Vec<String> {
    let mut found = vec!["README.md".to_owned()];
    for folder in ["configs", "crates", "fixtures", "xtask"] {
        let inner = fs::read_dir(project().join(folder)).unwrap();
        let inner = inner.map(|entry| entry.unwrap().file_name());
        let inner = inner.map(|name| format!("{folder}/{}/README.md", name.display()));
        found.extend(inner.chain([format!("{folder}/README.md")]));
    }
    found.retain(|path| project().join(path).is_file());
    found
}

#[track_caller]
fn check(readme: &str) {
    let problems = problems_of(readme);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn problems_of(readme: &str) -> Vec<String> {
    let text = fs::read_to_string(project().join(readme)).unwrap();
    let problems = problems(&text).into_iter();
    problems
        .map(|problem| format!("{readme}: {problem}"))
        .collect()
}

/// The problems with the commands and blocks of a README, each with its line.
fn problems(text: &str) -> Vec<String> {
    let place = scratch();
    let mut problems = Vec::new();
    for (line, command) in commands_in_text(text) {
        if let Err(problem) = flags_are_right(&command) {
            problems.push(format!("line {line}: {command}: {problem}"));
        }
    }
    for block in blocks(text) {
        for command in block.commands() {
            let problem = match not_run(&command) {
                true => flags_are_right(&command),
                false => run(&place, &command),
            };
            if let Err(problem) = problem {
                problems.push(format!("line {}: {command}: {problem}", block.line));
            }
        }
        if block.language == "toml"
            && let Err(problem) = check_toml(&place, &block)
        {
            problems.push(format!("line {}: {problem}", block.line));
        }
    }
    problems
}

/// A scratch folder with the files of the project that commands in READMEs use.
fn scratch() -> Place {
    let place = Place::new();
    for folder in [
        "configs",
        "fixtures/any-command",
        "fixtures/preload",
        "fixtures/racy",
        "fixtures/recorded",
    ] {
        for entry in fs::read_dir(project().join(folder)).unwrap() {
            let from = entry.unwrap().path();
            if from.is_dir() {
                continue;
            }
            let name = from.file_name().unwrap().to_str().unwrap();
            let to = place.write(&format!("{folder}/{name}"), "");
            fs::copy(&from, to).unwrap();
        }
    }
    // READMEs compile programs into this folder.
    place.write("target/.keep", "");
    let misbehave = programs().misbehave.display();
    for (program, kind) in STAND_INS {
        place.program(program, &format!("#!/bin/sh\nexec {misbehave} {kind}\n"));
    }
    place.program("configs/math_test", LISTS_ONE_GTEST_TEST);
    place
}

fn check_toml(place: &Place, block: &Block) -> Result<(), String> {
    let first = block.text.lines().next().unwrap_or_default();
    let given = first
        .strip_prefix("# ")
        .filter(|name| name.ends_with(".toml") && !name.contains(' '));
    let name = given.unwrap_or("configs/shown.toml");
    let path = place.write(name, &block.text);
    let path = path.to_str().unwrap();
    let has = |head: &str| block.text.lines().any(|line| line.starts_with(head));
    let runs = place.path().join("imported").display().to_string();
    let arguments = match () {
        () if has("[suite]") => ["list", path, "--runs-dir", &runs],
        () if has("[report]") => ["import", path, "--runs-dir", &runs],
        // An excerpt of a suite, which is not valid on its own.
        () => return Ok(()),
    };
    let done = place.crashrate(&arguments);
    match done.code() {
        0 => Ok(()),
        code => Err(format!("{name}: exit code {code}: {}", done.stderr)),
    }
}
