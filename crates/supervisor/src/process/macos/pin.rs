//! Pinning attempts to a processor core, which macOS does not offer.

use std::io;

/// Whether processes can be pinned to a core.
pub const PINS: bool = false;

/// A set of one core. There is none.
#[derive(Clone, Copy)]
pub(in crate::process) enum Pin {}

impl Pin {
    /// Always an error.
    pub(in crate::process) fn new(_number: u64) -> io::Result<Pin> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Cannot be called.
    pub(in crate::process) fn set(&self) -> io::Result<()> {
        match *self {}
    }
}
