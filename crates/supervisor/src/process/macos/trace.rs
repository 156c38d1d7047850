//! Children whose crashes the system describes by itself: nothing is done to them. Not run by its authors yet.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::SystemTime;

use crashrate_postmortem::macos::{find_code_signing_report, find_report};
use nix::unistd::Pid;
use rustix::process::{WaitId, WaitIdOptions, waitid};

use crate::plan::AttemptSpec;
use crate::process::exec::Launcher;
use crate::process::guardian::Guardian;
use crate::process::wait::ChildWait;
use crate::process::{Reaped, Start, Started, Wait, Watched};

/// Starts a child by fork and exec, and looks for the system's report when it crashed.
pub struct Starter(Launcher);

impl Starter {
    /// With this guardian over its children. Hangs are not captured here.
    ///
    /// # Errors
    /// `/dev/null` cannot be opened.
    pub fn new(guardian: Arc<Guardian>, _captures_hangs: bool) -> io::Result<Self> {
        Launcher::new(guardian).map(Starter)
    }
}

/// Never, and none needs to be.
pub(in crate::process) fn can_trace(_pid: Pid) -> Result<(), String> {
    Err("there is no tracer for macOS; its own crash reports are read".to_owned())
}

impl Start for Starter {
    fn start(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started> {
        let begun = SystemTime::now();
        let spawned = self.0.spawn(spec, slot, || Ok(()), || Ok(()))?;
        let wait = Reported {
            pid: spawned.pid,
            begun,
            exec: ChildWait::new(spawned.pid),
        };
        Ok(Started::executed(spawned, Box::new(wait)))
    }
}

/// Waits for a child, and then for the report of its crash.
struct Reported {
    pid: Pid,
    begun: SystemTime,
    exec: ChildWait,
}

impl Reported {
    /// The signal that ended it, if one did; it is not reaped by that.
    fn signal(&self) -> Option<i32> {
        let pid = rustix::process::Pid::from_raw(self.pid.as_raw())?;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(pid), options).ok().flatten()?;
        status.terminating_signal().map(|signal| signal as i32)
    }
}

impl Wait for Reported {
    fn exit_fd(&mut self) -> io::Result<Option<BorrowedFd<'_>>> {
        self.exec.exit_fd()
    }

    fn has_ended(&mut self) -> io::Result<bool> {
        self.exec.has_ended()
    }

    fn stop_watching(&mut self) -> Watched {
        let pid = self.pid.as_raw();
        let crash = match self.signal() {
            // No report is written of what somebody else wanted, except that the system itself kills by SIGKILL what has
            // an invalid code signature.
            None | Some(libc::SIGTERM | libc::SIGINT | libc::SIGHUP) => None,
            Some(libc::SIGKILL) => find_code_signing_report(pid, self.begun),
            Some(_) => find_report(pid, self.begun),
        };
        Watched {
            crash: crash.map(Box::new),
            ..Watched::default()
        }
    }

    fn reap(&mut self) -> io::Result<Reaped> {
        self.exec.reap()
    }
}
