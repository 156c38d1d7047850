//! The waits and ptrace requests of a tracer, as neither nix nor rustix has them: with real-time
//! signals, and peeking.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::time::Instant;

use super::super::alarm;

/// Children of every kind, but only those of this thread: other tracers wait for their own.
const OURS: libc::c_int = libc::__WALL | libc::__WNOTHREAD;

/// Whether a wait may block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocking {
    Yes,
    No,
    /// Until this time. Then the wait fails with [`io::ErrorKind::Interrupted`].
    Until(Instant),
}

/// How a tracee ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Exited,
    Killed(i32),
}

/// Why a tracee is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// This signal is about to be delivered.
    Signal(i32),
    /// This signal has stopped its whole process.
    Group(i32),
    /// `PTRACE_INTERRUPT`, or the first stop of a new tracee.
    Interrupt,
    Exec,
    Fork,
    Vfork,
    Clone,
    /// A thread is about to exit.
    Exit,
    Other,
}

/// What the kernel reports of a tracee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TraceeEvent {
    Ended(End),
    Stopped(Stop),
}

impl TraceeEvent {
    fn stopped(signal: i32, event: i32) -> TraceeEvent {
        TraceeEvent::Stopped(match event {
            0 => Stop::Signal(signal),
            libc::PTRACE_EVENT_STOP if signal == libc::SIGTRAP => Stop::Interrupt,
            libc::PTRACE_EVENT_STOP => Stop::Group(signal),
            libc::PTRACE_EVENT_EXEC => Stop::Exec,
            libc::PTRACE_EVENT_FORK => Stop::Fork,
            libc::PTRACE_EVENT_VFORK => Stop::Vfork,
            libc::PTRACE_EVENT_CLONE => Stop::Clone,
            libc::PTRACE_EVENT_EXIT => Stop::Exit,
            _ => Stop::Other,
        })
    }
}

/// The next event of a tracee of this thread, left in place: a stop stays until the tracee is
/// continued or [`take`] is called, an end until [`take`] is called. `None` only if not `blocking`.
pub(super) fn peek(blocking: Blocking) -> io::Result<Option<(i32, TraceeEvent)>> {
    let mut options = libc::WEXITED | libc::WSTOPPED | libc::WNOWAIT | OURS;
    if blocking == Blocking::No {
        options |= libc::WNOHANG;
    }
    // SAFETY: all fields of the structure are plain numbers, for which zero is a value.
    let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
    let mut wait = || {
        // SAFETY: the pointer is to a local of the right type that outlives the call.
        match unsafe { libc::waitid(libc::P_ALL, 0, &mut info, options) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    match blocking {
        Blocking::Until(due) => alarm::interrupted_at(due, wait)?,
        Blocking::Yes | Blocking::No => wait()?,
    }
    // SAFETY: waitid filled the structure, or left the zeros that mean that there is no event.
    let (tid, status) = unsafe { (info.si_pid(), info.si_status()) };
    let event = match info.si_code {
        libc::CLD_EXITED => TraceeEvent::Ended(End::Exited),
        libc::CLD_KILLED | libc::CLD_DUMPED => TraceeEvent::Ended(End::Killed(status)),
        // The ptrace event is in the upper bits: see PTRACE_O_TRACE* in ptrace(2).
        _ => TraceeEvent::stopped(status & 0x7f, status >> 8),
    };
    Ok((tid != 0).then_some((tid, event)))
}

/// Consumes the event of a tracee, if it has one. Reaps a tracee that has ended.
pub(super) fn take(tid: i32) -> Option<TraceeEvent> {
    let mut status = 0;
    // SAFETY: the pointer is to a local of the right type that outlives the call.
    let taken = unsafe { libc::waitpid(tid, &mut status, libc::WNOHANG | OURS) };
    if taken <= 0 {
        return None;
    }
    if libc::WIFSTOPPED(status) {
        return Some(TraceeEvent::stopped(libc::WSTOPSIG(status), status >> 16));
    }
    Some(TraceeEvent::Ended(if libc::WIFSIGNALED(status) {
        End::Killed(libc::WTERMSIG(status))
    } else {
        End::Exited
    }))
}

/// Continues a stopped tracee and delivers a signal (0: none). Returns whether it was still there.
pub(super) fn cont(tid: i32, signal: i32) -> bool {
    request(libc::PTRACE_CONT, tid, signal)
}

/// Detaches from a stopped tracee and delivers a signal to it.
pub(super) fn detach(tid: i32, signal: i32) {
    request(libc::PTRACE_DETACH, tid, signal);
}

/// Leaves a tracee in its group stop. The tracer is notified when that ends.
pub(super) fn listen(tid: i32) {
    request(libc::PTRACE_LISTEN, tid, 0);
}

fn request(what: libc::c_uint, tid: i32, data: i32) -> bool {
    // SAFETY: these requests take numbers and no memory; a wrong tracee is an error of the call.
    unsafe { libc::ptrace(what, tid, 0 as libc::c_long, libc::c_long::from(data)) == 0 }
}

/// Whether the thread belongs to the process.
pub(super) fn is_thread_of(pid: i32, tid: i32) -> bool {
    // SAFETY: a system call on numbers. Signal 0 only checks.
    unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, 0) == 0 }
}

/// Schedules this thread before others, where that is allowed. The kernel discards a stop that the
/// tracer has not seen when another thread of the process executes a program. On a loaded machine a
/// low nice value alone delays the tracer by milliseconds, so try a real-time policy first.
pub(super) fn raise_priority() {
    let lowest = libc::sched_param { sched_priority: 1 };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: system calls on numbers and a structure that outlives them. On Linux both affect only
    // this thread.
    unsafe {
        if libc::sched_setscheduler(0, policy, &lowest) != 0 {
            libc::setpriority(libc::PRIO_PROCESS, 0, -20);
        }
    }
}
