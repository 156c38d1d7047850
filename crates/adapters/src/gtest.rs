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
        let text = output.text();
        let tests = parse_list(&text, disabled);
        let group = Group {
            framework: GTEST,
            name: None,
            program,
            tests: tests.into_iter().map(Test::named).collect(),
        };
        Ok(TestList::done(vec![group], Vec::from_iter(left_out(&text))))
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

/// A note about the first suite with a blank in its name, which looks like a sentence that the
/// program prints.
fn left_out(text: &str) -> Option<String> {
    let lines = Vec::from_iter(text.lines());
    let suite = lines.windows(2).find_map(|pair| {
        let is_suite =
            !pair[0].starts_with(' ') && pair[0].ends_with('.') && pair[1].starts_with("  ");
        (is_suite && pair[0].contains(' ')).then_some(pair[0])
    });
    suite.map(|suite| {
        format!("the tests of `{suite}` are left out: their suite has a blank in its name")
    })
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
    /// Whether a verdict has begun whose parameter is printed in several lines.
    unfinished: bool,
}

const MARKS: [(&str, Verdict); 3] = [
    ("[       OK ] ", Verdict::Passed),
    ("[  FAILED  ] ", Verdict::Failed),
    ("[  SKIPPED ] ", Verdict::Skipped),
];

impl Output {
    pub(crate) fn line(&mut self, line: &str, chapters: &mut Chapters) {
        if let Some(open) = chapters.open() {
            let verdict = verdict(line, open);
            if self.unfinished && line.ends_with(" ms)") {
                self.end(Verdict::Failed, chapters);
            } else if let Some(verdict) = verdict {
                self.end(verdict, chapters);
            } else {
                self.unfinished |= begins_verdict(line, open);
                self.explains |= line.ends_with(": Failure") || line.ends_with(": Skipped");
                if self.explains {
                    chapters.explain(line);
                }
            }
        } else if let Some(name) = started(line).filter(|name| chapters.knows(name)) {
            chapters.start(name);
        } else if let Some(last) = chapters.last()
            && verdict(line, last) == Some(Verdict::Failed)
        {
            // The verdict before was the test's own text.
            chapters.reopen();
            chapters.end(Verdict::Failed);
        }
    }

    fn end(&mut self, verdict: Verdict, chapters: &mut Chapters) {
        *self = Output::default();
        chapters.end(verdict);
    }
}

/// The name of a test that starts, also behind text without a newline.
///
/// GoogleTest starts no test before it has printed the verdict of the one before. So this line is
/// text of a test while that test is open.
fn started(line: &str) -> Option<&str> {
    const RUN: &str = "[ RUN      ] ";
    line.find(RUN).map(|at| &line[at + RUN.len()..])
}

/// The verdict in a line, which can follow text that the test printed without a newline.
///
/// The time tells it from the summary and from the test's own words: `(0 ms)`, or
/// `, where GetParam() = 3 (0 ms)`. A parameter can hold such text, so the first mark counts.
fn verdict(line: &str, open: &str) -> Option<Verdict> {
    if !line.ends_with(" ms)") {
        return None;
    }
    let found = MARKS.into_iter().filter_map(|(mark, verdict)| {
        let found = line.match_indices(mark).find(|(at, _)| {
            let rest = line[at + mark.len()..].strip_prefix(open);
            rest.is_some_and(|rest| rest.starts_with(" (") || rest.starts_with(", where "))
        });
        found.map(|(at, _)| (at, verdict))
    });
    found.min_by_key(|(at, _)| *at).map(|(_, verdict)| verdict)
}

/// Whether a line begins the verdict of a failed test whose parameter is printed in several lines.
fn begins_verdict(line: &str, open: &str) -> bool {
    let rest = line.strip_prefix("[  FAILED  ] ");
    let rest = rest.and_then(|rest| rest.strip_prefix(open));
    rest.is_some_and(|rest| rest.starts_with(", where "))
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
