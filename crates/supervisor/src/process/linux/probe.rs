//! Checks the system calls that starting, waiting, tracing and killing need. Older kernels lack
//! some, and the seccomp profiles of containers refuse some.
//!
//! Each is called with arguments that have no effect: a seccomp filter looks at the number of the
//! call.
#![allow(unsafe_code)]

use std::io;
use std::ptr;

use crate::process::refused_call::RefusedCall;

/// A system call and a harmless use of it.
struct Probe {
    name: &'static str,
    /// What crashrate does without it. `None`: it cannot measure at all.
    without: Option<&'static str>,
    call: fn() -> libc::c_long,
    /// The errors that the call returns where it is allowed.
    expected: &'static [i32],
}

/// Returns the calls that are refused here.
pub(in crate::process) fn refused_calls() -> Vec<RefusedCall> {
    let refused = PROBES.iter().filter_map(|probe| {
        let error = probe.refused()?;
        Some(RefusedCall {
            name: probe.name,
            error: error.to_string(),
            without: probe.without,
        })
    });
    refused.collect()
}

impl Probe {
    fn refused(&self) -> Option<io::Error> {
        if (self.call)() >= 0 {
            return None;
        }
        let error = io::Error::last_os_error();
        let is_expected = error
            .raw_os_error()
            .is_some_and(|code| self.expected.contains(&code));
        (!is_expected).then_some(error)
    }
}

/// No process has this pid.
const NOBODY: libc::pid_t = i32::MAX;

