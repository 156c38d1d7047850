//! Out-of-memory kills, as the kernel counts them, and how close a process was to the limit.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// A count up to this age serves as the count before an attempt. To read it for every one of
/// thousands of attempts a second would cost too much.
const MAX_AGE: Duration = Duration::from_millis(100);
/// A peak above this share of the limit is close to it.
const NEAR: f64 = 0.8;

/// The kernel's count of out-of-memory kills when an attempt began.
pub(in crate::process) struct MemoryWatch {
    before: u64,
}

impl MemoryWatch {
    pub(in crate::process) fn begin() -> MemoryWatch {
        static LAST: Mutex<Option<(Instant, u64)>> = Mutex::new(None);
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match *last {
            Some((at, count)) if at.elapsed() < MAX_AGE => count,
            _ => {
                let count = kills();
                *last = Some((Instant::now(), count));
                count
            }
        };
        MemoryWatch { before }
    }

    /// How many processes the kernel has killed since.
    pub(in crate::process) fn kills_since(&self) -> u64 {
        kills().saturating_sub(self.before)
    }

    /// Whether this is nearly the memory of the machine, or the limit of a cgroup around this
    /// process.
    pub(in crate::process) fn is_near_limit(&self, bytes: u64) -> bool {
        limit().is_some_and(|limit| bytes as f64 > NEAR * limit as f64)
    }
}

/// `oom_kill` of this process's cgroup if it has a memory controller, else of the machine
/// (cgroup-v2.rst, /proc/vmstat).
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
