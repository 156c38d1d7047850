//! Linux: reads everything from `/proc`.

mod spawn;

use std::fs;
use std::time::Duration;

pub(crate) use spawn::{memory_file, posix_spawn, vfork};

/// The signals of a stack overflow without a handler.
pub(crate) const STACK_OVERFLOW_SIGNALS: &[&str] = &["SIGSEGV"];

/// The core limit that prevents dumps. A limit of 0 prevents a dump to a file, but not to a pipe.
pub(crate) fn silent_core_limit() -> u64 {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    u64::from(pattern.starts_with('|'))
}

/// Returns the live processes that were started with this environment variable, as far as they can
/// be read.
pub(crate) fn processes_with_variable(name: &str, value: &str) -> Vec<u32> {
    let wanted = format!("{name}={value}").into_bytes();
    let mut found = Vec::new();
    let mut unknown: Vec<u32> = all_processes().collect();
    // During an exec a process briefly has no environment, while its parent may already continue.
    for _ in 0..10 {
        unknown.retain(|&pid| {
            let has_it = has_variable(pid, &wanted);
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

/// Whether a process was started with this variable; `None` if it is not known yet.
fn has_variable(pid: u32, wanted: &[u8]) -> Option<bool> {
    match fs::read(format!("/proc/{pid}/environ")) {
        // A program with an empty environment: most likely it is in the middle of an exec.
        Ok(all) if all.is_empty() && fs::read_link(format!("/proc/{pid}/exe")).is_ok() => None,
        Ok(all) => Some(all.split(|&b| b == 0).any(|variable| variable == wanted)),
        // Gone, a zombie, a kernel thread, or another user's.
        Err(_) => Some(false),
    }
}

/// Returns the live processes that were started with this argument.
pub(crate) fn processes_with_argument(argument: &str) -> Vec<u32> {
    let has_it = |pid: &u32| {
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        arguments
            .split(|&b| b == 0)
            .any(|a| a == argument.as_bytes())
    };
    all_processes().filter(has_it).collect()
}

fn all_processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The peak resident memory of a process so far, in bytes.
pub(crate) fn peak_memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
