//! GoogleTest 1.8 to 1.18: <https://google.github.io/googletest/advanced.html>.
//!
//! The output is that of `PrettyUnitTestResultPrinter` in `googletest/src/gtest.cc`, the list that
//! of `UnitTestImpl::ListTestsMatchingFilter`.

use std::collections::{BTreeMap, HashSet};

use crate::chapters::{Chapters, Verdict};
use crate::error::{ListError, SequenceError};
use crate::group::{Group, Order, Test};
use crate::listing::{Context, Listing, Step, TestList};
use crate::process::Invocation;
use crate::{Framework, words};

const GTEST: Framework = Framework::Gtest;

/// Arguments that would repeat tests, or hide the lines that the reader needs.
const DROPPED: &[&str] = &["--gtest_list_tests", "--gtest_repeat", "--gtest_brief"];

/// Variables that do the same, or choose or shuffle tests. An option cannot overrule
/// `GTEST_BRIEF`: versions before 1.11 refuse `--gtest_brief`.
const UNSET: &[&str] = &[
    "GTEST_BRIEF",
    "GTEST_FILTER",
    "GTEST_REPEAT",
    "GTEST_SHUFFLE",
    "GTEST_TOTAL_SHARDS",
    "GTEST_SHARD_INDEX",
    "GTEST_SHARD_STATUS_FILE",
];

pub(crate) fn list(command: &[String], context: Context<'_>) -> Result<Step, ListError> {
    if command.is_empty() {
        return Err(ListError::Command {
            framework: GTEST,
            problem: "needs the test program: command = [\"./math_test\"]".to_owned(),
        });
    }
    let mut program = Invocation::new(words::without(command, DROPPED, false));
    // An option in place of the variable, so that `own_filter` sees it.
    if let Some(filter) = context.env.get("GTEST_FILTER")
        && !own_filter(&program)
    {
        program = program.with([format!("--gtest_filter={filter}")]);
    }
    program.unset = UNSET.iter().map(|name| (*name).to_owned()).collect();
    let disabled = runs_disabled(command, context.env);
    let listing = program.with(["--gtest_list_tests"]);
    Ok(Listing::one(listing, move |process, output| {
        if output.exit != Some(0) {
            return Err(ListError::failed(GTEST, process, &output));
        }
        let tests = parse_list(&output.text(), disabled);
        let group = Group {
            framework: GTEST,
            name: None,
            program,
            tests: tests.into_iter().map(Test::named).collect(),
        };
        Ok(TestList::done(vec![group], Vec::new()))
    }))
}

/// Whether tests with `DISABLED_` in their name run.
fn runs_disabled(command: &[String], env: &BTreeMap<String, String>) -> bool {
    const OPTION: &str = "--gtest_also_run_disabled_tests";
    let is_true = |value: &str| !value.starts_with(['0', 'f', 'F']);
    let option = command.iter().rev().find_map(|word| {
        let value = word.strip_prefix(OPTION)?;
        value.is_empty().then_some("1").or(value.strip_prefix('='))
    });
    let variable = env.get("GTEST_ALSO_RUN_DISABLED_TESTS").map(String::as_str);
    option.or(variable).is_some_and(is_true)
}

/// Reads the list: a suite's line ends with a dot, and its tests are indented by two spaces.
fn parse_list(text: &str, disabled: bool) -> Vec<String> {
    let mut suite = None;
    let mut tests = Vec::new();
    for line in text.lines() {
        // Comments such as `  # TypeParam = int` follow two spaces, and can hold anything.
        let name = line
            .trim_start()
            .split("  # ")
            .next()
            .unwrap_or_default()
            .trim_end();
        match line.strip_prefix("  ") {
            None if name.ends_with('.') && !name.contains(' ') => suite = Some(name),
            // Something else that the program prints, such as `Running main() from ...`.
            None => suite = None,
            Some(rest) if rest.starts_with(' ') => {}
            Some(_) => tests.extend(suite.map(|suite| format!("{suite}{name}"))),
        }
    }
    tests.retain(|name| disabled || !is_disabled(name));
    tests
}

/// Whether the suite or the test is disabled. A parameterised test has a prefix: `Some/DISABLED_A`.
fn is_disabled(name: &str) -> bool {
    name.split(['.', '/'])
        .any(|part| part.starts_with("DISABLED_"))
}

pub(crate) fn isolated(group: &Group, test: &Test) -> Invocation {
    run(group).with([format!("--gtest_filter={}", escaped(&test.name))])
}

