//! Children whose crashes the system describes by itself: nothing is done to them. Not run by its authors yet.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::SystemTime;

use crashrate_postmortem::macos::find_report;
use nix::unistd::Pid;
use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::super::exec::PlainExec;
use super::super::guardian::Guardian;
use super::super::{Reaped, Start, Started, Wait, Watched};
use crate::plan::AttemptSpec;

/// Starts a child by fork and exec, and looks for the system's report when it crashed.
pub struct TracedExec(PlainExec);

impl TracedExec {
    /// With this guardian over its children.
    ///
    /// # Errors
    /// `/dev/null` cannot be opened.
    pub fn new(guardian: Arc<Guardian>) -> io::Result<Self> {
        PlainExec::new(guardian).map(TracedExec)
    }

    /// Whether this way of starting traces processes; asked of a process of our own.
    ///
    /// # Errors
    /// It would, and is not allowed to: why, in words.
    pub fn probe(_guardian: &Guardian) -> Result<bool, String> {
        Ok(false)
    }
}

impl Start for TracedExec {
    fn start(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started> {
        let begun = SystemTime::now();
        let started = self.0.start(spec, slot)?;
        let wait = Box::new(Reported {
            pid: started.pid,
            begun,
            inner: started.wait,
        });
        Ok(Started { wait, ..started })
    }
}

/// Waits for a child, and then for the report of its crash.
struct Reported {
    pid: Pid,
    begun: SystemTime,
    inner: Box<dyn Wait>,
}

impl Reported {
    /// Whether it died by a signal, without reaping it.
    fn crashed(&self) -> bool {
        let Some(pid) = rustix::process::Pid::from_raw(self.pid.as_raw()) else {
            return false;
        };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(pid), options).ok().flatten();
        let signal = status.and_then(|status| status.terminating_signal());
        // No report is written of what somebody else wanted.
        signal.is_some_and(|signal| {
            ![libc::SIGKILL, libc::SIGTERM, libc::SIGINT, libc::SIGHUP].contains(&(signal as i32))
        })
    }
}

impl Wait for Reported {
    fn fd(&mut self) -> io::Result<BorrowedFd<'_>> {
        self.inner.fd()
    }

    fn ended(&mut self) -> io::Result<bool> {
        self.inner.ended()
    }

    fn finish(&mut self) -> Watched {
        let crash = match self.crashed() {
            true => find_report(self.pid.as_raw(), self.begun),
            false => None,
        };
        Watched {
            crash: crash.map(Box::new),
            ..self.inner.finish()
        }
    }

    fn reap(&mut self) -> io::Result<Reaped> {
        self.inner.reap()
    }
}
