//! NVIDIA's driver, through NVML, which is loaded when it is first needed.

use std::sync::OnceLock;
use std::time::Duration;
use std::{fs, iter};

use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};
use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

use super::Gpu;

/// `None` where there is no driver.
fn nvml() -> Option<&'static Nvml> {
    static NVML: OnceLock<Option<Nvml>> = OnceLock::new();
    let load = || match Nvml::init() {
        Ok(nvml) => Some(nvml),
        Err(error) => {
            tracing::debug!("NVML cannot be used: {error}");
            None
        }
    };
    NVML.get_or_init(load).as_ref()
}

pub(super) fn gpus() -> Option<Vec<Gpu>> {
    let nvml = nvml()?;
    let driver = nvml.sys_driver_version().unwrap_or_default();
    let gpu = |index| -> Result<Gpu, NvmlError> {
        let device = nvml.device_by_index(index)?;
        Ok(Gpu {
            uuid: device.uuid()?,
            model: device.name()?,
            driver: driver.clone(),
        })
    };
    let count = nvml.device_count().ok()?;
    // A GPU that fell off the bus has an index, but no answers.
    Some((0..count).filter_map(|index| gpu(index).ok()).collect())
}

/// The processes on a GPU that do not descend from this one. The driver numbers processes as the
/// host does: in a container, numbers that mean nothing here may be those of the run itself.
pub(super) fn others_on(uuid: &str) -> Vec<String> {
    let processes = nvml().and_then(|nvml| {
        let device = nvml.device_by_uuid(uuid).ok()?;
        device.running_compute_processes().ok()
    });
    let pids = processes.into_iter().flatten().map(|process| process.pid);
    let mut others: Vec<String> = pids.filter_map(other).collect();
    others.sort();
    others.dedup();
    others
}

/// A process in words, unless it descends from this one or is not here.
fn other(pid: u32) -> Option<String> {
    /// Deeper trees do not occur.
    const DEEPEST: usize = 64;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    let own = std::process::id();
    let line = iter::successors(Some(pid), |pid| parent(*pid).filter(|pid| *pid > 1));
    let is_own = line.take(DEEPEST).any(|pid| pid == own);
    (!is_own).then(|| format!("{} ({pid})", name.trim()))
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The program's name, in parentheses, may hold any character. The state follows it.
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = String::from_utf8_lossy(&stat[end + 1..]).into_owned();
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// The load average of the last minute.
pub(super) fn load_average() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// The processors of the host that are online.
pub(super) fn processors() -> usize {
    let online = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten();
    online.and_then(|n| n.try_into().ok()).unwrap_or(1)
}

/// How long the machine has slept since it was started: of the two clocks only one stands still
/// meanwhile.
pub(super) fn slept() -> Duration {
    let now = |clock| clock_gettime(clock).map(Duration::from);
    match (now(ClockId::CLOCK_BOOTTIME), now(ClockId::CLOCK_MONOTONIC)) {
        (Ok(always), Ok(awake)) => always.saturating_sub(awake),
        _ => Duration::ZERO,
    }
}

/// Whether the machine has one GPU of Apple's.
pub(super) const HAS_MPS: bool = false;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_descendants_are_not_others() {
        assert_eq!(other(std::process::id()), None);
        let parent = parent(std::process::id()).unwrap();
        let words = other(parent).unwrap();
        assert!(words.ends_with(&format!(" ({parent})")), "{words}");
        assert_eq!(other(u32::MAX), None);
    }
}
