//! Whether the system calls that starting, waiting, tracing and killing need are there: older kernels lack some, and the
//! seccomp profiles of containers refuse some.
//!
//! Each is called with arguments that change nothing. A filter refuses by number, whatever the arguments are.
#![allow(unsafe_code)]

use std::io;
use std::ptr;

use crate::process::RefusedCall;

/// A call, and what is done without it; nothing if nothing can be measured then.
struct Probe {
    name: &'static str,
    without: Option<&'static str>,
    call: fn() -> libc::c_long,
    /// The errors with which the call answers when it is there.
    answers: &'static [i32],
}

/// The calls that are refused here.
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
        let is_answer = error
            .raw_os_error()
            .is_some_and(|code| self.answers.contains(&code));
        (!is_answer).then_some(error)
    }
}

/// No process has this number.
const NOBODY: libc::pid_t = i32::MAX;

const PROBES: &[Probe] = &[
    Probe {
        name: "waitid",
        without: None,
        call: || {
            // SAFETY: all fields of the structure are plain numbers, for which zero is a value; the pointer is to a local.
            let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
            let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            // SAFETY: as above.
            (unsafe { libc::waitid(libc::P_PID, NOBODY as libc::id_t, &mut info, options) }).into()
        },
        answers: &[libc::ECHILD],
    },
    Probe {
        name: "wait4",
        without: None,
        call: || {
            // SAFETY: null pointers say that nothing is to be written.
            (unsafe { libc::wait4(NOBODY, ptr::null_mut(), libc::WNOHANG, ptr::null_mut()) }).into()
        },
        answers: &[libc::ECHILD],
    },
    Probe {
        name: "kill",
        without: None,
        // SAFETY: signal 0 is sent to nobody.
        call: || (unsafe { libc::kill(libc::getpid(), 0) }).into(),
        answers: &[],
    },
    Probe {
        name: "epoll_create1",
        without: None,
        // SAFETY: a system call on a number that is no flag.
        call: || (unsafe { libc::epoll_create1(-1) }).into(),
        answers: &[libc::EINVAL],
    },
    Probe {
        name: "epoll_wait",
        without: None,
        // SAFETY: no events are asked for.
        call: || (unsafe { libc::epoll_wait(-1, ptr::null_mut(), 0, 0) }).into(),
        answers: &[libc::EINVAL, libc::EBADF],
    },
    Probe {
        name: "epoll_ctl",
        without: None,
        // SAFETY: the descriptors are none.
        call: || (unsafe { libc::epoll_ctl(-1, libc::EPOLL_CTL_DEL, -1, ptr::null_mut()) }).into(),
        answers: &[libc::EBADF],
    },
    Probe {
        name: "ioctl",
        without: None,
        call: || {
            let mut count = 0;
            // SAFETY: the descriptor is none, so nothing is written.
            (unsafe { libc::ioctl(-1, libc::FIONREAD, &mut count) }).into()
        },
        answers: &[libc::EBADF],
    },
    Probe {
        name: "fcntl",
        without: None,
        // SAFETY: the descriptor is none.
        call: || (unsafe { libc::fcntl(-1, libc::F_GETFD) }).into(),
        answers: &[libc::EBADF],
    },
    Probe {
        name: "eventfd2",
        without: None,
        // SAFETY: a system call on numbers that are no flags.
        call: || unsafe { libc::syscall(libc::SYS_eventfd2, 0, -1) },
        answers: &[libc::EINVAL],
    },
    Probe {
        name: "socketpair",
        without: None,
        // SAFETY: the domain is none, so nothing is written.
        call: || (unsafe { libc::socketpair(-1, 0, 0, ptr::null_mut()) }).into(),
        answers: &[libc::EAFNOSUPPORT, libc::EFAULT, libc::EINVAL],
    },
    Probe {
        name: "pipe2",
        without: None,
        // SAFETY: a null pointer is an error of the call.
        call: || unsafe { libc::syscall(libc::SYS_pipe2, ptr::null::<i32>(), 0) },
        answers: &[libc::EFAULT],
    },
    Probe {
        name: "prctl",
        without: Some(
            "children of a killed crashrate are found by the guardian alone, and orphans by their environment",
        ),
        call: || {
            let mut signal = 0;
            // SAFETY: the pointer is to a local of the right type.
            (unsafe { libc::prctl(libc::PR_GET_PDEATHSIG, &mut signal) }).into()
        },
        answers: &[],
    },
    Probe {
        name: "pidfd_open",
        without: Some("the end of a child is polled for"),
        // SAFETY: a system call on numbers; the descriptor is closed again.
        call: || unsafe {
            let fd = libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0);
            if fd >= 0 {
                libc::close(fd as i32);
            }
            fd
        },
        answers: &[libc::EMFILE, libc::ENFILE],
    },
    Probe {
        name: "timer_create",
        without: Some("the end of a short attempt is polled for"),
        // SAFETY: null pointers are an error of the call.
        call: || unsafe {
            libc::syscall(
                libc::SYS_timer_create,
                -1,
                ptr::null::<u8>(),
                ptr::null::<u8>(),
            )
        },
        answers: &[libc::EFAULT, libc::EINVAL],
    },
    Probe {
        name: "timer_settime",
        without: Some("the end of a short attempt is polled for"),
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
        answers: &[libc::EFAULT, libc::EINVAL],
    },
    Probe {
        name: "tgkill",
        without: Some("nothing is traced, and the end of a short attempt is polled for"),
        // SAFETY: signal 0 is sent to nobody.
        call: || unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), 0) },
        answers: &[],
    },
    Probe {
        name: "ptrace",
        without: Some("nothing is traced: crashes have no place"),
        // SAFETY: a process that does not exist is an error of the call.
        call: || unsafe { libc::ptrace(libc::PTRACE_INTERRUPT, NOBODY, 0, 0) },
        answers: &[libc::ESRCH],
    },
    Probe {
        name: "process_vm_readv",
        without: Some("memory is read from /proc/PID/mem"),
        // SAFETY: no ranges are handed over.
        call: || unsafe {
            let none = ptr::null::<libc::iovec>();
            libc::process_vm_readv(libc::getpid(), none, 0, none, 0, 0) as libc::c_long
        },
        answers: &[],
    },
    Probe {
        name: "prlimit64",
        without: None,
        call: || {
            // SAFETY: all fields are plain numbers, for which zero is a value; the pointer is to a local.
            let mut limit: libc::rlimit = unsafe { std::mem::zeroed() };
            // SAFETY: as above; nothing is set.
            (unsafe { libc::prlimit(0, libc::RLIMIT_CORE, ptr::null(), &mut limit) }).into()
        },
        answers: &[],
    },
];

/// Whether the alarm of a thread can be used: all of its calls are there.
pub(super) fn has_alarms() -> bool {
    let needed = ["timer_create", "timer_settime", "tgkill"];
    PROBES
        .iter()
        .filter(|probe| needed.contains(&probe.name))
        .all(|probe| probe.refused().is_none())
}
