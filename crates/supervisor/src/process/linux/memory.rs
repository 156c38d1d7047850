//! Whether the kernel killed for want of memory, by its own count, and how near a process was to what there is.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// A count this old is still the one from before an attempt: reading it for each of thousands a second would cost too much.
const FRESH: Duration = Duration::from_millis(100);
/// A peak above this share of what there is was near it.
const NEAR: f64 = 0.8;

/// The kernel's count of processes that it killed for want of memory, as it was when an attempt began.
pub(in crate::process) struct MemoryWatch {
    before: u64,
}

impl MemoryWatch {
    pub(in crate::process) fn begin() -> MemoryWatch {
        static LAST: Mutex<Option<(Instant, u64)>> = Mutex::new(None);
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match *last {
            Some((at, count)) if at.elapsed() < FRESH => count,
            _ => {
                let count = kills();
                *last = Some((Instant::now(), count));
                count
            }
        };
        MemoryWatch { before }
    }

    /// How many it has killed since.
    pub(in crate::process) fn kills_since(&self) -> u64 {
        kills().saturating_sub(self.before)
    }

    /// Whether so many bytes are nearly all that the machine, or a cgroup around this process, has.
    pub(in crate::process) fn is_near_limit(&self, bytes: u64) -> bool {
        limit().is_some_and(|limit| bytes as f64 > NEAR * limit as f64)
    }
}

/// Of the cgroup of this process where it has a memory controller, else of the whole machine (`oom_kill` in cgroup-v2.rst
/// and in /proc/vmstat).
fn kills() -> u64 {
    let own = cgroup().and_then(|folder| fs::read_to_string(folder.join("memory.events")).ok());
    let text = own.or_else(|| fs::read_to_string("/proc/vmstat").ok());
    let text = text.unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    line.and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}

fn limit() -> Option<u64> {
    let mut limits: Vec<u64> = Vec::new();
    let mut folder = cgroup();
    while let Some(at) = folder.filter(|at| at.starts_with("/sys/fs/cgroup")) {
        let max = fs::read_to_string(at.join("memory.max")).unwrap_or_default();
        limits.extend(max.trim().parse::<u64>());
        folder = at.parent().map(PathBuf::from);
    }
    let all = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = all.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|total| total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    limits.extend(kib.map(|kib| kib * 1024));
    limits.into_iter().min()
}

fn cgroup() -> Option<PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
        Some(PathBuf::from("/sys/fs/cgroup").join(path.trim_start_matches('/')))
    };
    FOLDER.get_or_init(find).clone()
}
