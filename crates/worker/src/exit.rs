//! The exit codes, and why the worker could not do its task.

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
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The request is wrong.
    #[error("{0}")]
    Usage(String),
    /// The device is not available.
    #[error("the device is not available: {0}")]
    Unavailable(String),
    /// The receiver is gone.
    #[error(transparent)]
    ReceiverGone(#[from] ReceiverGone),
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
