//! Where tracing would change what a program does, and what is known of that.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

use nix::unistd::{getegid, geteuid};

/// The capability that lets a tracer leave a program its privileges, by its number.
const CAP_SYS_PTRACE: u32 = 19;

/// Whether the program runs with more privileges than this process has, and would lose them under its tracer (ptrace(2),
/// execve(2)).
pub(super) fn gains_privileges(program: &Path) -> bool {
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

/// Whether a traced process that has just executed its program lost privileges by being traced.
pub(super) fn lost_privileges(pid: i32) -> bool {
    if may_trace_privileged() {
        return false;
    }
    let gives_none = field(pid, "NoNewPrivs:").is_some_and(|value| value == "1");
    !gives_none && gains_privileges(Path::new(&format!("/proc/{pid}/exe")))
}

/// Whether a program traces processes, as far as its dynamic symbols say so.
pub(in super::super) fn uses_ptrace(program: &Path) -> bool {
    crashrate_postmortem::linux::imports(program, "ptrace")
}

/// Whether a process is the first of a PID namespace that is not this process's. The kernel spares a traced one: the
/// signals of its faults do not end it.
pub(super) fn is_init_of_namespace(pid: i32) -> bool {
    field(pid, "NSpid:").is_some_and(|pids| {
        let mut pids = pids.split_whitespace();
        pids.next().is_some() && pids.next_back() == Some("1")
    })
}

fn may_trace_privileged() -> bool {
    static MAY: OnceLock<bool> = OnceLock::new();
    *MAY.get_or_init(|| {
        let own = std::process::id() as i32;
        let capabilities = field(own, "CapEff:");
        capabilities
            .and_then(|mask| u64::from_str_radix(&mask, 16).ok())
            .is_some_and(|mask| mask & (1 << CAP_SYS_PTRACE) != 0)
    })
}

fn has_capabilities(program: &Path) -> bool {
    let Ok(path) = CString::new(program.as_os_str().as_bytes()) else {
        return false;
    };
    // SAFETY: both texts end with a zero and outlive the call; no buffer is handed over, its size is asked for.
    let size = unsafe {
        libc::getxattr(
            path.as_ptr(),
            c"security.capability".as_ptr(),
            std::ptr::null_mut(),
            0,
        )
    };
    size > 0
}

/// A line of `/proc/PID/status`.
pub(super) fn field(pid: i32, name: &str) -> Option<String> {
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    let status = String::from_utf8_lossy(&status);
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().to_owned())
}
