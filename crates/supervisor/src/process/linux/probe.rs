//! Checks the system calls that starting, waiting, tracing and killing need. Older kernels lack
//! some, and the seccomp profiles of containers refuse some.
#![allow(unsafe_code)]

use std::io;

use super::tracer::EPOLL_WAIT;
use crate::process::refused_call::{RefusedCall, is_refusal};

/// The name and the number of a system call.
type Call = (&'static str, libc::c_long);

/// Without these crashrate cannot measure at all.
const NEEDED: [Call; 12] = [
    ("waitid", libc::SYS_waitid),
    ("wait4", libc::SYS_wait4),
    ("kill", libc::SYS_kill),
    ("epoll_create1", libc::SYS_epoll_create1),
    ("epoll_wait", EPOLL_WAIT),
    ("epoll_ctl", libc::SYS_epoll_ctl),
    ("ioctl", libc::SYS_ioctl),
    ("fcntl", libc::SYS_fcntl),
    ("eventfd2", libc::SYS_eventfd2),
    ("socketpair", libc::SYS_socketpair),
    ("pipe2", libc::SYS_pipe2),
    ("prlimit64", libc::SYS_prlimit64),
];

const TIMER_CREATE: Call = ("timer_create", libc::SYS_timer_create);
const TIMER_SETTIME: Call = ("timer_settime", libc::SYS_timer_settime);
const TGKILL: Call = ("tgkill", libc::SYS_tgkill);

/// The other calls, and what crashrate does without each.
const OPTIONAL: [(Call, &str); 7] = [
    (
        ("prctl", libc::SYS_prctl),
        "only the guardian finds children of a killed crashrate, \
         and orphans are found by their environment",
    ),
    (
        ("pidfd_open", libc::SYS_pidfd_open),
        "the end of a child is found by polling",
    ),
    (
        TIMER_CREATE,
        "the end of a short attempt is found by polling",
    ),
    (
        TIMER_SETTIME,
        "the end of a short attempt is found by polling",
    ),
    (
        TGKILL,
        "nothing is traced, and the end of a short attempt is found by polling",
    ),
    (
        ("ptrace", libc::SYS_ptrace),
        "nothing is traced: crashes have no location",
    ),
    (
        ("process_vm_readv", libc::SYS_process_vm_readv),
        "memory is read from /proc/PID/mem",
    ),
];

/// Returns the calls that are refused here.
pub(in crate::process) fn refused_calls() -> Vec<RefusedCall> {
    let needed = NEEDED.map(|call| (call, None));
    let optional = OPTIONAL.map(|(call, without)| (call, Some(without)));
    let refused = needed.into_iter().chain(optional);
    let refused = refused.filter_map(|(call, without)| {
        Some(RefusedCall {
            name: call.0,
            error: refusal(call)?.to_string(),
            without,
        })
    });
    refused.collect()
}

/// Whether the calls that interrupting a thread needs are allowed.
pub(super) fn has_alarms() -> bool {
    let needed = [TIMER_CREATE, TIMER_SETTIME, TGKILL];
    needed.into_iter().all(|call| refusal(call).is_none())
}

/// The error of a call that is refused. A seccomp filter looks at the number of the call, so the
/// call is made with arguments that are invalid for each of them.
fn refusal((_, number): Call) -> Option<io::Error> {
    // No process, no descriptor, no option and no timer has this number.
    let nothing = libc::c_long::from(i32::MAX);
    let (invalid, zero): (libc::c_long, libc::c_long) = (-1, 0);
    // SAFETY: -1 is no valid set of flags, and an address that cannot be written.
    let done = unsafe { libc::syscall(number, nothing, invalid, zero, zero, zero, zero) };
    let error = io::Error::last_os_error();
    (done < 0 && is_refusal(&error)).then_some(error)
}
