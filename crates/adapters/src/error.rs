//! What can go wrong, in words for people.

use thiserror::Error;

use crate::Framework;
use crate::process::{Invocation, Output};

/// The tests could not be listed.
#[derive(Debug, Error)]
pub enum ListError {
    /// The command is not one that the framework's adapter understands.
    #[error("from = \"{framework}\": {problem}")]
    Command {
        /// The framework.
        framework: Framework,
        /// The problem, and what to write instead.
        problem: String,
    },
    /// A process that lists or builds tests failed.
    #[error("{framework}: `{command}` {ended}{}", indented(.output))]
    Failed {
        /// The framework.
        framework: Framework,
        /// The command, as one would type it.
        command: String,
        /// How it ended.
        ended: String,
        /// The last lines of what it printed.
        output: String,
    },
    /// A process ended well, but its output is not a list of tests.
    #[error("{framework}: `{command}` did not print a list of tests: {problem}")]
    Unreadable {
        /// The framework.
        framework: Framework,
        /// The command, as one would type it.
        command: String,
        /// What is wrong with the output.
        problem: String,
    },
    /// A test is declared in a way that cannot be run.
    #[error("{framework}: test `{test}` {problem}")]
    Test {
        /// The framework.
        framework: Framework,
        /// The test's name.
        test: String,
        /// The problem.
        problem: String,
    },
}

/// Tests cannot be run in one process in the way that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SequenceError {
    /// The framework starts a process for each test.
    #[error("{0} runs each test in a process of its own: use isolated mode")]
    Isolated(Framework),
    /// The framework has no way to run tests in this order.
    #[error("{framework} cannot run tests in {order} order: {possible}")]
    Order {
        /// The framework.
        framework: Framework,
        /// The order.
        order: &'static str,
        /// The orders that it can do.
        possible: &'static str,
    },
    /// The names do not fit on a command line.
    #[error(
        "the names of the {tests} tests do not fit on {framework}'s command line ({bytes} bytes; \
         the limit is {limit}): select fewer tests, or all of them"
    )]
    TooLong {
        /// The framework.
        framework: Framework,
        /// How many tests were chosen.
        tests: usize,
        /// The length that they would need.
        bytes: usize,
        /// The greatest length.
        limit: usize,
    },
}

/// A selection that does not fit the list of tests.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SelectError {
    /// A pattern matches no test.
    #[error("select: no test matches `{0}`; `crashrate list` shows the names")]
    Unmatched(String),
    /// Nothing is left.
    #[error("select: the patterns exclude every test")]
    Empty,
}

impl ListError {
    pub(crate) fn failed(framework: Framework, process: &Invocation, output: &Output) -> ListError {
        let ended = match output.exit {
            Some(code) => format!("failed with exit code {code}"),
            None => "was killed by a signal".to_owned(),
        };
        // Most tools explain themselves on standard error, pytest on standard output.
        let text = if output.stderr.trim_ascii().is_empty() {
            &output.stdout
        } else {
            &output.stderr
        };
        ListError::Failed {
            framework,
            command: process.to_string(),
            ended,
            output: last_lines(&String::from_utf8_lossy(text)),
        }
    }

    pub(crate) fn unreadable(
        framework: Framework,
        process: &Invocation,
        problem: impl ToString,
    ) -> ListError {
        ListError::Unreadable {
            framework,
            command: process.to_string(),
            problem: problem.to_string(),
        }
    }
}

/// The last lines that fit on a terminal. A stack that Python printed is shown from its beginning,
/// where the innermost frames are.
fn last_lines(text: &str) -> String {
    const LINES: usize = 20;
    let lines: Vec<&str> = text.trim().lines().collect();
    let stack = lines
        .iter()
        .position(|line| line.starts_with("Fatal Python error: "));
    let first = stack.unwrap_or(lines.len().saturating_sub(LINES));
    let last = lines.len().min(first + LINES);
    lines[first..last].join("\n")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("\n    {line}")).collect()
}
