//! Programs that a tracer would disturb.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

use nix::unistd::{getegid, geteuid};

use super::super::proc::status_field;

/// The number of the capability with which a tracer lets a program keep its privileges.
const CAP_SYS_PTRACE: u32 = 19;

/// Whether the program gets more privileges than this process has. A traced one would not get them:
/// see execve(2) and ptrace(2).
pub(in super::super) fn gains_privileges(program: &Path) -> bool {
    if may_trace_privileged() {
        return false;
    }
    let Ok(file) = fs::metadata(program) else {
        return false;
    };
    let mode = file.mode();
    let set_uid = mode & libc::S_ISUID != 0 && file.uid() != geteuid().as_raw();
    let set_gid = mode & libc::S_ISGID != 0 && file.gid() != getegid().as_raw();
    set_uid || set_gid || has_capabilities(program)
}

/// Whether a traced process has lost privileges in the exec that it is stopped at.
pub(super) fn lost_privileges(pid: i32) -> bool {
    if may_trace_privileged() {
        return false;
    }
    let gets_none = status_field(pid, "NoNewPrivs:").is_some_and(|value| value == "1");
    !gets_none && gains_privileges(Path::new(&format!("/proc/{pid}/exe")))
}

/// Whether a program imports `ptrace`, so that it may trace processes.
pub(in crate::process) fn uses_ptrace(program: &Path) -> bool {
    crashrate_postmortem::linux::imports(program, "ptrace")
}

/// Whether a process is the init of another PID namespace. The kernel does not end such a process
/// for a fault while it is traced.
pub(super) fn is_init_of_namespace(pid: i32) -> bool {
    status_field(pid, "NSpid:").is_some_and(|pids| {
        let mut pids = pids.split_whitespace();
        pids.next().is_some() && pids.next_back() == Some("1")
    })
}

fn may_trace_privileged() -> bool {
    static MAY: OnceLock<bool> = OnceLock::new();
    *MAY.get_or_init(|| {
        let capabilities = status_field(std::process::id().cast_signed(), "CapEff:");
        capabilities
            .and_then(|mask| u64::from_str_radix(&mask, 16).ok())
            .is_some_and(|mask| mask & (1 << CAP_SYS_PTRACE) != 0)
    })
}

fn has_capabilities(program: &Path) -> bool {
    // Larger than the attribute is in any version.
    let mut capabilities = [0u8; 64];
    let length = rustix::fs::getxattr(program, c"security.capability", &mut capabilities);
    length.is_ok_and(|length| length > 0)
}
