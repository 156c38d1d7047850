//! Error messages: what happened, why, what to do; and exit codes.

use std::fmt;
use std::io;
use std::process::{ExitCode, ExitStatus};

/// A child that failed and reported the reason itself.
#[derive(Debug)]
pub(crate) struct ChildFailed {
    pub(crate) what: String,
    pub(crate) status: ExitStatus,
}

impl fmt::Display for ChildFailed {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} failed ({})", self.what, self.status)
    }
}

impl std::error::Error for ChildFailed {}

/// Starts the lines of an error that say what to do.
const REMEDY: &str = "what to do: ";

/// Prints an error, remedies last, and returns its exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let text: Vec<String> = error.chain().map(ToString::to_string).collect();
    let (mut remedies, reasons): (Vec<&str>, Vec<&str>) = text
        .iter()
        .flat_map(|text| text.lines())
        .partition(|line| line.starts_with(REMEDY));
    if error.chain().any(is_full_disk) {
        remedies.push("what to do: free some space on that disk, then run this again");
    }
    for (number, line) in reasons.into_iter().chain(remedies).enumerate() {
        eprintln!("{}{line}", if number == 0 { "error: " } else { "  " });
    }
    match error.downcast_ref::<ChildFailed>() {
        Some(child) => code_of(child.status),
        None => ExitCode::FAILURE,
    }
}

/// The exit code of a child; 1 if a signal killed it.
pub(crate) fn code_of(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    ExitCode::from(code.unwrap_or(1))
}

fn is_full_disk(cause: &(dyn std::error::Error + 'static)) -> bool {
    let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
    matches!(
        kind,
        Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    )
}