const PROBES: &[Probe] = &[
    Probe {
        name: "waitid",
        without: None,
        call: || {
            // SAFETY: all fields of the structure are plain numbers, for which zero is a value.
            let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
            let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            // SAFETY: the pointer is to a local.
            (unsafe { libc::waitid(libc::P_PID, NOBODY as libc::id_t, &mut info, options) }).into()
        },
        expected: &[libc::ECHILD],
    },
    Probe {
        name: "wait4",
        without: None,
        call: || {
            // SAFETY: with null pointers the call writes nothing.
            (unsafe { libc::wait4(NOBODY, ptr::null_mut(), libc::WNOHANG, ptr::null_mut()) }).into()
        },
        expected: &[libc::ECHILD],
    },
    Probe {
        name: "kill",
        without: None,
        // SAFETY: signal 0 only checks.
        call: || (unsafe { libc::kill(libc::getpid(), 0) }).into(),
        expected: &[],
    },
    Probe {
        name: "epoll_create1",
        without: None,
        // SAFETY: the flags are invalid.
        call: || (unsafe { libc::epoll_create1(-1) }).into(),
        expected: &[libc::EINVAL],
    },
    Probe {
        name: "epoll_wait",
        without: None,
        // SAFETY: the array of events is empty.
        call: || (unsafe { libc::epoll_wait(-1, ptr::null_mut(), 0, 0) }).into(),
        expected: &[libc::EINVAL, libc::EBADF],
    },
    Probe {
        name: "epoll_ctl",
        without: None,
        // SAFETY: the descriptors are invalid.
        call: || (unsafe { libc::epoll_ctl(-1, libc::EPOLL_CTL_DEL, -1, ptr::null_mut()) }).into(),
        expected: &[libc::EBADF],
    },
    Probe {
        name: "ioctl",
        without: None,
        call: || {
            let mut count = 0;
            // SAFETY: the descriptor is invalid, so nothing is written.
            (unsafe { libc::ioctl(-1, libc::FIONREAD, &mut count) }).into()
        },
        expected: &[libc::EBADF],
    },
    Probe {
        name: "fcntl",
        without: None,
        // SAFETY: the descriptor is invalid.
        call: || (unsafe { libc::fcntl(-1, libc::F_GETFD) }).into(),
        expected: &[libc::EBADF],
    },
    Probe {
        name: "eventfd2",
        without: None,
        // SAFETY: the flags are invalid.
        call: || unsafe { libc::syscall(libc::SYS_eventfd2, 0, -1) },
        expected: &[libc::EINVAL],
    },
    Probe {
        name: "socketpair",
        without: None,
        // SAFETY: the domain is invalid, so nothing is written.
        call: || (unsafe { libc::socketpair(-1, 0, 0, ptr::null_mut()) }).into(),
        expected: &[libc::EAFNOSUPPORT, libc::EFAULT, libc::EINVAL],
    },
    Probe {
        name: "pipe2",
        without: None,
        // SAFETY: a null pointer is an error of the call.
        call: || unsafe { libc::syscall(libc::SYS_pipe2, ptr::null::<i32>(), 0) },
        expected: &[libc::EFAULT],
    },
    Probe {
        name: "prctl",
        without: Some(
            "only the guardian finds children of a killed crashrate, \
             and orphans are found by their environment",
        ),
        call: || {
            let mut signal = 0;
            // SAFETY: the pointer is to a local of the right type.
            (unsafe { libc::prctl(libc::PR_GET_PDEATHSIG, &mut signal) }).into()
        },
        expected: &[],
    },
    Probe {
        name: "pidfd_open",
        without: Some("the end of a child is found by polling"),
        // SAFETY: a system call on numbers; the descriptor is closed again.
        call: || unsafe {
            let fd = libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0);
            if fd >= 0 {
                libc::close(fd as i32);
            }
            fd
        },
        expected: &[libc::EMFILE, libc::ENFILE],
    },
    Probe {
        name: "timer_create",
        without: Some("the end of a short attempt is found by polling"),
        // SAFETY: null pointers are an error of the call.
        call: || unsafe {
            libc::syscall(
                libc::SYS_timer_create,
                -1,
                ptr::null::<u8>(),
                ptr::null::<u8>(),
            )
        },
        expected: &[libc::EFAULT, libc::EINVAL],
    },
    Probe {
        name: "timer_settime",
        without: Some("the end of a short attempt is found by polling"),
        // SAFETY: null pointers are an error of the call.
        call: || unsafe {
            libc::syscall(
                libc::SYS_timer_settime,
                -1,
                0,
                ptr::null::<u8>(),
                ptr::null::<u8>(),
            )
        },
        expected: &[libc::EFAULT, libc::EINVAL],
    },
    Probe {
        name: "tgkill",
        without: Some("nothing is traced, and the end of a short attempt is found by polling"),
        // SAFETY: signal 0 only checks.
        call: || unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), 0) },
        expected: &[],
    },
    Probe {
        name: "ptrace",
        without: Some("nothing is traced: crashes have no location"),
        // SAFETY: a process that does not exist is an error of the call.
        call: || unsafe { libc::ptrace(libc::PTRACE_INTERRUPT, NOBODY, 0, 0) },
        expected: &[libc::ESRCH],
    },
    Probe {
        name: "process_vm_readv",
        without: Some("memory is read from /proc/PID/mem"),
        // SAFETY: there are no ranges to read.
        call: || unsafe {
            let none = ptr::null::<libc::iovec>();
            libc::process_vm_readv(libc::getpid(), none, 0, none, 0, 0) as libc::c_long
        },
        expected: &[],
    },
    Probe {
        name: "prlimit64",
        without: None,
        call: || {
            // SAFETY: all fields are plain numbers, for which zero is a value.
            let mut limit: libc::rlimit = unsafe { std::mem::zeroed() };
            // SAFETY: the pointers are to a local and null, so nothing is set.
            (unsafe { libc::prlimit(0, libc::RLIMIT_CORE, ptr::null(), &mut limit) }).into()
        },
        expected: &[],
    },
];

/// Whether the calls that interrupting a thread needs are allowed.
pub(super) fn has_alarms() -> bool {
    let needed = ["timer_create", "timer_settime", "tgkill"];
    PROBES
        .iter()
        .filter(|probe| needed.contains(&probe.name))
        .all(|probe| probe.refused().is_none())
}
