//! Rust's test harness: `library/test` of Rust, <https://doc.rust-lang.org/rustc/tests/>.
//!
//! `--list --format terse` and the lines `test NAME ... ok` are stable. With one thread the name is
//! printed and flushed before the test runs.

use std::collections::HashSet;

use crate::chapters::{Chapters, Verdict};
use crate::error::{ListError, SequenceError};
use crate::group::{Group, Order, Test};
use crate::listing::{Listing, Step, TestList};
use crate::process::{self, Invocation};
use crate::{Framework, words};

pub(crate) const LIBTEST: Framework = Framework::Libtest;

/// The options of a test binary whose value is the next word.
const TAKES_VALUE: &[&str] = &[
    "--skip",
    "--test-threads",
    "--logfile",
    "--color",
    "--format",
    "--shuffle-seed",
    "-Z",
];

/// Options that the reader needs to be otherwise.
const DROPPED: &[&str] = &[
    "--format",
    "--test-threads",
    "--color",
    "--logfile",
    "--shuffle-seed",
];
const DROPPED_FLAGS: &[&str] = &["-q", "--quiet", "--list", "--exact", "--shuffle"];

/// A test binary, and the arguments that choose tests from it.
#[derive(Clone, Debug)]
pub(crate) struct Binary {
    pub(crate) name: Option<String>,
    /// The binary with its options.
    pub(crate) program: Invocation,
    /// Words that a test's name must hold.
    pub(crate) filters: Vec<String>,
}

pub(crate) fn list(command: &[String]) -> Result<Step, ListError> {
    match command.split_first() {
        None => Err(ListError::Command {
            framework: LIBTEST,
            problem: "needs a test binary or `cargo test`: command = [\"cargo\", \"test\"]"
                .to_owned(),
        }),
        Some((program, arguments)) => {
            let binary = Binary::new(None, Invocation::new([program.clone()]), arguments);
            Ok(list_binaries(vec![binary]))
        }
    }
}

impl Binary {
    pub(crate) fn new(name: Option<String>, program: Invocation, arguments: &[String]) -> Binary {
        let arguments = words::without(arguments, DROPPED, true);
        let arguments = words::without(&arguments, DROPPED_FLAGS, false);
        let arguments = words::separate(&arguments, TAKES_VALUE);
        Binary {
            name,
            program: program.with(arguments.options),
            filters: arguments.positional,
        }
    }
}

/// Asks each binary twice: for all tests, and for the ignored ones.
pub(crate) fn list_binaries(binaries: Vec<Binary>) -> Step {
    let asked = binaries.iter().flat_map(|binary| {
        let mut plain = binary.program.clone();
        plain.command = words::without(&plain.command, IGNORED, false);
        let all = plain
            .with(binary.filters.clone())
            .with(["--list", "--format", "terse"]);
        let ignored = all.with(["--ignored"]);
        [all, ignored]
    });
    Listing::step(asked.collect(), move |processes, outputs| {
        let mut groups = Vec::new();
        let mut notes = Vec::new();
        for (index, binary) in binaries.into_iter().enumerate() {
            let process = &processes[2 * index];
            let all = parse_list(process, &outputs[2 * index])?;
            let ignored = parse_list(&processes[2 * index + 1], &outputs[2 * index + 1])?;
            let (Some(mut tests), Some(ignored)) = (all, ignored) else {
                notes.push(format!(
                    "left out `{}`: it does not list its tests (`harness = false`?)",
                    binary.name.unwrap_or_else(|| process.to_string())
                ));
                continue;
            };
            let ignored: HashSet<String> = ignored.into_iter().collect();
            match asks_for(&binary.program) {
                Asked::All => {}
                Asked::Ignored => tests.retain(|test| ignored.contains(test)),
                Asked::NotIgnored => tests.retain(|test| !ignored.contains(test)),
            }
            groups.push(Group {
                framework: LIBTEST,
                name: binary.name,
                program: binary.program,
                tests: tests.into_iter().map(Test::named).collect(),
            });
        }
        Ok(TestList::done(groups, notes))
    })
}

/// The options that ask for ignored tests: only for these, and also for these.
const IGNORED: &[&str] = &["--ignored", "--include-ignored"];

/// Which tests the user's words ask for.
enum Asked {
    NotIgnored,
    Ignored,
    All,
}

