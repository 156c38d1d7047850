//! Finding and killing descendants that left their process group.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::proc::{children_of, has_mark, numbers_in};

/// How long killed processes have to end.
const KILL_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether this process is the parent of orphans among its descendants.
static ADOPTS: AtomicBool = AtomicBool::new(false);

/// The children that this process had at its start: it was executed in the process of their parent.
static INHERITED: OnceLock<Vec<Pid>> = OnceLock::new();

fn inherited() -> &'static [Pid] {
    INHERITED.get().map_or(&[], Vec::as_slice)
}

/// Makes this process the parent of orphans among its descendants.
pub(in crate::process) fn adopt_orphans() {
    INHERITED.get_or_init(children);
    // Where it is refused, escaped descendants are found by their environment alone.
    match nix::sys::prctl::set_child_subreaper(true) {
        Ok(()) => ADOPTS.store(true, Ordering::Relaxed),
        Err(error) => tracing::warn!("cannot become a subreaper: {error}"),
    }
}

/// Kills and reaps descendants that left their group and whose parents have died. Returns how many
/// it has killed.
///
/// Kills only those whose environment names the slot. Without a slot no other one is at work: kills
/// all except `keep`.
pub(in crate::process) fn kill_escaped(run_id: &str, slot: Option<u32>, keep: &[Pid]) -> usize {
    if !ADOPTS.load(Ordering::Relaxed) {
        return kill_marked(run_id, slot, keep);
    }
    let keep: Vec<Pid> = keep.iter().chain(inherited()).copied().collect();
    if !may_have_adopted(&keep) {
        return 0;
    }
    // Inherited children may leave orphans as well, which only the mark tells apart.
    let is_alone = slot.is_none() && inherited().is_empty();
    let deadline = Instant::now() + KILL_TIMEOUT;
    let mut killed = 0;
    // Repeated, because the children of a killed process become orphans in turn.
    loop {
        let escaped: Vec<Pid> = (children().into_iter())
            .filter(|pid| !keep.contains(pid))
            .filter(|&pid| is_alone || has_mark(pid, run_id, slot))
            .collect();
        if escaped.is_empty() || Instant::now() > deadline {
            return killed;
        }
        for pid in escaped {
            killed += usize::from(kill_and_reap(pid, deadline));
        }
    }
}

/// Kills the processes whose environment names the run and the slot. Returns how many.
fn kill_marked(run_id: &str, slot: Option<u32>, keep: &[Pid]) -> usize {
    let deadline = Instant::now() + KILL_TIMEOUT;
    let mut killed = HashSet::new();
    while Instant::now() < deadline {
        let marked: Vec<Pid> = (numbers_in("/proc"))
            .map(Pid::from_raw)
            .filter(|&pid| !keep.contains(&pid) && has_mark(pid, run_id, slot))
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

/// Returns whether the process was alive, or has just died of a SIGKILL to its group.
fn kill_and_reap(pid: Pid, deadline: Instant) -> bool {
    match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::StillAlive) => {}
        Ok(WaitStatus::Signaled(_, Signal::SIGKILL, _)) => return true,
        _ => return false,
    }
    tracing::debug!(pid = pid.as_raw(), "escaped process killed");
    let _ = kill(pid, Signal::SIGKILL);
    let is_alive = || waitpid(pid, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive);
    while is_alive() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_micros(200));
    }
    true
}

/// Kills every process whose environment names the run, after the supervisor's death.
pub(in crate::process) fn kill_strays_of_run(run_id: &str) {
    // One pass can miss a process that is being forked, so two in a row must find none.
    let mut clean = 0;
    for _ in 0..100 {
        let own = std::process::id().cast_signed();
        let strays: Vec<Pid> = (numbers_in("/proc"))
            .filter(|&pid| pid != own)
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

/// Whether this process may have adopted orphans besides `keep`. The kernel gives orphans to the
/// first thread of a process, and that one starts no attempt. So its list of children, kept open,
/// answers in one system call.
fn may_have_adopted(keep: &[Pid]) -> bool {
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
    let is_kept = |pid: &[u8]| {
        let pid = std::str::from_utf8(pid).ok();
        let pid = pid.and_then(|pid| pid.parse().ok());
        pid.is_some_and(|pid| keep.contains(&Pid::from_raw(pid)))
    };
    let mut pids = list[..length].split(u8::is_ascii_whitespace);
    length == list.len() || !pids.all(|pid| pid.is_empty() || is_kept(pid))
}

/// The children of this process.
fn children() -> Vec<Pid> {
    let own = std::process::id().cast_signed();
    children_of(own).into_iter().map(Pid::from_raw).collect()
}
