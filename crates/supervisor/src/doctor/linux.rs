//! What Linux says of itself in /proc and /sys.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crashrate_model::{Finding, Level};
use nix::sys::ptrace;
use nix::unistd::Pid;

use super::{ok, warning};
use crate::process::CoreFiles;

pub(super) fn examine() -> Vec<Finding> {
    vec![core_dumps(), ptrace(), cgroup()]
}

fn core_dumps() -> Finding {
    let found = match CoreFiles::find(false) {
        Ok(_) => "--evidence core is possible".to_owned(),
        Err(why) => format!("--evidence core is not possible: {why}"),
    };
    ok("core dumps", found)
}

/// Tried for real: Yama, seccomp and containers all have their say.
fn ptrace() -> Finding {
    let name = "tracing";
    let child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        return warning(
            name,
            "could not be tried: there is no `cat`",
            "install coreutils",
        );
    };
    let seized = ptrace::seize(Pid::from_raw(child.id() as i32), ptrace::Options::empty());
    let _ = child.kill();
    let _ = child.wait();
    match seized {
        Ok(()) => ok(name, "children may be traced"),
        Err(error) => {
            let scope = read("/proc/sys/kernel/yama/ptrace_scope");
            let found = format!("refused: {error} (ptrace_scope {scope})");
            let advice = "deaths are counted, but without a stack: allow ptrace, or run the container with SYS_PTRACE";
            Finding {
                level: Level::Blocker,
                ..warning(name, found, advice)
            }
        }
    }
}

fn cgroup() -> Finding {
    let name = "cgroup";
    let own = read("/proc/self/cgroup");
    let Some(path) = own.lines().find_map(|line| line.strip_prefix("0::")) else {
        return warning(
            name,
            "no cgroup v2",
            "a SIGKILL by the kernel for want of memory is then only suspected, never known",
        );
    };
    let folder = Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/'));
    let controllers = read(folder.join("cgroup.controllers"));
    let found = match controllers.as_str() {
        "" => format!("no controllers in {path}"),
        some => format!("controllers in {path}: {some}"),
    };
    if controllers.split(' ').any(|c| c == "memory") {
        ok(name, found)
    } else {
        let advice =
            "without the memory controller an out-of-memory kill is only suspected, never known";
        warning(name, found, advice)
    }
}

pub(super) fn load_average() -> Option<f64> {
    read("/proc/loadavg").split(' ').next()?.parse().ok()
}

/// Whether the system takes this variable away from this program.
pub(super) fn strips(name: &str, program: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let set_id = fs::metadata(program).is_ok_and(|m| m.permissions().mode() & 0o6000 != 0);
    set_id && name.starts_with("LD_")
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}
