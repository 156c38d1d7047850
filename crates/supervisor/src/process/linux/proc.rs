//! Reading /proc.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crashrate_protocol::env;
use nix::unistd::Pid;

/// A field of `/proc/PID/status`; `name` ends with a colon.
pub(super) fn status_field(pid: i32, name: &str) -> Option<String> {
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    let status = String::from_utf8_lossy(&status);
    field(&status, name).map(str::to_owned)
}

/// The rest of the line that begins with this name.
pub(super) fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(rest.trim())
}

/// How many processes the kernel has killed for lack of memory, by one of its records
/// (memory.events, /proc/vmstat).
pub(super) fn oom_kills(record: &str) -> u64 {
    let count = field(record, "oom_kill ").and_then(|count| count.parse().ok());
    count.unwrap_or(0)
}

/// The folder of this process's cgroup (version 2). Determined once.
pub(super) fn own_cgroup() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
        let of_version_2 = |line: &str| {
            let mut words = line.split(' ').skip(1);
            let (mount_point, kind) = (words.next()?, words.next()?);
            (kind == "cgroup2").then(|| PathBuf::from(mount_point))
        };
        let mounted = mounts.lines().find_map(of_version_2)?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        Some(mounted.join(field(&own, "0::/")?))
    };
    FOLDER.get_or_init(find).as_deref()
}

/// The names in a folder that are numbers.
pub(super) fn numbers_in(folder: &str) -> impl Iterator<Item = i32> + use<> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The children of a process.
pub(super) fn children_of(pid: i32) -> Vec<i32> {
    let mut pids = Vec::new();
    for tid in numbers_in(&format!("/proc/{pid}/task")) {
        let list = fs::read_to_string(format!("/proc/{pid}/task/{tid}/children"));
        let list = list.unwrap_or_default();
        pids.extend(
            list.split_whitespace()
                .filter_map(|pid| pid.parse::<i32>().ok()),
        );
    }
    pids
}

/// Whether the environment of a process names the run and, if given, the slot.
pub(super) fn has_mark(pid: Pid, run_id: &str, slot: Option<u32>) -> bool {
    let Ok(environ) = fs::read(format!("/proc/{pid}/environ")) else {
        return false;
    };
    let has = |name: &str, value: &str| {
        let variable = format!("{name}={value}");
        environ
            .split(|&b| b == 0)
            .any(|entry| entry == variable.as_bytes())
    };
    has(env::RUN_ID, run_id) && slot.is_none_or(|slot| has(env::SLOT, &slot.to_string()))
}

/// Whether a zombie had children that it waited for. The kernel adds their page faults to its
/// account (`cminflt` in proc_pid_stat(5)), and every process that executes a program has some.
pub(in crate::process) fn had_children(pid: Pid) -> bool {
    /// The index of `cminflt` after the program's name, which may hold any character.
    const CHILD_FAULTS: usize = 8;
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some(end) = stat.iter().rposition(|&byte| byte == b')') else {
        return false;
    };
    let rest = String::from_utf8_lossy(&stat[end + 1..]);
    let faults = rest.split_whitespace().nth(CHILD_FAULTS);
    faults.is_some_and(|faults| faults != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oom_kills_are_read_from_memory_events() {
        let events = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n";
        assert_eq!(oom_kills(events), 2);
        assert_eq!(oom_kills(""), 0);
    }
}
