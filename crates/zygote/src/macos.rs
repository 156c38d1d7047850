//! macOS: nothing is forked there. Its own libraries do not work in a forked child that does not execute.

use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::time::Duration;

use crate::wire::Reply;

/// One end of the socket between crashrate and a zygote; there is none here.
#[derive(Debug)]
pub enum Control {}

impl Control {
    /// Two ends.
    ///
    /// # Errors
    /// Always.
    pub fn pair() -> io::Result<(Control, OwnedFd)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Sends a packet with these descriptors.
    ///
    /// # Errors
    /// The other end is gone, or the packet is too large.
    pub fn send(&self, _packet: &[u8], _descriptors: &[RawFd]) -> io::Result<()> {
        match *self {}
    }

    /// The next answer.
    ///
    /// # Errors
    /// The other end is gone, it is no answer, or it took too long.
    pub fn reply(&self, _within: Duration) -> io::Result<Reply> {
        match *self {}
    }
}

/// Runs one attempt.
pub(super) fn serve(_warm_up: impl FnOnce(), run: impl FnOnce() -> i32) -> i32 {
    run()
}
