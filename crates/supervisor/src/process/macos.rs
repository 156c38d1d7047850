//! What macOS has in place of pidfd, subreaper and /proc: kqueue, and otherwise nothing. Not run by its authors yet.

mod spawn;
mod trace;
mod zygote;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};
use nix::unistd::Pid;

pub(super) use spawn::Spawner;
pub use trace::TracedExec;
pub(super) use zygote::{CAN_FORK, Zygote, has_cuda};

/// What names an rlimit.
pub(super) type RlimitName = libc::c_int;
/// Whether the address space of a process can be limited: the system takes the limit and does not keep it.
pub(super) const LIMITS_ADDRESS_SPACE: bool = false;

/// macOS has no cgroups: there never is one.
#[derive(Debug)]
pub(super) enum Cgroup {}

impl Cgroup {
    pub(super) fn is_possible() -> bool {
        false
    }

    pub(super) fn make(_memory: Option<u64>, _processes: Option<u64>) -> Option<Cgroup> {
        None
    }

    pub(super) fn entrance(&self) -> RawFd {
        match *self {}
    }

    pub(super) fn admit(&self, _pid: Pid) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn oom_kills(&self) -> u64 {
        match *self {}
    }

    pub(super) fn kill(&self) {
        match *self {}
    }
}

/// `ru_maxrss` counts in these.
pub(super) const MAXRSS_UNIT: u64 = 1;

/// Becomes readable when a child ends.
pub(super) enum ExitWatch {
    /// A kqueue with a note on the child's exit.
    Queue(Kqueue),
    /// The child had ended before the note was made: a pipe at its end, which is always readable.
    Ended(OwnedFd),
}

impl ExitWatch {
    pub(super) fn of(pid: Pid) -> io::Result<Self> {
        let queue = Kqueue::new()?;
        let note = KEvent::new(
            pid.as_raw() as usize,
            EventFilter::EVFILT_PROC,
            EvFlags::EV_ADD | EvFlags::EV_ENABLE,
            FilterFlag::NOTE_EXIT,
            0,
            0,
        );
        match queue.kevent(&[note], &mut [], None) {
            Ok(_) => Ok(ExitWatch::Queue(queue)),
            Err(nix::Error::ESRCH) => Ok(ExitWatch::Ended(io::pipe()?.0.into())),
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

/// Nothing here waits for the end of a child for less than [`ExitWatch`] does.
pub(super) fn ends_within(_pid: Pid, _most: Duration) -> io::Result<bool> {
    Ok(false)
}

/// macOS has no subreaper: orphans go to launchd.
pub(super) fn adopt_orphans() {}

/// The soft limit on core dumps under which none is made.
pub(super) fn silent_core_limit() -> u64 {
    0
}

/// macOS has no parent-death signal: the guardian is what kills children of a dead supervisor.
pub(super) fn die_with(_supervisor: u32) -> io::Result<()> {
    Ok(())
}

/// Descendants that left their group cannot be found here.
pub(super) fn kill_escaped(_run_id: &str, _slot: u32, _alone: bool, _keep: &[Pid]) -> usize {
    0
}

/// Processes cannot be found by their environment here; their groups were killed.
pub(super) fn kill_strays_of_run(_run_id: &str) {}
