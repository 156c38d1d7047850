//! What macOS has in place of pidfd, subreaper and /proc: kqueue, and otherwise nothing. Not run by its authors yet.

mod core_files;
mod memory;
mod spawn;
mod trace;
mod zygote;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crashrate_postmortem::Crash;
use nix::pty::PtyMaster;
use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};
use nix::unistd::Pid;

pub use core_files::CoreFiles;
pub(super) use memory::MemoryWatch;
pub(super) use spawn::Spawner;
pub use trace::Starter;
pub(super) use trace::can_trace;
pub(super) use zygote::{CAN_FORK, Zygote, has_cuda};

/// The system calls that are needed and refused: none are known to be.
pub(super) fn refused_calls() -> Vec<super::RefusedCall> {
    Vec::new()
}

/// Whether processes can be traced on this system at all.
pub const TRACES: bool = false;
/// What names an rlimit.
pub(super) type RlimitName = libc::c_int;
/// Whether the address space of a process can be limited: the system takes the limit and does not keep it.
pub(super) const LIMITS_ADDRESS_SPACE: bool = false;

/// Nothing is traced here: no program is kept from tracing.
pub(super) fn uses_ptrace(_program: &Path) -> bool {
    false
}

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

    pub(super) fn procs_fd(&self) -> RawFd {
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

/// The name of the child's end of a pseudo-terminal.
pub(super) fn terminal_name(own: &PtyMaster) -> io::Result<PathBuf> {
    // SAFETY: the text that it returns is copied before anybody else can ask: terminals are opened one at a time.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    #[allow(unsafe_code)]
    let name = unsafe { nix::pty::ptsname(own)? };
    Ok(name.into())
}

/// The name of a signal that has none in POSIX: there are no real-time signals here.
pub(super) fn realtime_name(number: i32) -> String {
    format!("SIG{number}")
}

/// Becomes readable when a child ends.
pub(super) enum ExitWatch {
    /// A kqueue with a note on the child's exit.
    Queue(Kqueue),
    /// The child had ended before the note was made: a pipe at its end, which is always readable.
    Ended(OwnedFd),
}

impl ExitWatch {
    /// There always is one here.
    pub(super) fn of(pid: Pid) -> io::Result<Option<Self>> {
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

/// Nothing here waits for the end of a child for less than [`ExitWatch`] does.
pub(super) fn ends_within(_pid: Pid, _most: Duration) -> io::Result<bool> {
    Ok(false)
}

/// Hangs are not captured here.
pub(super) fn capture_hang(_pid: Pid) -> io::Result<Option<Crash>> {
    Ok(None)
}

/// The system does not tell.
pub(super) fn had_children(_pid: Pid) -> bool {
    false
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
