//! Limits how much of the machine a child may use: by a cgroup where it has the controller, else by
//! rlimits.

use std::collections::BTreeMap;

use crashrate_model::Finding;
use crashrate_zygote::Rlimits;
use nix::unistd::geteuid;

use super::platform;
use crate::doctor;
use crate::suite::{ResourceLimits, Suite, bytes_text};

/// Divides limits between a cgroup and rlimits.
pub(super) fn divide(resources: &ResourceLimits) -> (Option<platform::Cgroup>, Rlimits) {
    let wants_cgroup = resources.memory.is_some() || resources.processes.is_some();
    let cgroup = wants_cgroup
        .then(|| platform::Cgroup::make(resources.memory, resources.processes))
        .flatten();
    let mut rlimits = rlimits(resources);
    if cgroup.is_some() {
        rlimits.processes = None;
        rlimits.memory = None;
    }
    (cgroup, rlimits)
}

/// The limits where there is no cgroup.
pub(super) fn rlimits(resources: &ResourceLimits) -> Rlimits {
    Rlimits {
        memory: (resources.memory).filter(|_| platform::LIMITS_ADDRESS_SPACE),
        processes: resources.processes,
        cpu: resources.cpu,
        file_size: resources.file_size,
    }
}

/// How the limits of a suite are set on this machine: each limit with its value and the means by
/// which it is set, and findings about limits that work differently here than a user expects.
pub(crate) fn in_force(suite: &Suite) -> (BTreeMap<String, String>, Vec<Finding>) {
    let chapters = suite.chapters.iter();
    let own = chapters.filter(|chapter| chapter.limits != suite.limits);
    let mut all = vec![(String::new(), suite.limits)];
    all.extend(own.map(|chapter| (format!(" of `{}`", chapter.id), chapter.limits)));
    let limits_memory = all.iter().any(|(_, limits)| limits.memory.is_some());
    let limits_processes = all.iter().any(|(_, limits)| limits.processes.is_some());
    let by_cgroup = (limits_memory || limits_processes) && platform::Cgroup::is_possible();
    let described = all.iter().flat_map(|(whose, limits)| {
        let limits = described(limits, by_cgroup).into_iter();
        limits.filter_map(move |(limit, value, means)| {
            Some((format!("{limit}{whose}"), format!("{}, {means}", value?)))
        })
    });
    let described = described.collect();
    let mut findings = Vec::new();
    if limits_memory && !by_cgroup {
        findings.push(doctor::memory_not_by_cgroup(&suite.device));
    }
    if limits_processes && !by_cgroup {
        findings.push(doctor::processes_not_by_cgroup(geteuid().is_root()));
    }
    (described, findings)
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
    let own_processes = limits.processes.map(|n| n.to_string());
    let cpu = limits.cpu.map(|secs| format!("{secs} s"));
    let file_size = limits.file_size.map(bytes_text);
    [
        ("memory", limits.memory.map(bytes_text), memory),
        ("processes", own_processes, processes),
        ("cpu", cpu, "of each process (rlimit)"),
        ("file-size", file_size, "of each file (rlimit)"),
    ]
}
