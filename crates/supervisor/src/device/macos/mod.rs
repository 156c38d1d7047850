//! macOS has no NVIDIA driver, and shows only to privileged processes which others use its GPU.

use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::libc::CLOCK_UPTIME_RAW;
use nix::time::{ClockId, clock_gettime};

use super::Gpu;

pub(super) fn gpus() -> Option<Vec<Gpu>> {
    None
}

pub(super) fn others_on(_uuid: &str) -> Vec<String> {
    Vec::new()
}

/// The load average of the last minute.
pub(super) fn load_average() -> Option<f64> {
    let output = Command::new("sysctl")
        .args(["-n", "vm.loadavg"])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // `{ 1.23 1.10 0.98 }`
    text.split_whitespace().nth(1)?.parse().ok()
}

/// The processors of the host that are online. macOS limits no process to some of them.
pub(super) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// How long the machine has slept since it was started: of the two clocks only one stands still
/// meanwhile (mach_continuous_time and mach_absolute_time).
pub(super) fn slept() -> Duration {
    let now = |clock| clock_gettime(clock).map(Duration::from);
    let awake = ClockId::from_raw(CLOCK_UPTIME_RAW);
    match (now(ClockId::CLOCK_MONOTONIC), now(awake)) {
        (Ok(always), Ok(awake)) => always.saturating_sub(awake),
        _ => Duration::ZERO,
    }
}

/// Whether the machine has one GPU of Apple's.
pub(super) const HAS_MPS: bool = true;
