//! Spawns children untraced, and reads the system's reports of their crashes. Not run by its
//! authors yet.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use crashrate_postmortem::macos::{find_code_signing_report, find_report};
use nix::unistd::Pid;
use rustix::process::WaitIdOptions;

use crate::plan::AttemptSpec;
use crate::process::child::{StackCapture, Start, Started, Wait, peek};
use crate::process::exec::Launcher;
use crate::process::guardian::Guardian;
use crate::process::watched::Watched;

/// Starts children by fork and exec: macOS has no zygotes, because its system libraries do not work
/// in a forked child before exec. Finds the system's report of a crash.
pub struct Starter(Launcher);

impl Starter {
    /// Registers its children with this guardian. Hangs are not captured here.
    ///
    /// # Errors
    /// `/dev/null` cannot be opened.
    pub fn new(guardian: Arc<Guardian>, _capture: StackCapture) -> io::Result<Self> {
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
        let process = self.0.spawn(spec, slot, None)?;
        Ok(Started::executed(process, Box::new(Reported { begun })))
    }
}

/// Waits for a child and the report of its crash.
struct Reported {
    begun: SystemTime,
}

/// The signal that killed a child, if any. Does not reap it.
fn killed_by(pid: Pid) -> Option<i32> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    let status = peek(pid, options).ok()??;
    status.terminating_signal().map(|signal| signal as i32)
}

impl Wait for Reported {
    fn stop_watching(&mut self, pid: Pid) -> Watched {
        let killed_by = killed_by(pid);
        let pid = pid.as_raw();
        let crash = match killed_by {
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
}
