//! Process control that only Linux has.

mod alarm;
mod cgroup;
mod core_files;
mod fork;
mod malloc;
mod memory;
mod orphans;
mod pin;
mod probe;
mod proc;
mod spawn;
mod starter;
mod tracer;
mod zygote;
mod zygote_pool;

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use nix::pty::PtyMaster;
use nix::unistd::Pid;
use rustix::io::Errno;
use rustix::process::{PidfdFlags, pidfd_open};

pub(super) use alarm::ends_within;
pub(super) use cgroup::Cgroup;
pub use core_files::CoreFiles;
pub(crate) use malloc::malloc_env;
pub(super) use memory::MemoryWatch;
pub(super) use orphans::{adopt_orphans, kill_escaped, kill_strays_of_run};
pub(super) use pin::Pin;
pub use pin::{PINS, cpus};
pub(super) use probe::refused_calls;
pub(super) use proc::had_children;
pub(super) use spawn::Spawner;
pub use starter::Starter;
pub(super) use tracer::{ChildEnd, can_trace, uses_ptrace};
pub use zygote_pool::why_not;

/// Whether crashrate can trace processes on this system at all.
pub const TRACES: bool = true;
/// The signal of the terminal's status key. Linux has none.
pub(crate) const STATUS_KEY_SIGNAL: Option<i32> = None;
/// Whether the address space of a process can be limited.
pub(crate) const LIMITS_ADDRESS_SPACE: bool = true;
/// The unit of `ru_maxrss`, in bytes.
pub(super) const MAXRSS_UNIT: u64 = 1024;

/// The path of the child's end of a pseudo-terminal.
pub(super) fn terminal_name(own: &PtyMaster) -> io::Result<PathBuf> {
    Ok(nix::pty::ptsname_r(own)?.into())
}

/// The name of a signal that POSIX does not name. Those between the standard signals and `SIGRTMIN`
/// are used by the C library.
pub(super) fn realtime_name(number: i32) -> String {
    match number - libc::SIGRTMIN() {
        0 => "SIGRTMIN".to_owned(),
        n if n > 0 => format!("SIGRTMIN+{n}"),
        _ => format!("SIG{number}"),
    }
}

/// The soft limit under which no core is dumped: a piped core pattern ignores 0 and obeys 1
/// (core(5)).
pub(super) fn silent_core_limit() -> u64 {
    let pattern = fs::read("/proc/sys/kernel/core_pattern").unwrap_or_default();
    u64::from(pattern.starts_with(b"|"))
}

/// Becomes readable when a process ends.
pub(super) struct ExitWatch(OwnedFd);

impl ExitWatch {
    /// Of a process that cannot have been reaped. `None` where there are no pidfds: Linux before
    /// 5.3, and containers whose seccomp profile refuses them.
    pub(super) fn of(pid: Pid) -> io::Result<Option<Self>> {
        let pid = rustix::process::Pid::from_raw(pid.as_raw()).ok_or(Errno::SRCH)?;
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => Ok(Some(ExitWatch(fd))),
            Err(error @ (Errno::MFILE | Errno::NFILE | Errno::SRCH | Errno::NOMEM)) => {
                Err(error.into())
            }
            Err(_) => Ok(None),
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
