//! Out-of-memory kills, as the kernel counts them, and how close a process was to the limit.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::proc::{field, oom_kills, own_cgroup};
use crate::process::context::lock;

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
        let mut last = lock(&LAST);
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
    let own = own_cgroup().and_then(|own| fs::read_to_string(own.join("memory.events")).ok());
    let record = own.or_else(|| fs::read_to_string("/proc/vmstat").ok());
    oom_kills(&record.unwrap_or_default())
}

fn limit() -> Option<u64> {
    let mut limits: Vec<u64> = Vec::new();
    for folder in own_cgroup().into_iter().flat_map(Path::ancestors) {
        let max = fs::read_to_string(folder.join("memory.max")).unwrap_or_default();
        limits.extend(max.trim().parse::<u64>());
    }
    let all = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = field(&all, "MemTotal:").and_then(|total| total.strip_suffix("kB"));
    let kib = total.and_then(|total| total.trim().parse::<u64>().ok());
    limits.extend(kib.map(|kib| kib * 1024));
    limits.into_iter().min()
}
