//! The adapters on output that the frameworks printed; see `tests/data/README.md`.

use std::collections::BTreeMap;
use std::path::Path;

use crashrate_adapters::{
    Context, Framework, Group, Invocation, ListError, Output, Step, Test, TestList, list,
};
use crashrate_protocol::Event;

mod catch2;
mod ctest;
mod go;
mod gtest;
mod libtest;
mod pytest;

/// A recorded file.
fn recorded(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A process that printed a recorded file.
fn printed(name: &str, exit: i32) -> Output {
    Output {
        stdout: recorded(name),
        exit: Some(exit),
        ..Output::default()
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// The words of a process after the program.
fn arguments(process: &Invocation) -> String {
    process.command[1..].join(" ")
}

/// Lists tests; `steps` are the outputs of each step's processes.
fn try_list(
    framework: Framework,
    command: &[String],
    steps: Vec<Vec<Output>>,
) -> Result<TestList, ListError> {
    let env = BTreeMap::from([("DIRS".to_owned(), "/usr".to_owned())]);
    let context = Context {
        scratch: Path::new("/scratch"),
        env: &env,
    };
    let mut step = list(framework, command, context)?;
    for outputs in steps {
        let Step::Run(listing) = step else {
            panic!("fewer steps than expected");
        };
        step = listing.outputs(outputs)?;
    }
    match step {
        Step::Done(tests) => Ok(tests),
        Step::Run(listing) => panic!("another step: {listing:?}"),
    }
}

fn listed(framework: Framework, command: &str, steps: Vec<Vec<Output>>) -> TestList {
    try_list(framework, &words(command), steps).unwrap_or_else(|error| panic!("{error}"))
}

/// The message of a listing that fails.
fn refused(framework: Framework, command: &str, steps: Vec<Vec<Output>>) -> String {
    try_list(framework, &words(command), steps)
        .unwrap_err()
        .to_string()
}

fn ids(tests: &TestList) -> Vec<&str> {
    let groups = tests.groups.iter();
    groups
        .flat_map(|group| &group.tests)
        .map(|test| test.id.as_str())
        .collect()
}

fn named<'a>(group: &'a Group, name: &str) -> &'a Test {
    let mut tests = group.tests.iter();
    tests
        .find(|test| test.name == name)
        .unwrap_or_else(|| panic!("no test `{name}`"))
}

/// The events of a process that ran all tests of a group, in short: `start A`, `pass A`,
/// `fail A: REASON`, `skip A: REASON`, `pause A`. Checks that they are the same wherever the output
/// is cut.
fn events(group: &Group, output: &[u8]) -> Vec<String> {
    let tests: Vec<&Test> = group.tests.iter().collect();
    let read = |pieces: &[&[u8]]| -> Vec<String> {
        let mut reader = group.reader(&tests).expect("the framework has a reader");
        pieces
            .iter()
            .flat_map(|piece| reader.push(piece))
            .map(short)
            .collect()
    };
    let whole = read(&[output]);
    for size in 1..100 {
        let pieces: Vec<&[u8]> = output.chunks(size).collect();
        assert_eq!(read(&pieces), whole, "in pieces of {size} bytes");
    }
    whole
}

fn short(event: Event) -> String {
    match event {
        Event::ChapterStarted { chapter } => format!("start {chapter}"),
        Event::ChapterPassed { chapter } => format!("pass {chapter}"),
        Event::ChapterFailed { chapter, reason } => format!("fail {chapter}: {reason}"),
        Event::ChapterSkipped { chapter, reason } => format!("skip {chapter}: {reason}"),
        Event::ChapterPaused { chapter } => format!("pause {chapter}"),
        other => panic!("unexpected {other:?}"),
    }
}

/// Checks that each test started and ended once, in order; gives the ends that are not `pass`.
fn not_passed(events: &[String], tests: &[&str]) -> Vec<String> {
    assert_eq!(events.len(), 2 * tests.len(), "{events:#?}");
    let mut ends = Vec::new();
    for (pair, test) in events.chunks(2).zip(tests) {
        assert_eq!(pair[0], format!("start {test}"));
        let rest = pair[1].split_once(' ').expect("an event has a chapter").1;
        assert!(rest.starts_with(test), "{} is not about {test}", pair[1]);
        if pair[1] != format!("pass {test}") {
            ends.push(pair[1].clone());
        }
    }
    ends
}
