//! How much of the machine a child may use: by a cgroup where there is a controller for it, else by rlimits.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::io;

use crashrate_model::Finding;
use nix::unistd::geteuid;

use super::platform;
use crate::doctor::{self, MemoryFallback};
use crate::suite::{ResourceLimits, Suite, bytes_text};

/// rlimits, ready to be set between fork and exec.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rlimits {
    pub(super) memory: Option<u64>,
    pub(super) processes: Option<u64>,
    pub(super) cpu: Option<u64>,
    pub(super) file_size: Option<u64>,
}

/// What is limited by a cgroup, and what by rlimits.
pub(super) fn divide(resources: &ResourceLimits) -> (Option<platform::Cgroup>, Rlimits) {
    let wants_cgroup = resources.memory.is_some() || resources.processes.is_some();
    let cgroup = wants_cgroup
        .then(|| platform::Cgroup::make(resources.memory, resources.processes))
        .flatten();
    let by_cgroup = cgroup.is_some();
    let rlimits = Rlimits {
        memory: resources
            .memory
            .filter(|_| !by_cgroup && platform::LIMITS_ADDRESS_SPACE),
        processes: resources.processes.filter(|_| !by_cgroup),
        cpu: resources.cpu,
        file_size: resources.file_size,
    };
    (cgroup, rlimits)
}

impl Rlimits {
    /// Sets them for this process; safe between fork and exec.
    pub(super) fn set(self) -> io::Result<()> {
        // What runs out of processor time hears of it first (SIGXCPU), and is killed a second later.
        set(libc::RLIMIT_CPU, self.cpu, 1)?;
        set(libc::RLIMIT_FSIZE, self.file_size, 0)?;
        set(libc::RLIMIT_NPROC, self.processes, 0)?;
        // Last: what is left to be done here needs no memory.
        set(libc::RLIMIT_AS, self.memory, 0)
    }
}

/// Sets how large a core dump of this process may be; safe between fork and exec.
pub(super) fn set_core(most: u64) -> io::Result<()> {
    // SAFETY: all fields are plain numbers, for which zero is a value; the pointers are to a local that outlives the
    // calls, which are safe between fork and exec.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_CORE, &mut limit) < 0 {
            return Err(io::Error::last_os_error());
        }
        limit.rlim_cur = limit.rlim_max.min(most);
        if libc::setrlimit(libc::RLIMIT_CORE, &limit) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

#[cfg_attr(
    target_os = "linux",
    expect(clippy::useless_conversion, reason = "not so elsewhere")
)]
fn set(resource: platform::RlimitName, most: Option<u64>, grace: u64) -> io::Result<()> {
    let Some(most) = most else {
        return Ok(());
    };
    // SAFETY: all fields are plain numbers, for which zero is a value; the pointers are to a local that outlives the
    // calls, which are safe between fork and exec.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(resource, &mut limit) < 0 {
            return Err(io::Error::last_os_error());
        }
        // A limit that is there already may be lower.
        limit.rlim_max = limit.rlim_max.min((most + grace).into());
        limit.rlim_cur = limit.rlim_max.min(most.into());
        if libc::setrlimit(resource, &limit) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// What the limits of a suite come to on this machine.
#[derive(Debug, Default)]
pub(crate) struct InForce {
    /// Each limit, and by what means it is set.
    pub(crate) limits: BTreeMap<String, String>,
    /// What does not happen here as one would expect.
    pub(crate) findings: Vec<Finding>,
}

/// How the limits of a suite are set on this machine: for its record, and to be said once.
pub(crate) fn in_force(suite: &Suite) -> InForce {
    let mut found = InForce::default();
    let chapters = suite.chapters.iter();
    let own = chapters.map(|c| (format!(" of `{}`", c.id), c.limits));
    let all: Vec<_> = std::iter::once((String::new(), suite.limits))
        .chain(own)
        .collect();
    let has =
        |which: fn(&ResourceLimits) -> Option<u64>| all.iter().any(|(_, r)| which(r).is_some());
    let by_cgroup = (has(|r| r.memory) || has(|r| r.processes)) && platform::Cgroup::is_possible();
    for (whose, resources) in &all {
        if !whose.is_empty() && *resources == suite.limits {
            continue;
        }
        let mut put = |what: &str, value: Option<String>, means: &str| {
            if let Some(value) = value {
                found
                    .limits
                    .insert(format!("{what}{whose}"), format!("{value}, {means}"));
            }
        };
        let (memory, processes) = match by_cgroup {
            true => ("of the attempt (cgroup)", "in the attempt (cgroup)"),
            false if platform::LIMITS_ADDRESS_SPACE => (
                "address space of each process (rlimit)",
                "of the user (rlimit)",
            ),
            false => ("not set", "of the user (rlimit)"),
        };
        put("memory", resources.memory.map(bytes_text), memory);
        put(
            "processes",
            resources.processes.map(|n| n.to_string()),
            processes,
        );
        put(
            "cpu",
            resources.cpu.map(|s| format!("{s} s")),
            "of each process (rlimit)",
        );
        put(
            "file-size",
            resources.file_size.map(bytes_text),
            "of each file (rlimit)",
        );
    }
    if by_cgroup {
        return found;
    }
    if has(|r| r.memory) {
        let fallback = if !platform::LIMITS_ADDRESS_SPACE {
            MemoryFallback::None
        } else if may_be_cuda(&suite.device) {
            MemoryFallback::AddressSpaceWithCuda
        } else {
            MemoryFallback::AddressSpace
        };
        found.findings.push(doctor::memory_not_by_cgroup(fallback));
    }
    if has(|r| r.processes) {
        found
            .findings
            .push(doctor::processes_not_by_cgroup(geteuid().is_root()));
    }
    found
}

fn may_be_cuda(device: &str) -> bool {
    device == "auto" || device.starts_with("cuda")
}
