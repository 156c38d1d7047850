//! Pinning attempts to processors, which macOS does not offer.

use std::io;

/// Whether processes can be pinned.
pub const PINS: bool = false;

/// A set of processors. There is none.
#[derive(Clone, Copy)]
pub(in crate::process) struct Pin;

/// None: no process can be pinned.
pub fn cpus() -> Vec<u32> {
    Vec::new()
}

impl Pin {
    /// No processors.
    pub(in crate::process) fn new(_cpus: &[u32]) -> Pin {
        Pin
    }

    /// Always an error.
    pub(in crate::process) fn set(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
