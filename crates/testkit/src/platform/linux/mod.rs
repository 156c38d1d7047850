//! Linux: reads everything from `/proc`.

mod spawn;

use std::fs;
use std::time::Duration;

pub(crate) use spawn::{memory_file, vfork};

/// The signals of a stack overflow without a handler.
pub(crate) const STACK_OVERFLOW_SIGNALS: &[&str] = &["SIGSEGV"];

/// The core limit that prevents dumps. A limit of 0 prevents a dump to a file, but not to a pipe.
pub(crate) fn silent_core_limit() -> u64 {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    u64::from(pattern.starts_with('|'))
}

/// Returns the live processes that were started with this string as an argument or as a variable of
/// the environment, as far as they can be read.
pub(crate) fn processes_with(string: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    let mut unknown: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    let mut found = Vec::new();
    // During an exec a process briefly has no environment, while its parent may already continue.
    for _ in 0..10 {
        unknown.retain(|&pid| {
            let has_it = has(pid, string);
            if has_it == Some(true) {
                found.push(pid);
            }
            has_it.is_none()
        });
        if unknown.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    found.sort_unstable();
    found
}

/// Whether a process was started with this string; `None` if it is not known yet.
fn has(pid: u32, string: &str) -> Option<bool> {
    let environment = fs::read(format!("/proc/{pid}/environ"));
    let is_empty = environment.as_ref().is_ok_and(Vec::is_empty);
    // Most likely it is in the middle of an exec. Zombies and kernel threads have no program.
    if is_empty && fs::read_link(format!("/proc/{pid}/exe")).is_ok() {
        return None;
    }
    let arguments = fs::read(format!("/proc/{pid}/cmdline"));
    let all = [environment, arguments].map(Result::unwrap_or_default);
    let mut strings = all.iter().flat_map(|all| all.split(|&b| b == 0));
    Some(strings.any(|each| each == string.as_bytes()))
}

/// The peak resident memory of a process so far, in bytes.
pub(crate) fn peak_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
