//! The exit codes, and failures with the exit code that each leads to.

use std::fmt::{Display, Write as _};
use std::io;

use crashrate_report::{ExitClass, View, exit_class};
use crashrate_supervisor::journal::FolderError;
use crashrate_supervisor::plan_file::PlanFileError;
use crashrate_supervisor::runner::RunError;
use crashrate_supervisor::suite::SuiteError;

/// How the program ends. The numbers are part of its interface and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Passed = 0,
    NothingToRun = 4,
    Usage = 96,
    NotPassed = 100,
    Incomplete = 106,
    Journal = 110,
    Refuted = 120,
    Undecided = 121,
}

impl Exit {
    /// The exit of a run of rounds.
    pub(crate) fn of(view: &View) -> Exit {
        match exit_class(view) {
            ExitClass::Incomplete => Exit::Incomplete,
            ExitClass::Refuted => Exit::Refuted,
            ExitClass::Undecided => Exit::Undecided,
            ExitClass::NotPassed => Exit::NotPassed,
            ExitClass::Passed => Exit::Passed,
        }
    }

    /// The exit with `--report-only`: only an incomplete run fails.
    pub(crate) fn of_report_only(self) -> Exit {
        match self {
            Exit::NotPassed | Exit::Refuted | Exit::Undecided => Exit::Passed,
            other => other,
        }
    }

    /// Every exit, with its meaning.
    pub(crate) const ALL: [(Exit, &'static str); 8] = [
        (
            Exit::Passed,
            "complete, and every round passed; with gates: every gate was shown",
        ),
        (Exit::NothingToRun, "nothing to run"),
        (Exit::Usage, "wrong command line, suite or run"),
        (Exit::NotPassed, "complete, and something did not pass"),
        (
            Exit::Incomplete,
            "incomplete: interrupted, rounds not started, shards missing, or a result lost",
        ),
        (
            Exit::Journal,
            "the journal or the output could not be written",
        ),
        (
            Exit::Refuted,
            "a gate was refuted: the rate is above its limit",
        ),
        (
            Exit::Undecided,
            "a gate or a comparison was undecided at the end of the run",
        ),
    ];
}

/// The exit codes, a line for each.
pub(crate) fn exit_codes() -> String {
    let mut text = "Exit codes:\n".to_owned();
    for (exit, meaning) in Exit::ALL {
        let _ = writeln!(text, "  {:>3}  {meaning}", exit as u8);
    }
    text
}

/// What went wrong, and how the program ends because of it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    /// Whether the message has several lines. In other messages a line end comes from a name and is
    /// escaped.
    pub(crate) has_lines: bool,
    /// Whether the only problem is a program of the suite that is not on this machine.
    pub(crate) is_of_absent_program: bool,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Failure {
            exit,
            message: message.to_string(),
            has_lines: false,
            is_of_absent_program: false,
        }
    }

    /// A wrong command line, suite, run or worker.
    pub(crate) fn usage(message: impl Display) -> Self {
        Failure::new(Exit::Usage, message)
    }
}

impl From<SuiteError> for Failure {
    fn from(error: SuiteError) -> Failure {
        let exit = match error {
            SuiteError::Empty { .. } | SuiteError::NoTests(_) => Exit::NothingToRun,
            _ => Exit::Usage,
        };
        Failure {
            // The message quotes lines of the suite file.
            has_lines: true,
            is_of_absent_program: error.is_of_absent_program(),
            ..Failure::new(exit, error)
        }
    }
}

impl From<FolderError> for Failure {
    fn from(error: FolderError) -> Failure {
        let exit = match error {
            FolderError::Taken { .. } | FolderError::NoNumber { .. } => Exit::Usage,
            _ => Exit::Journal,
        };
        Failure::new(exit, error)
    }
}

impl From<PlanFileError> for Failure {
    fn from(error: PlanFileError) -> Failure {
        let exit = match &error {
            PlanFileError::Unwritten { .. } => Exit::Journal,
            PlanFileError::Unreadable { source, .. } if is_of_disk(source) => Exit::Journal,
            _ => Exit::Usage,
        };
        Failure::new(exit, error)
    }
}

/// Whether the disk failed. A missing folder or missing rights are a wrong command line.
fn is_of_disk(error: &io::Error) -> bool {
    use io::ErrorKind;
    !matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::PermissionDenied
            | ErrorKind::InvalidData
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidFilename
    )
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        let exit = match &error {
            // The journal of an earlier run is an input of a resumed one.
            RunError::Journal(error) if error.is_of_reading() => Exit::Usage,
            RunError::Journal(_) | RunError::Folder { .. } => Exit::Journal,
            RunError::SetUp(_) | RunError::SlotPanicked { .. } => Exit::Incomplete,
            RunError::Rule(_) | RunError::Replaced(_) => Exit::Usage,
        };
        Failure::new(exit, error)
    }
}
