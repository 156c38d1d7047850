//! How a failure is told: what happened, why, what to do; and the exit code.

use std::fmt;
use std::io;
use std::process::{ExitCode, ExitStatus};

/// A program that we called has failed and said so itself; all that is left is its exit code.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) what: String,
    pub(crate) status: ExitStatus,
}

impl fmt::Display for Called {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} failed ({})", self.what, self.status)
    }
}

impl std::error::Error for Called {}

/// Begins the lines of an error that tell the user what to do.
const REMEDY: &str = "what to do: ";

/// Prints a failure on standard error, what to do about it last, and gives the exit code for it.
pub(crate) fn tell(error: &anyhow::Error) -> ExitCode {
    let text: Vec<String> = error.chain().map(ToString::to_string).collect();
    let (mut remedies, reasons): (Vec<&str>, Vec<&str>) = text
        .iter()
        .flat_map(|text| text.lines())
        .partition(|line| line.starts_with(REMEDY));
    if error.chain().any(is_full_disk) {
        remedies.push(
            "what to do: free some space on that disk, then give the same command again. \
             What was fetched whole is not fetched twice",
        );
    }
    for (number, line) in reasons.into_iter().chain(remedies).enumerate() {
        eprintln!("{}{line}", if number == 0 { "error: " } else { "  " });
    }
    match error.downcast_ref::<Called>() {
        Some(called) => code_of(called.status),
        None => ExitCode::FAILURE,
    }
}

/// The exit code that hands on how a called program ended; 1 where it was killed.
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
