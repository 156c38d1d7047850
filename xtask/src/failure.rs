//! Error messages: what happened, why, what to do; and exit codes.

use std::process::{ExitCode, ExitStatus};

/// A child that failed and reported the reason itself.
#[derive(Debug, thiserror::Error)]
#[error("{what} failed ({status})")]
pub(crate) struct ChildFailed {
    pub(crate) what: String,
    pub(crate) status: ExitStatus,
}

/// Starts the lines of an error that say what to do.
const REMEDY: &str = "what to do: ";

/// Prints an error, remedies last, and returns its exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let text: Vec<String> = error.chain().map(ToString::to_string).collect();
    let (remedies, reasons): (Vec<&str>, Vec<&str>) = text
        .iter()
        .flat_map(|text| text.lines())
        .partition(|line| line.starts_with(REMEDY));
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
