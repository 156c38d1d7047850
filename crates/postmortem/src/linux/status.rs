//! Process status from `/proc/PID/status`.

use std::fs;

/// Whether the signal's default action leaves the process running.
pub(super) fn is_harmless(signal: i32) -> bool {
    matches!(
        signal,
        libc::SIGCHLD
            | libc::SIGCONT
            | libc::SIGURG
            | libc::SIGWINCH
            | libc::SIGSTOP
            | libc::SIGTSTP
            | libc::SIGTTIN
            | libc::SIGTTOU
    )
}

/// The signal dispositions of a thread.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Dispositions {
    caught: u64,
    ignored: u64,
    blocked: u64,
    /// Whether the process has other threads.
    pub(super) has_siblings: bool,
    /// The process ID in the innermost PID namespace, by which signals name their sender.
    pub(super) pid_inside: Option<i32>,
}

impl Dispositions {
    pub(super) fn of(tid: i32) -> Option<Dispositions> {
        let status = status(tid)?;
        let mask = |name| u64::from_str_radix(field(&status, name)?, 16).ok();
        Some(Dispositions {
            caught: mask("SigCgt:")?,
            ignored: mask("SigIgn:")?,
            blocked: mask("SigBlk:")?,
            has_siblings: last_number(&status, "Threads:").is_some_and(|threads| threads > 1),
            pid_inside: last_number(&status, "NStgid:"),
        })
    }

    /// Whether this signal ends the process when delivered. A processor fault does so even if its
    /// signal is ignored or blocked.
    pub(super) fn kills(self, signal: i32, is_fault: bool) -> bool {
        if is_harmless(signal) {
            return false;
        }
        let has = |mask: u64| signal > 0 && mask & (1 << (signal - 1)) != 0;
        match is_fault {
            true => !has(self.caught) || has(self.blocked),
            false => !has(self.caught) && !has(self.ignored),
        }
    }
}

/// Reads the status lossily: the process name may contain any bytes.
fn status(tid: i32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{tid}/status")).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn last_number(status: &str, name: &str) -> Option<i32> {
    field(status, name)?.split_whitespace().last()?.parse().ok()
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim())
}

/// The peak resident memory of a live process so far, in bytes.
pub fn peak_memory(pid: i32) -> Option<u64> {
    let status = status(pid)?;
    let kib: u64 = field(&status, "VmHWM:")?
        .strip_suffix("kB")?
        .trim()
        .parse()
        .ok()?;
    Some(kib * 1024)
}

/// The name of a thread.
pub(super) fn thread_name(tid: i32) -> String {
    let name = fs::read(format!("/proc/{tid}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().to_owned()
}
