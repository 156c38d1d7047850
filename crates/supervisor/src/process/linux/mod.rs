//! What only Linux has: pidfd, subreaper, timers of a thread, /proc.
#![allow(unsafe_code)]

mod alarm;
mod aside;
mod attach;
mod calls;
mod capture_hang;
mod cgroup;
mod core_files;
mod family;
mod gate;
mod memory;
mod probe;
mod reissue;
mod spawn;
mod trace;
mod tracer;
mod zygote;
mod zygote_tracer;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crashrate_postmortem::Crash;
use crashrate_postmortem::linux::Images;
use crashrate_protocol::env;
use nix::pty::PtyMaster;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

pub(super) use alarm::ends_within;
pub(super) use aside::uses_ptrace;
pub(super) use cgroup::Cgroup;
pub use core_files::CoreFiles;
pub(super) use memory::MemoryWatch;
pub(super) use probe::refused_calls;
pub(super) use spawn::Spawner;
pub use trace::Starter;
pub(super) use trace::can_trace;
pub(super) use zygote::{CAN_FORK, Zygote, has_cuda};

/// The stacks of a process that nobody traces, and of its descendants; nothing if it has ended.
pub(super) fn capture_hang(pid: Pid) -> io::Result<Option<Crash>> {
    static IMAGES: OnceLock<Arc<Images>> = OnceLock::new();
    attach::capture(pid.as_raw(), IMAGES.get_or_init(Arc::default).clone())
}

/// Whether processes can be traced on this system at all.
pub const TRACES: bool = true;
/// What names an rlimit.
pub(super) type RlimitName = libc::__rlimit_resource_t;
/// Whether the address space of a process can be limited.
pub(super) const LIMITS_ADDRESS_SPACE: bool = true;

/// `ru_maxrss` counts in these.
pub(super) const MAXRSS_UNIT: u64 = 1024;

/// The name of the child's end of a pseudo-terminal.
pub(super) fn terminal_name(own: &PtyMaster) -> io::Result<PathBuf> {
    Ok(nix::pty::ptsname_r(own)?.into())
}

/// The name of a signal that has none in POSIX. The first real-time signals are the C library's own.
pub(super) fn realtime_name(number: i32) -> String {
    match number - libc::SIGRTMIN() {
        0 => "SIGRTMIN".to_owned(),
        n if n > 0 => format!("SIGRTMIN+{n}"),
        _ => format!("SIG{number}"),
    }
}

/// Becomes readable when a child ends.
pub(super) struct ExitWatch(OwnedFd);

impl ExitWatch {
    /// Of a process that somebody else started, and that cannot have been reaped. Nothing where there are no pidfds: Linux
    /// before 5.3, and containers whose seccomp profile refuses them.
    pub(super) fn of(pid: Pid) -> io::Result<Option<Self>> {
        use rustix::io::Errno;
        let pid =
            rustix::process::Pid::from_raw(pid.as_raw()).ok_or(io::ErrorKind::InvalidInput)?;
        match rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
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

/// Whether orphans among the descendants of this process come to it.
static ADOPTS: AtomicBool = AtomicBool::new(false);

/// The children that this process had before it started any: whoever executed it had started them.
static INHERITED: OnceLock<Vec<Pid>> = OnceLock::new();

fn inherited() -> &'static [Pid] {
    INHERITED.get().map_or(&[], Vec::as_slice)
}

/// Whether a process that has ended, and was not reaped, had children that it waited for: the kernel adds their page faults
/// to its own account (`cminflt` in proc_pid_stat(5)), and every process that executes a program has some.
pub(super) fn had_children(pid: Pid) -> bool {
    /// Its place behind the name of the program, which may hold anything.
    const CHILD_FAULTS: usize = 8;
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some(end) = stat.iter().rposition(|&byte| byte == b')') else {
        return false;
    };
    let rest = String::from_utf8_lossy(&stat[end + 1..]);
    let faults = rest.split_whitespace().nth(CHILD_FAULTS);
    faults.is_some_and(|faults| faults != "0")
}

/// Makes this process the parent of orphans among its descendants.
pub(super) fn adopt_orphans() {
    INHERITED.get_or_init(children);
    // Without it, escaped descendants are looked for by their environment alone.
    match nix::sys::prctl::set_child_subreaper(true) {
        Ok(()) => ADOPTS.store(true, Ordering::Relaxed),
        Err(error) => tracing::warn!("cannot become a subreaper: {error}"),
    }
}

/// The soft limit on core dumps under which none is made: a piped core pattern ignores 0 and obeys 1 (core(5)).
pub(super) fn silent_core_limit() -> u64 {
    let pattern = fs::read("/proc/sys/kernel/core_pattern").unwrap_or_default();
    u64::from(pattern.starts_with(b"|"))
}

/// In the child before exec: die when the supervisor's thread that started it does.
pub(super) fn die_with(supervisor: u32) -> io::Result<()> {
    // SAFETY: plain system calls without memory.
    unsafe {
        // Where it is refused, the guardian alone sees to that.
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        // It may have died before the call.
        if libc::getppid() != supervisor as i32 {
            libc::_exit(127);
        }
    }
    Ok(())
}

/// Kills and reaps descendants that left their group and came to this process when their parents died.
///
/// Only those whose environment names the slot, or all when nothing else runs (`alone`), except `keep`. Returns how many.
pub(super) fn kill_escaped(run_id: &str, slot: u32, alone: bool, keep: &[Pid]) -> usize {
    if !ADOPTS.load(Ordering::Relaxed) {
        return kill_marked(run_id, slot, keep);
    }
    let keep: Vec<Pid> = keep.iter().chain(inherited()).copied().collect();
    if !has_adopted(&keep) {
        return 0;
    }
    // What an inherited child starts may become an orphan as well: only a mark tells it from an attempt's.
    let alone = alone && inherited().is_empty();
    let deadline = Instant::now() + Duration::from_secs(2);
    let mut killed = 0;
    loop {
        // A killed one's own children come next, hence the loop.
        let escaped: Vec<Pid> = (children().into_iter())
            .filter(|pid| !keep.contains(pid))
            .filter(|&pid| alone || has_mark(pid, run_id, Some(slot)))
            .collect();
        if escaped.is_empty() || Instant::now() > deadline {
            return killed;
        }
        for pid in escaped {
            killed += usize::from(kill_and_reap(pid, deadline));
        }
    }
}

/// Kills the processes whose environment names the slot, where orphans do not come to this process. Returns how many.
fn kill_marked(run_id: &str, slot: u32, keep: &[Pid]) -> usize {
    let deadline = Instant::now() + Duration::from_secs(2);
    let mut killed = HashSet::new();
    while Instant::now() < deadline {
        let marked: Vec<Pid> = (numbers_in("/proc"))
            .map(Pid::from_raw)
            .filter(|&pid| !keep.contains(&pid) && has_mark(pid, run_id, Some(slot)))
            .collect();
        if marked.is_empty() {
            break;
        }
        for pid in marked {
            let _ = kill(pid, Signal::SIGKILL);
            killed.insert(pid);
        }
        std::thread::sleep(Duration::from_micros(500));
    }
    killed.len()
}

/// Whether it was alive, or died just now with its group.
fn kill_and_reap(pid: Pid, deadline: Instant) -> bool {
    let dead = |flags| !matches!(waitpid(pid, Some(flags)), Ok(WaitStatus::StillAlive));
    match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::StillAlive) => {}
        Ok(WaitStatus::Signaled(_, Signal::SIGKILL, _)) => return true,
        _ => return false,
    }
    let _ = kill(pid, Signal::SIGKILL);
    while !dead(WaitPidFlag::WNOHANG) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_micros(200));
    }
    true
}

