//! macOS: nothing is forked. Apple's libraries do not work in a forked child that does not exec.

use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::time::Duration;

use crate::wire::Reply;

/// Never exists on macOS.
#[derive(Debug)]
pub enum Control {}

impl Control {
    /// Creates the two ends.
    ///
    /// # Errors
    /// Always.
    pub fn pair() -> io::Result<(Control, OwnedFd)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Sends a packet with descriptors.
    ///
    /// # Errors
    /// The other end is closed, or the packet is too long.
    pub fn send(&self, _packet: &[u8], _descriptors: &[RawFd]) -> io::Result<()> {
        match *self {}
    }

    /// Receives the next answer.
    ///
    /// # Errors
    /// The other end is closed, the packet is not an answer, or none came in time.
    pub fn reply(&self, _within: Duration) -> io::Result<Reply> {
        match *self {}
    }
}

/// Nothing: macOS has no parent-death signal. The guardian kills children of a dead supervisor.
pub fn die_with(_parent: u32) {}

pub(super) fn serve(_warm_up: impl FnOnce(), run: impl FnOnce() -> i32) -> i32 {
    run()
}