fn asks_for(program: &Invocation) -> Asked {
    let has = |option: &str| program.command.iter().any(|word| word == option);
    match (has(IGNORED[0]), has(IGNORED[1])) {
        (_, true) => Asked::All,
        (true, false) => Asked::Ignored,
        (false, false) => Asked::NotIgnored,
    }
}

/// Reads the list: `NAME: test`. Benchmarks are left out. `None` if it is no such list.
fn parse_list(
    process: &Invocation,
    output: &process::Output,
) -> Result<Option<Vec<String>>, ListError> {
    if output.exit != Some(0) {
        return Err(ListError::failed(LIBTEST, process, output));
    }
    let text = output.text();
    let test = |line: &str| line.strip_suffix(": test").map(str::to_owned);
    let tests: Vec<String> = text.lines().filter_map(test).collect();
    let is_list = text.trim().is_empty()
        || text
            .lines()
            .any(|line| line.ends_with(": test") || line.ends_with(": benchmark"));
    Ok(is_list.then_some(tests))
}

pub(crate) fn isolated(group: &Group, test: &Test) -> Invocation {
    run(group, &[test])
}

pub(crate) fn sequential(
    group: &Group,
    tests: &[&Test],
    order: Order,
) -> Result<Invocation, SequenceError> {
    let order = match order {
        Order::Given => return Ok(run(group, tests)),
        Order::Reversed => "reversed",
        Order::Shuffled { .. } => "shuffled",
    };
    // `--shuffle` exists only in nightly versions.
    Err(SequenceError::Order {
        framework: LIBTEST,
        order,
        possible: "it runs them by name: use `given`",
    })
}

/// Runs tests in one thread. The output of tests is captured, as the harness does by default.
fn run(group: &Group, tests: &[&Test]) -> Invocation {
    group
        .program
        .with(["--test-threads=1", "--color=never", "--exact"])
        .with(tests.iter().map(|test| test.name.clone()))
}

/// The reader of the harness's output.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// A verdict behind output of the test. With `--nocapture` this can be a line of the test
    /// itself, so it counts when the harness continues.
    candidate: Option<Verdict>,
}

impl Output {
    pub(crate) fn line(&mut self, line: &str, chapters: &mut Chapters) {
        if let Some((name, rest)) = test_line(line, chapters) {
            self.start(&name, chapters);
            match verdict(rest) {
                Some(verdict) => {
                    if let Some(reason) = rest.strip_prefix("ignored, ") {
                        chapters.explain(reason);
                    }
                    chapters.end(verdict);
                }
                None => self.candidate = last_word(rest),
            }
        } else if line.starts_with("test result: ") || line == "failures:" || line == "successes:" {
            self.settle(chapters);
        } else if let Some(candidate) = last_word(line) {
            self.candidate = Some(candidate);
        }
    }

    /// Takes a line that is not complete: a test may be running behind its name.
    pub(crate) fn unfinished(&mut self, line: &str, chapters: &mut Chapters) {
        if let Some((name, _)) = test_line(line, chapters) {
            self.start(&name, chapters);
        }
    }

    fn start(&mut self, name: &str, chapters: &mut Chapters) {
        if chapters.open() != Some(name) {
            self.settle(chapters);
            chapters.start(name);
        }
    }

    fn settle(&mut self, chapters: &mut Chapters) {
        if let Some(verdict) = self.candidate.take() {
            chapters.end(verdict);
        }
    }
}

/// The name of a test in `test NAME ... `, and what follows.
fn test_line<'a>(line: &'a str, chapters: &Chapters) -> Option<(String, &'a str)> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let name = name.strip_suffix(" - should panic").unwrap_or(name);
    chapters.knows(name).then(|| (name.to_owned(), rest))
}

/// The verdict, if it is all that follows the name. `--report-time` appends the time.
fn verdict(rest: &str) -> Option<Verdict> {
    let (word, more) = rest.split_once([' ', ',']).unwrap_or((rest, ""));
    match word {
        "ok" if more.is_empty() || more.starts_with('<') => Some(Verdict::Passed),
        "FAILED" if more.is_empty() || more.starts_with('<') => Some(Verdict::Failed),
        "ignored" => Some(Verdict::Skipped),
        _ => None,
    }
}

/// The verdict at the end of a line of output.
fn last_word(line: &str) -> Option<Verdict> {
    if line.ends_with("ok") {
        Some(Verdict::Passed)
    } else if line.ends_with("FAILED") {
        Some(Verdict::Failed)
    } else {
        None
    }
}