/// After the supervisor's death: kills every process whose environment names the run.
pub(super) fn kill_strays_of_run(run_id: &str) {
    // Twice in a row none: one pass can miss what is being forked just then.
    let mut clean = 0;
    for _ in 0..100 {
        let own = std::process::id();
        let strays: Vec<Pid> = (numbers_in("/proc"))
            .filter(|&pid| pid as u32 != own)
            .map(Pid::from_raw)
            .filter(|&pid| has_mark(pid, run_id, None))
            .collect();
        clean = if strays.is_empty() { clean + 1 } else { 0 };
        if clean == 2 {
            return;
        }
        for pid in strays {
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn has_mark(pid: Pid, run_id: &str, slot: Option<u32>) -> bool {
    let Ok(environ) = fs::read(format!("/proc/{pid}/environ")) else {
        return false;
    };
    let has = |name: &str, value: &str| {
        environ
            .split(|&b| b == 0)
            .any(|entry| entry == format!("{name}={value}").as_bytes())
    };
    has(env::RUN_ID, run_id) && slot.is_none_or(|slot| has(env::SLOT, &slot.to_string()))
}

/// Whether there may be orphans here besides `keep`. The kernel gives them to the first thread of a process, and no
/// attempt is started by that one: its list of children, kept open, tells in one system call.
fn has_adopted(keep: &[Pid]) -> bool {
    static LIST: OnceLock<Option<File>> = OnceLock::new();
    let open = || {
        let first = std::process::id();
        File::open(format!("/proc/self/task/{first}/children")).ok()
    };
    let mut list = [0; 256];
    let Some(Ok(length)) = (LIST.get_or_init(open).as_ref()).map(|file| file.read_at(&mut list, 0))
    else {
        return true;
    };
    let known = |pid: &[u8]| {
        let pid = std::str::from_utf8(pid)
            .ok()
            .and_then(|pid| pid.parse().ok());
        pid.is_some_and(|pid| keep.contains(&Pid::from_raw(pid)))
    };
    let mut pids = list[..length].split(u8::is_ascii_whitespace);
    length == list.len() || !pids.all(|pid| pid.is_empty() || known(pid))
}

/// The direct children of this process.
fn children() -> Vec<Pid> {
    let mut pids: Vec<i32> = Vec::new();
    for thread in numbers_in("/proc/self/task") {
        let Ok(list) = fs::read_to_string(format!("/proc/self/task/{thread}/children")) else {
            continue;
        };
        pids.extend(
            list.split_whitespace()
                .filter_map(|pid| pid.parse::<i32>().ok()),
        );
    }
    pids.into_iter().map(Pid::from_raw).collect()
}

fn numbers_in(folder: &str) -> impl Iterator<Item = i32> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
