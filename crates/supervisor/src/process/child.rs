//! Starting a child, waiting for its end, and reaping it.

use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use crashrate_model::{Exit, Spawn, Usage};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use rustix::process::{WaitId, WaitIdOptions, WaitIdStatus, waitid};

use super::child_io::Pipes;
use super::platform::{self, ExitWatch};
use super::watched::Watched;
use crate::plan::AttemptSpec;

/// A way of starting a child.
pub trait Start: Send + Sync {
    /// Starts the child of an attempt in its own process group, which it registers with the
    /// guardian under `slot`.
    ///
    /// # Errors
    /// It could not be started. Nothing of it is left.
    fn start(&self, spec: &AttemptSpec, slot: u32) -> io::Result<Started>;

    /// The pids of all zygotes: children of this process that no attempt left behind.
    fn zygotes(&self) -> Vec<Pid> {
        Vec::new()
    }

    /// How zygotes of the slot have died since the last call.
    fn take_zygote_deaths(&self, _slot: u32) -> Vec<String> {
        Vec::new()
    }

    /// Kills all zygotes and, with them, their children. No zygote is started from now on.
    ///
    /// A slot whose zygote is warming up waits for that alone, so this is what wakes it.
    fn abandon_zygotes(&self) {}

    /// Ends all zygotes. Called when no slot runs an attempt.
    fn end_zygotes(&self) {}
}

/// What is done to a run's children to see their stacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StackCapture {
    /// Nothing.
    #[default]
    None,
    /// The stacks of an untraced child are read when it hangs.
    Hangs,
    /// The same, and a tracer follows zygotes and their children.
    Trace,
}

/// A process that was spawned or forked.
pub(super) struct Process {
    /// Its pid, which is also its process group.
    pub(super) pid: Pid,
    /// The supervisor's ends of its standard output, standard error and events.
    pub(super) pipes: Pipes,
    /// The cgroup that limits it and its descendants, unless rlimits do.
    pub(super) cgroup: Option<platform::Cgroup>,
    /// Becomes readable when it may have ended. Opened when it is needed, so that short attempts
    /// never pay for it.
    pub(super) exit: Option<ExitWatch>,
}

/// The child of an attempt that was started.
pub struct Started {
    pub(super) process: Process,
    /// Waits for its end.
    pub(super) wait: Box<dyn Wait>,
    /// Whether it was forked or executed.
    pub(super) spawn: Spawn,
    /// Why it was executed although its unit asks for a fork.
    pub(super) spawn_fallback: Option<String>,
    /// When its own start began. `None`: when [`Start::start`] was called. They differ if the call
    /// started a zygote first.
    pub(super) begun: Option<Instant>,
}

impl Started {
    pub(super) fn executed(process: Process, wait: Box<dyn Wait>) -> Started {
        Started {
            process,
            wait,
            spawn: Spawn::Exec,
            spawn_fallback: None,
            begun: None,
        }
    }
}

/// Waits for the end of a child. Belongs to the thread that started it.
pub(super) trait Wait {
    /// Whether the child has ended. Does not reap it: its pid, and so its group's, stays taken.
    ///
    /// # Errors
    /// The system call failed.
    fn has_ended(&mut self, child: &Process) -> io::Result<bool> {
        has_ended(child.pid)
    }

    /// Blocks until the child has ended, at most for `limit`, and returns whether it has. May
    /// return early, or at once where nothing is cheaper than an [`ExitWatch`].
    ///
    /// # Errors
    /// The system call failed.
    fn ends_within(&mut self, child: &Process, limit: Duration) -> io::Result<bool> {
        platform::ends_within(child.pid, limit)
    }

    /// Records the stacks of the child and its descendants, which are about to be killed at their
    /// time limit.
    fn capture_hang(&mut self, _pid: Pid) {}

    /// Stops watching the child, which has ended or is given up. A tracer kills all descendants.
    fn stop_watching(&mut self, pid: Pid) -> Watched;

