//! Process control on macOS, which has kqueue but no subreaper, cgroups or /proc. Not run by its
//! authors yet.

mod malloc;
mod pin;
mod spawn;
mod starter;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use nix::pty::PtyMaster;
use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};
use nix::unistd::Pid;

use super::Watched;

pub(crate) use malloc::malloc_env;
pub(super) use pin::Pin;
pub use pin::{PINS, cpus};
pub(super) use spawn::Spawner;
pub use starter::Starter;
pub(super) use starter::can_trace;

/// Finds no refused system calls: macOS has no seccomp.
pub(super) fn refused_calls() -> Vec<super::RefusedCall> {
    Vec::new()
}

/// Whether crashrate can trace processes on this system at all.
pub const TRACES: bool = false;
/// The signal of the terminal's status key, Ctrl-T.
pub(crate) const STATUS_KEY_SIGNAL: Option<i32> = Some(libc::SIGINFO);
/// Whether the address space of a process can be limited. macOS accepts the limit and ignores it.
pub(crate) const LIMITS_ADDRESS_SPACE: bool = false;

/// Always false: nothing is traced here that would keep a program from tracing.
pub(super) fn uses_ptrace(_program: &Path) -> bool {
    false
}

/// Has no values: macOS has no cgroups.
#[derive(Debug)]
pub(super) enum Cgroup {}

impl Cgroup {
    pub(super) fn is_possible() -> bool {
        false
    }

    pub(super) fn make(_memory: Option<u64>, _processes: Option<u64>) -> Option<Cgroup> {
        None
    }

    pub(super) fn procs_fd(&self) -> RawFd {
        match *self {}
    }

    pub(super) fn oom_kills(&self) -> u64 {
        match *self {}
    }

    pub(super) fn kill(&self) {
        match *self {}
    }
}

/// Has no values: no child waits for a tracer.
#[derive(Clone, Copy)]
pub(super) enum ChildEnd {}

impl ChildEnd {
    pub(super) fn announce(self) -> io::Result<()> {
        match self {}
    }

    pub(super) fn wait(self) -> io::Result<()> {
        match self {}
    }
}

/// Why nothing may be forked: always.
pub fn why_not(_device: &str, _fork_cuda: bool) -> Option<String> {
    Some("processes are forked on Linux only".to_owned())
}

/// The unit of `ru_maxrss`, in bytes.
pub(super) const MAXRSS_UNIT: u64 = 1;

/// The path of the child's end of a pseudo-terminal.
pub(super) fn terminal_name(own: &PtyMaster) -> io::Result<PathBuf> {
    // SAFETY: the static buffer is copied before another call can overwrite it: one at a time.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    #[allow(unsafe_code)]
    let name = unsafe { nix::pty::ptsname(own)? };
    Ok(name.into())
}

/// The name of a signal that POSIX does not name. There are no real-time signals here.
pub(super) fn realtime_name(number: i32) -> String {
    format!("SIG{number}")
}

/// Becomes readable when a process ends.
pub(super) enum ExitWatch {
    /// A kqueue with a filter for the exit.
    Queue(Kqueue),
    /// The process had already ended. A pipe at end of file, which is always readable.
    Ended(OwnedFd),
}

impl ExitWatch {
    /// Never `None` here.
    pub(super) fn of(pid: Pid) -> io::Result<Option<Self>> {
        let queue = Kqueue::new()?;
        let exit = KEvent::new(
            pid.as_raw() as usize,
            EventFilter::EVFILT_PROC,
            EvFlags::EV_ADD | EvFlags::EV_ENABLE,
            FilterFlag::NOTE_EXIT,
            0,
            0,
        );
        match queue.kevent(&[exit], &mut [], None) {
            Ok(_) => Ok(Some(ExitWatch::Queue(queue))),
            Err(nix::Error::ESRCH) => Ok(Some(ExitWatch::Ended(io::pipe()?.0.into()))),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            ExitWatch::Queue(queue) => queue.as_fd(),
            ExitWatch::Ended(pipe) => pipe.as_fd(),
        }
    }
}

/// Always false: nothing is cheaper than [`ExitWatch`] here.
pub(super) fn ends_within(_pid: Pid, _most: Duration) -> io::Result<bool> {
    Ok(false)
}

/// Not known here.
pub(super) fn had_children(_pid: Pid) -> bool {
    false
}

/// Nothing: macOS has no subreaper, and orphans go to launchd.
pub(super) fn adopt_orphans() {}

/// The soft limit under which no core is dumped.
pub(super) fn silent_core_limit() -> u64 {
    0
}

/// Nothing: descendants that left their group cannot be found here.
pub(super) fn kill_escaped(_run_id: &str, _slot: Option<u32>, _keep: &[Pid]) -> usize {
    0
}

/// Nothing: processes cannot be found by their environment here. Their groups were killed.
pub(super) fn kill_strays_of_run(_run_id: &str) {}

/// macOS does not report which processes it has killed for lack of memory.
pub(super) struct MemoryWatch;

impl MemoryWatch {
    pub(super) fn begin() -> MemoryWatch {
        MemoryWatch
    }

    pub(super) fn kills_since(&self) -> u64 {
        0
    }

    pub(super) fn is_near_limit(&self, _bytes: u64) -> bool {
        false
    }
}

/// Has no values: core dumps are not read on macOS, which writes crash reports.
#[derive(Debug)]
pub enum CoreFiles {}

impl CoreFiles {
    /// Core dumps are not read here.
    ///
    /// # Errors
    /// Always.
    pub fn find(_fresh: bool) -> Result<CoreFiles, String> {
        Err(
            "core dumps are read on Linux only; macOS writes crash reports, which are read"
                .to_owned(),
        )
    }

    /// Whether a dump is found even if the process changes its working directory.
    pub fn is_absolute(&self) -> bool {
        match *self {}
    }

    pub(super) fn limit(&self) -> u64 {
        match *self {}
    }

    pub(super) fn collect(
        &self,
        _pid: Pid,
        _directory: &Path,
        _since: SystemTime,
        _keep: Option<&Path>,
    ) -> Watched {
        match *self {}
    }
}
