//! There are no zygotes on macOS: its system libraries do not work in a forked child before exec.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex};

use crashrate_zygote::Attempt;
use nix::unistd::Pid;

use crate::process::guardian::Guardian;
use crate::process::limits::Rlimits;
use crate::process::zygote_pool::{ForkError, ForkWatch, ZygoteKey};
use crate::process::{Reaped, Watched};

/// Whether processes can be forked at all.
pub(in crate::process) const CAN_FORK: bool = false;

/// Has no values.
pub(in crate::process) enum Zygote {}

impl Zygote {
    pub(in crate::process) fn start(
        _key: &ZygoteKey,
        _guardian: &Arc<Guardian>,
        _watch: ForkWatch,
        _pids: &Arc<Mutex<BTreeSet<i32>>>,
    ) -> io::Result<Zygote> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "processes are forked on Linux only",
        ))
    }

    pub(in crate::process) fn children(&self) -> u32 {
        match *self {}
    }

    pub(in crate::process) fn fork(
        &mut self,
        _attempt: &Attempt,
        _descriptors: [BorrowedFd<'_>; 5],
    ) -> Result<Pid, ForkError> {
        match *self {}
    }

    pub(in crate::process) fn limit(_pid: Pid, _limits: Rlimits) -> io::Result<()> {
        Ok(())
    }

    pub(in crate::process) fn capture_hang(&mut self) {
        match *self {}
    }

    pub(in crate::process) fn stop_watching(&mut self) -> Watched {
        match *self {}
    }

    pub(in crate::process) fn reap(&mut self) -> Result<Reaped, String> {
        match *self {}
    }

    pub(in crate::process) fn how_it_died(&mut self) -> String {
        match *self {}
    }
}

/// Whether there may be a CUDA device.
pub(in crate::process) fn has_cuda() -> bool {
    false
}
