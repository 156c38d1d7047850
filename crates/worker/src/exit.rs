//! How the worker ends: documented exit codes, and why it could not do what it was told.

use std::fmt;

use crate::event_sink::Unheard;

/// Every chapter passed, or the reference agrees.
pub(crate) const PASSED: u8 = 0;
/// A chapter failed, or the reference does not agree.
pub(crate) const FAILED: u8 = 1;
/// The task, the command line or a file is wrong: nothing was run.
pub(crate) const USAGE: u8 = 2;
/// The device that was asked for is not there: nothing was run.
pub(crate) const UNAVAILABLE: u8 = 3;
/// Nobody takes the events, or what is printed: the rest was not run.
pub(crate) const UNHEARD: u8 = 4;

/// Why the worker could not do what it was told.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// What it was told is wrong.
    Usage(String),
    /// The device is not there.
    Unavailable(String),
    /// Nobody listens.
    Unheard(Unheard),
}

impl Refusal {
    /// The exit code for it.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Refusal::Usage(_) => USAGE,
            Refusal::Unavailable(_) => UNAVAILABLE,
            Refusal::Unheard(_) => UNHEARD,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Usage(text) => f.write_str(text),
            Refusal::Unavailable(text) => write!(f, "the device is not available: {text}"),
            Refusal::Unheard(error) => error.fmt(f),
        }
    }
}

impl From<Unheard> for Refusal {
    fn from(error: Unheard) -> Self {
        Refusal::Unheard(error)
    }
}
