//! The exit codes, and why the worker could not do its task.

use std::fmt;

use crate::event_sink::ReceiverGone;

/// Every chapter passed, or the reference agrees.
pub(crate) const PASSED: u8 = 0;
/// A chapter failed, or the reference disagrees.
pub(crate) const FAILED: u8 = 1;
/// The task, the command line or a file is wrong; nothing was run.
pub(crate) const USAGE: u8 = 2;
/// The requested device is not available; nothing was run.
pub(crate) const UNAVAILABLE: u8 = 3;
/// The receiver of events or output is gone; the rest was not run.
pub(crate) const RECEIVER_GONE: u8 = 4;

/// Why the worker could not do its task.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The request is wrong.
    Usage(String),
    /// The device is not available.
    Unavailable(String),
    /// The receiver is gone.
    ReceiverGone(ReceiverGone),
}

impl Refusal {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Refusal::Usage(_) => USAGE,
            Refusal::Unavailable(_) => UNAVAILABLE,
            Refusal::ReceiverGone(_) => RECEIVER_GONE,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Usage(text) => f.write_str(text),
            Refusal::Unavailable(text) => write!(f, "the device is not available: {text}"),
            Refusal::ReceiverGone(error) => error.fmt(f),
        }
    }
}

impl From<ReceiverGone> for Refusal {
    fn from(error: ReceiverGone) -> Self {
        Refusal::ReceiverGone(error)
    }
}
