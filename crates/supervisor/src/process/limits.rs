//! Limits how much of the machine a child may use: by a cgroup where it has the controller, else by
//! rlimits.

use std::collections::BTreeMap;

use crashrate_model::Finding;
use crashrate_zygote::Rlimits;
use nix::unistd::geteuid;

use super::platform;
use crate::doctor::{self, MemoryFallback};
use crate::suite::{ResourceLimits, Suite, bytes_text};

/// Divides limits between a cgroup and rlimits.
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

/// The limits of a suite on this machine.
#[derive(Debug, Default)]
pub(crate) struct InForce {
    /// Each limit: its value and the means by which it is set.
    pub(crate) limits: BTreeMap<String, String>,
    /// Limits that work differently here than a user expects.
    pub(crate) findings: Vec<Finding>,
}

/// How the limits of a suite are set on this machine, for the run's record and its warnings.
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
        for (limit, value, means) in described(resources, by_cgroup) {
            if let Some(value) = value {
                let key = format!("{limit}{whose}");
                found.limits.insert(key, format!("{value}, {means}"));
            }
        }
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

/// Each limit, its value if it is set, and the means by which it is set.
fn described(
    limits: &ResourceLimits,
    by_cgroup: bool,
) -> [(&'static str, Option<String>, &'static str); 4] {
    let (memory, processes) = if by_cgroup {
        ("of the attempt (cgroup)", "in the attempt (cgroup)")
    } else if platform::LIMITS_ADDRESS_SPACE {
        (
            "address space of each process (rlimit)",
            "of the user (rlimit)",
        )
    } else {
        ("not set", "of the user (rlimit)")
    };
    let cpu = limits.cpu.map(|secs| format!("{secs} s"));
    [
        ("memory", limits.memory.map(bytes_text), memory),
        (
            "processes",
            limits.processes.map(|n| n.to_string()),
            processes,
        ),
        ("cpu", cpu, "of each process (rlimit)"),
        (
            "file-size",
            limits.file_size.map(bytes_text),
            "of each file (rlimit)",
        ),
    ]
}

fn may_be_cuda(device: &str) -> bool {
    device == "auto" || device.starts_with("cuda")
}