pub(crate) fn sequential(
    group: &Group,
    tests: &[&Test],
    order: Order,
) -> Result<Invocation, SequenceError> {
    let mut process = run(group);
    if !group.is_all(tests) {
        process = process.with([format!("--gtest_filter={}", filter(group, tests))]);
    }
    match order {
        Order::Given => Ok(process.with(["--gtest_shuffle=0"])),
        // GoogleTest takes seeds from 1 to 99999.
        Order::Shuffled { seed } => Ok(process.with([
            "--gtest_shuffle=1".to_owned(),
            format!("--gtest_random_seed={}", seed % 99_999 + 1),
        ])),
        Order::Reversed => Err(SequenceError::Order {
            framework: GTEST,
            order: "reversed",
            possible: "use `given` or `shuffled`",
        }),
    }
}

fn run(group: &Group) -> Invocation {
    group
        .program
        .with(["--gtest_color=no", "--gtest_print_time=1"])
}

/// Whether the user's words choose tests.
fn own_filter(program: &Invocation) -> bool {
    program
        .command
        .iter()
        .any(|word| word.starts_with("--gtest_filter"))
}

/// The shortest filter that chooses these tests.
fn filter(group: &Group, tests: &[&Test]) -> String {
    let chosen: HashSet<&str> = tests.iter().map(|test| test.name.as_str()).collect();
    let others = group
        .tests
        .iter()
        .filter(|test| !chosen.contains(test.name.as_str()));
    let others: Vec<&Test> = others.collect();
    let positive = patterns(group, tests);
    let negative = format!("*-{}", patterns(group, &others));
    // A filter of the user has already left out tests, which a negative filter would bring back.
    if own_filter(&group.program) || positive.len() <= negative.len() {
        positive
    } else {
        negative
    }
}

/// Patterns for tests: `Suite.*` where a whole suite is chosen, otherwise names.
fn patterns(group: &Group, tests: &[&Test]) -> String {
    let suite = |test: &Test| -> String {
        let end = test.name.find('.').map_or(test.name.len(), |dot| dot + 1);
        test.name[..end].to_owned()
    };
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for test in &group.tests {
        *sizes.entry(suite(test)).or_default() += 1;
    }
    let own = own_filter(&group.program);
    let mut chosen: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for test in tests {
        chosen.entry(suite(test)).or_default().push(&test.name);
    }
    let patterns = chosen.iter().flat_map(|(suite, names)| {
        if !own && names.len() > 1 && sizes[suite] == names.len() {
            vec![format!("{}*", escaped(suite))]
        } else {
            names.iter().map(|name| escaped(name)).collect()
        }
    });
    patterns.collect::<Vec<_>>().join(":")
}

/// A filter cannot escape `*`, `:` and `-`. `?` stands for any character, these included. Such
/// names come only from `testing::RegisterTest`.
fn escaped(name: &str) -> String {
    name.replace(['*', ':', '-'], "?")
}

/// The reader of GoogleTest's output.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Whether the lines belong to a message of the running test.
    explains: bool,
}

const MARKS: [(&str, Verdict); 3] = [
    ("[       OK ] ", Verdict::Passed),
    ("[  FAILED  ] ", Verdict::Failed),
    ("[  SKIPPED ] ", Verdict::Skipped),
];

impl Output {
    pub(crate) fn line(&mut self, line: &str, chapters: &mut Chapters) {
        const RUN: &str = "[ RUN      ] ";
        if let Some(verdict) = chapters.open().and_then(|open| verdict(line, open)) {
            chapters.end(verdict);
        } else if let Some(at) = line.find(RUN)
            // Inside of a test, only a line of its own can start another test.
            && (at == 0 || chapters.open().is_none())
            && chapters.knows(&line[at + RUN.len()..])
        {
            self.explains = false;
            chapters.start(&line[at + RUN.len()..]);
        } else {
            self.explains |= line.ends_with(": Failure") || line.ends_with(": Skipped");
            if self.explains {
                chapters.explain(line);
            }
        }
    }
}

/// The verdict in a line, which can follow text that the test printed without a newline.
///
/// The time tells it from the summary and from the test's own words: `(0 ms)`, or
/// `, where GetParam() = 3 (0 ms)`.
fn verdict(line: &str, open: &str) -> Option<Verdict> {
    MARKS.into_iter().find_map(|(mark, verdict)| {
        let found = line.match_indices(mark).any(|(at, _)| {
            let rest = line[at + mark.len()..].strip_prefix(open);
            rest.is_some_and(|rest| {
                (rest.starts_with(" (") || rest.starts_with(", where ")) && rest.contains(" ms)")
            })
        });
        found.then_some(verdict)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wildmatch::WildMatch;

    use super::*;

    proptest! {
        #[test]
        fn a_filter_holds_one_pattern_that_matches_the_name(name in "[a-c*?:.-]{1,12}") {
            let filter = escaped(&name);
            prop_assert!(!filter.contains([':', '-', '*']));
            prop_assert!(WildMatch::new(&filter).matches(&name));
        }
    }
}
