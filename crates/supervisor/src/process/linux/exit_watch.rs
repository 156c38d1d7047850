//! Polling for the end of a process, with a pidfd.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::unistd::Pid;
use rustix::io::Errno;
use rustix::process::{PidfdFlags, pidfd_open};

use crate::process::child::rustix_pid;

/// Becomes readable when a process ends.
pub(in crate::process) struct ExitWatch(OwnedFd);

impl ExitWatch {
    /// Of a process that cannot have been reaped. `None` where there are no pidfds: Linux before
    /// 5.3, and containers whose seccomp profile refuses them.
    pub(in crate::process) fn of(pid: Pid) -> io::Result<Option<Self>> {
        match pidfd_open(rustix_pid(pid)?, PidfdFlags::empty()) {
            Ok(fd) => Ok(Some(ExitWatch(fd))),
            Err(error @ (Errno::MFILE | Errno::NFILE | Errno::SRCH | Errno::NOMEM)) => {
                Err(error.into())
            }
            Err(_) => Ok(None),
        }
    }

    pub(in crate::process) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
