//! Spawns children untraced, and reads the system's reports of their crashes. Not run by its
//! authors yet.

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
use crate::process::wait::{ChildWait, rustix_pid};
use crate::process::{Reaped, Start, Started, Wait, Watched};

/// Starts children by fork and exec. Finds the system's report of a crash.
pub struct Starter(Launcher);

impl Starter {
    /// Registers its children with this guardian. Hangs are not captured here.
    ///
    /// # Errors
    /// `/dev/null` cannot be opened.
    pub fn new(guardian: Arc<Guardian>, _captures_hangs: bool) -> io::Result<Self> {
        Launcher::new(guardian).map(Starter)
    }
}

/// Always an error.
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
            child: ChildWait::new(spawned.pid),
        };
        Ok(Started::executed(spawned, Box::new(wait)))
    }
}

/// Waits for a child and the report of its crash.
struct Reported {
    pid: Pid,
    begun: SystemTime,
    child: ChildWait,
}

impl Reported {
    /// The signal that killed it, if any. Does not reap it.
    fn signal(&self) -> Option<i32> {
        let pid = rustix_pid(self.pid).ok()?;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(pid), options).ok().flatten()?;
        status.terminating_signal().map(|signal| signal as i32)
    }
}

impl Wait for Reported {
    fn exit_fd(&mut self) -> io::Result<Option<BorrowedFd<'_>>> {
        self.child.exit_fd()
    }

    fn has_ended(&mut self) -> io::Result<bool> {
        self.child.has_ended()
    }

    fn stop_watching(&mut self) -> Watched {
        let pid = self.pid.as_raw();
        let crash = match self.signal() {
            // The system reports no deaths by such signals, except its own SIGKILL for an invalid
            // code signature.
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
        self.child.reap()
    }
}
