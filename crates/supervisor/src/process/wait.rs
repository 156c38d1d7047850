//! Waiting for a child and reaping it.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crashrate_model::{Exit, Usage};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use rustix::process::{WaitId, WaitIdOptions, WaitIdStatus, waitid};

use super::platform::{self, ExitWatch};
use super::watched::Watched;

/// Waits for the end of a child. Belongs to the thread that started it.
pub trait Wait {
    /// A descriptor that becomes readable when the child may have ended. `None` where the system
    /// has none and the caller must poll [`Wait::has_ended`]. Opened at the first call, so that
    /// short attempts never pay for it.
    ///
    /// # Errors
    /// It could not be opened.
    fn exit_fd(&mut self) -> io::Result<Option<BorrowedFd<'_>>>;

    /// Whether the child has ended. Does not reap it: its pid, and so its group's, stays taken.
    ///
    /// # Errors
    /// The system call failed.
    fn has_ended(&mut self) -> io::Result<bool>;

    /// Blocks until the child has ended, at most for `limit`, and returns whether it has. May
    /// return early, or at once where nothing is cheaper than [`Wait::exit_fd`].
    ///
    /// # Errors
    /// The system call failed.
    fn ends_within(&mut self, _limit: Duration) -> io::Result<bool> {
        Ok(false)
    }

    /// Records the stacks of the child and its descendants, which are about to be killed at their
    /// time limit.
    fn capture_hang(&mut self) {}

    /// Stops watching the child, which has ended or is given up. A tracer kills all descendants.
    fn stop_watching(&mut self) -> Watched {
        Watched::default()
    }

    /// Reaps the child, which has ended.
    ///
    /// # Errors
    /// The system call failed.
    fn reap(&mut self) -> io::Result<Reaped>;
}

/// The exit of a child that was reaped.
#[derive(Clone, Debug)]
pub struct Reaped {
    /// How it ended.
    pub exit: Exit,
    /// What it used, as the kernel accounts it.
    pub usage: Usage,
}

/// Waits for a child of this process that is not traced.
pub(super) struct ChildWait {
    pid: Pid,
    watch: Option<ExitWatch>,
}

impl ChildWait {
    pub(super) fn new(pid: Pid) -> ChildWait {
        ChildWait { pid, watch: None }
    }
}

impl Wait for ChildWait {
    fn exit_fd(&mut self) -> io::Result<Option<BorrowedFd<'_>>> {
        if self.watch.is_none() {
            self.watch = ExitWatch::of(self.pid)?;
        }
        Ok(self.watch.as_ref().map(ExitWatch::as_fd))
    }

    fn has_ended(&mut self) -> io::Result<bool> {
        has_ended(self.pid)
    }

    fn ends_within(&mut self, limit: Duration) -> io::Result<bool> {
        platform::ends_within(self.pid, limit)
    }

    fn reap(&mut self) -> io::Result<Reaped> {
        reap(self.pid)
    }
}

/// Whether a child of this process has ended. Does not reap it.
pub(super) fn has_ended(pid: Pid) -> io::Result<bool> {
    peek_end(pid, WaitIdOptions::NOHANG)
}

/// Waits until a child of this process has ended. Returns whether it has; it may not have with
/// `NOHANG`, or if it is traced and has stopped.
///
/// Only peeks (`WNOWAIT`): consuming an event would hide it from the tracer.
///
/// # Errors
/// [`io::ErrorKind::Interrupted`] at a signal.
pub(super) fn peek_end(pid: Pid, options: WaitIdOptions) -> io::Result<bool> {
    let options = options | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    // A ptrace stop of a tracee shows up here as well, although only WEXITED is asked for.
    let is_end = |s: &WaitIdStatus| s.exited() || s.killed() || s.dumped();
    let status = waitid(WaitId::Pid(rustix_pid(pid)?), options)?;
    Ok(status.as_ref().is_some_and(is_end))
}

/// The name of the signal that has stopped a child, unless it is traced. Leaves the state for
/// other waiters.
pub(super) fn stopped_by(pid: Pid) -> Option<String> {
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(rustix_pid(pid).ok()?), options)
        .ok()
        .flatten()?;
    status.stopping_signal().map(signal_name)
}

pub(super) fn rustix_pid(pid: Pid) -> io::Result<rustix::process::Pid> {
    rustix::process::Pid::from_raw(pid.as_raw()).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// Reaps a child that has ended.
pub(super) fn reap(pid: Pid) -> io::Result<Reaped> {
    let mut status = 0;
    // SAFETY: all fields of the structure are plain numbers, for which zero is a value.
    let mut used: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to locals of the right types that outlive the call.
    while unsafe { libc::wait4(pid.as_raw(), &mut status, 0, &mut used) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let exit = exit_of(status);
    tracing::debug!(pid = pid.as_raw(), ?exit, "reaped");
    let secs = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Ok(Reaped {
        exit,
        usage: Usage {
            cpu_secs: secs(used.ru_utime) + secs(used.ru_stime),
            peak_bytes: u64::try_from(used.ru_maxrss).unwrap_or(0) * platform::MAXRSS_UNIT,
            at_most: may_be_own_peak(used.ru_maxrss),
        },
    })
}

/// Whether a child's peak memory may be that of this program. Until its exec the child ran in this
/// program's memory, and the kernel counts that.
fn may_be_own_peak(peak: libc::c_long) -> bool {
    // The peak never falls, so a stale value that is above the child's still decides. Otherwise it
    // is read again.
    static OWN: AtomicI64 = AtomicI64::new(0);
    if peak > OWN.load(Ordering::Relaxed) {
        let own = getrusage(UsageWho::RUSAGE_SELF).map_or(libc::c_long::MAX, |own| own.max_rss());
        OWN.store(own, Ordering::Relaxed);
    }
    peak <= OWN.load(Ordering::Relaxed)
}

/// Decodes a wait status.
pub(super) fn exit_of(status: libc::c_int) -> Exit {
    if libc::WIFEXITED(status) {
        return Exit::Code(libc::WEXITSTATUS(status));
    }
    Exit::Signal(signal_name(libc::WTERMSIG(status)))
}

/// The name of a signal. Real-time signals count from `SIGRTMIN`, as in `kill -l`.
pub(super) fn signal_name(number: libc::c_int) -> String {
    match Signal::try_from(number) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => platform::realtime_name(number),
    }
}
