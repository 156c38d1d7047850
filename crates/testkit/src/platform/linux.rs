//! Linux: everything is read from `/proc`.

use std::fs;

/// By what a process dies that overflows its stack and has no handler.
pub(crate) const STACK_OVERFLOW_SIGNALS: &[&str] = &["SIGSEGV"];

/// The core limit under which no dump is made: a dump to a file needs room, a dump to a pipe goes on even at 0.
pub(crate) fn silent_core_limit() -> u64 {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    u64::from(pattern.starts_with('|'))
}

/// The live processes that were started with this variable in their environment. Those of others are not seen.
pub(crate) fn processes_with_variable(name: &str, value: &str) -> Vec<u32> {
    let wanted = format!("{name}={value}").into_bytes();
    let mut pids: Vec<u32> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| has_variable(*pid, &wanted))
        .collect();
    pids.sort_unstable();
    pids
}

/// A zombie has no environment any more.
fn has_variable(pid: u32, wanted: &[u8]) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|environment| environment.split(|&b| b == 0).any(|v| v == wanted))
}

/// The most memory that the process has had resident so far, bytes.
pub(crate) fn peak_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
