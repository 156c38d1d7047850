//! Reading /proc.

use std::fs;

use crashrate_protocol::env;
use nix::unistd::Pid;

/// A field of `/proc/PID/status`; `name` ends with a colon.
pub(super) fn status_field(pid: i32, name: &str) -> Option<String> {
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    let status = String::from_utf8_lossy(&status);
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().to_owned())
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