    /// Reaps the child, which has ended.
    ///
    /// # Errors
    /// The system call failed.
    fn reap(&mut self, pid: Pid) -> io::Result<Reaped> {
        reap(pid)
    }
}

/// The exit of a child that was reaped.
#[derive(Clone, Debug)]
pub(super) struct Reaped {
    /// How it ended.
    pub(super) exit: Exit,
    /// What it used, as the kernel accounts it.
    pub(super) usage: Usage,
}

impl From<crashrate_zygote::Reaped> for Reaped {
    /// The usage is that of a child which never ran in this program's memory.
    fn from(reaped: crashrate_zygote::Reaped) -> Reaped {
        let status = reaped.status;
        Reaped {
            exit: if libc::WIFEXITED(status) {
                Exit::Code(libc::WEXITSTATUS(status))
            } else {
                Exit::Signal(signal_name(libc::WTERMSIG(status)))
            },
            usage: Usage {
                cpu_secs: reaped.cpu_micros as f64 / 1e6,
                peak_bytes: reaped.maxrss * platform::MAXRSS_UNIT,
                at_most: false,
            },
        }
    }
}

/// Whether a child of this process has ended. Does not reap it.
pub(super) fn has_ended(pid: Pid) -> io::Result<bool> {
    peek_end(pid, WaitIdOptions::NOHANG)
}

/// Waits until a child of this process has ended. Returns whether it has; it may not have with
/// `NOHANG`, or if it is traced and has stopped.
///
/// # Errors
/// [`io::ErrorKind::Interrupted`] at a signal.
pub(super) fn peek_end(pid: Pid, options: WaitIdOptions) -> io::Result<bool> {
    // A ptrace stop of a tracee shows up here as well, although only WEXITED is asked for.
    let is_end = |s: &WaitIdStatus| s.exited() || s.killed() || s.dumped();
    let status = peek(pid, options | WaitIdOptions::EXITED)?;
    Ok(status.as_ref().is_some_and(is_end))
}

/// The name of the signal that has stopped a child, unless it is traced.
pub(super) fn stopped_by(pid: Pid) -> Option<String> {
    let status = peek(pid, WaitIdOptions::STOPPED | WaitIdOptions::NOHANG);
    status.ok()??.stopping_signal().map(signal_name)
}

/// The next event of a child. Leaves it in place: to consume it would hide it from the tracer.
pub(super) fn peek(pid: Pid, options: WaitIdOptions) -> io::Result<Option<WaitIdStatus>> {
    let pid = rustix::process::Pid::from_raw(pid.as_raw()).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(waitid(WaitId::Pid(pid), options | WaitIdOptions::NOWAIT)?)
}

/// Reaps a child of this process that has ended.
pub(super) fn reap(pid: Pid) -> io::Result<Reaped> {
    let used = crashrate_zygote::reap(pid.as_raw())?;
    let mut reaped = Reaped::from(used);
    tracing::debug!(pid = pid.as_raw(), exit = ?reaped.exit, "reaped");
    reaped.usage.at_most = may_be_own_peak(used.maxrss.cast_signed());
    Ok(reaped)
}

/// Whether a child's peak memory may be that of this program. Until its exec the child ran in this
/// program's memory, and the kernel counts that.
fn may_be_own_peak(peak: i64) -> bool {
    // The peak never falls, so a stale value that is above the child's still decides. Otherwise it
    // is read again.
    static OWN: AtomicI64 = AtomicI64::new(0);
    if peak > OWN.load(Ordering::Relaxed) {
        let own = getrusage(UsageWho::RUSAGE_SELF).map_or(i64::MAX, |own| own.max_rss());
        OWN.store(own, Ordering::Relaxed);
    }
    peak <= OWN.load(Ordering::Relaxed)
}

/// The name of a signal. Real-time signals count from `SIGRTMIN`, as in `kill -l`.
pub(super) fn signal_name(number: libc::c_int) -> String {
    match Signal::try_from(number) {
        Ok(signal) => signal.as_str().to_owned(),
        Err(_) => platform::realtime_name(number),
    }
}
