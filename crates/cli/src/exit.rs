//! The exit codes, and failures on their way to one.

use std::fmt::Display;
use std::process::ExitCode;

use crate::screen::{tell, tell_lines};

/// How the program ends. Part of its interface: the numbers do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Complete, and nothing but `passed`.
    Passed = 0,
    /// There was nothing to run.
    NothingToRun = 4,
    /// The command line or the suite is wrong.
    Usage = 96,
    /// Complete, and something was not `passed`.
    NotPassed = 100,
    /// Interrupted, rounds were not started, or a result was lost and all others passed.
    Incomplete = 106,
    /// The journal, or the output, could not be written.
    Journal = 110,
    /// A gate was refuted.
    Refuted = 120,
    /// Something had no verdict when the budget was used up.
    Undecided = 121,
}

/// The exit codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
    0  complete, nothing but passed; with gates: every rate is shown to be below its limit
    4  nothing to run
   96  the command line, the suite or the run that it names is wrong
  100  complete, something was not passed
  106  incomplete: interrupted, rounds were not started, or the result of a round was lost and all
       others passed (a gate counts lost rounds as bad and speaks for its unit)
  110  the journal, or the output, could not be written
  120  a rate is shown to be above its gate
  121  a comparison or a gate had no verdict when the rounds or the time for them were used up
--report-only turns 100, 120 and 121 into 0.";

impl Exit {
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// What went wrong, in one message, and how the program ends because of it.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    /// Whether the message has several lines of its own. In others a line end comes from a name, and is written out.
    has_lines: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Failure {
            exit,
            message: message.to_string(),
            has_lines: false,
        }
    }

    /// Wrong command line, suite, run or worker.
    pub(crate) fn usage(message: impl Display) -> Self {
        Failure::new(Exit::Usage, message)
    }

    /// The same, with a message of several lines.
    pub(crate) fn with_lines(self) -> Self {
        Failure {
            has_lines: true,
            ..self
        }
    }

    /// What went wrong.
    pub(crate) fn message(self) -> String {
        self.message
    }

    /// Says it on standard error.
    pub(crate) fn tell(self) -> Exit {
        let text = format!("error: {}", self.message);
        match self.has_lines {
            true => tell_lines(&text),
            false => tell(text),
        }
        self.exit
    }
}
