//! The system calls of a tracer that no crate has as they are needed: with every signal, and peeking.

use std::io;
use std::mem;
use std::sync::Once;

/// Every kind of child, of this thread alone: what another thread traces is none of its business.
const OURS: libc::c_int = libc::__WALL | libc::__WNOTHREAD;

/// What a tracee says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is gone, by this signal (0: by itself).
    Ended(i32),
    /// It is stopped, with this signal, for this ptrace event (0: the signal is being delivered).
    Stopped { signal: i32, event: i32 },
}

/// The next thing that a tracee of this thread has to say, and which one, without taking it: a stop is over when the tracee
/// goes on, and an end when it is taken. Nothing only if it should not `block`.
pub(super) fn peek(block: bool) -> io::Result<Option<(i32, Said)>> {
    let options = libc::WEXITED | libc::WSTOPPED | libc::WNOWAIT | OURS;
    let options = if block {
        options
    } else {
        options | libc::WNOHANG
    };
    // SAFETY: all fields of the structure are plain numbers, for which zero is a value.
    let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
    // SAFETY: the pointer is to a local of the right type that outlives the call.
    if unsafe { libc::waitid(libc::P_ALL, 0, &mut info, options) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: waitid filled the structure, or left the zeros that say that there was nothing.
    let (tid, status) = unsafe { (info.si_pid(), info.si_status()) };
    let said = match info.si_code {
        libc::CLD_EXITED => Said::Ended(0),
        libc::CLD_KILLED | libc::CLD_DUMPED => Said::Ended(status),
        // The event stands where the exit code of an ended one would: see ptrace(2).
        _ => Said::Stopped {
            signal: status & 0x7f,
            event: status >> 8,
        },
    };
    Ok((tid != 0).then_some((tid, said)))
}

/// Takes what a tracee has to say, if anything.
pub(super) fn take(tid: i32) -> Option<Said> {
    let mut status = 0;
    // SAFETY: the pointer is to a local of the right type that outlives the call.
    let taken = unsafe { libc::waitpid(tid, &mut status, libc::WNOHANG | OURS) };
    if taken <= 0 {
        return None;
    }
    if libc::WIFSTOPPED(status) {
        return Some(Said::Stopped {
            signal: libc::WSTOPSIG(status),
            event: status >> 16,
        });
    }
    match libc::WIFSIGNALED(status) {
        true => Some(Said::Ended(libc::WTERMSIG(status))),
        false => Some(Said::Ended(0)),
    }
}

/// Lets a stopped tracee go on, with this signal (0: none). One that is gone needs no telling.
pub(super) fn go_on(tid: i32, signal: i32) {
    try_go_on(tid, signal);
}

/// The same, and whether the tracee was still there.
pub(super) fn try_go_on(tid: i32, signal: i32) -> bool {
    request(libc::PTRACE_CONT, tid, signal)
}

/// Ends the tracing of a stopped tracee, which goes on with this signal.
pub(super) fn detach(tid: i32, signal: i32) {
    request(libc::PTRACE_DETACH, tid, signal);
}

/// Leaves a tracee in the group stop that it is in, and hears when that ends.
pub(super) fn stay_stopped(tid: i32) {
    request(libc::PTRACE_LISTEN, tid, 0);
}

fn request(what: libc::c_uint, tid: i32, data: i32) -> bool {
    // SAFETY: these requests take numbers and no memory; a wrong tracee is an error of the call.
    unsafe { libc::ptrace(what, tid, 0 as libc::c_long, libc::c_long::from(data)) == 0 }
}

/// Whether the thread belongs to the process.
pub(super) fn is_thread_of(pid: i32, tid: i32) -> bool {
    // SAFETY: a system call on numbers; signal 0 is sent to nobody.
    unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, 0) == 0 }
}

/// The number of this thread.
pub(super) fn this_thread() -> i32 {
    nix::unistd::gettid().as_raw()
}

/// Lets [`wake`] interrupt a blocking call of this thread, even if this program's parent had blocked the signal.
pub(super) fn can_be_woken() {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
    extern "C" fn nothing(_: libc::c_int) {}
    static HANDLED: Once = Once::new();
    HANDLED.call_once(|| {
        let handler = SigHandler::Handler(nothing);
        let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
        // SAFETY: the handler does nothing. Nobody here uses this signal otherwise, and exec resets it in children.
        if let Err(error) = unsafe { sigaction(Signal::SIGURG, &action) } {
            tracing::warn!("threads cannot be woken: {error}");
        }
    });
    let mut urgent = SigSet::empty();
    urgent.add(Signal::SIGURG);
    // It fails only for what is no signal.
    let _ = urgent.thread_unblock();
}

/// Runs this thread before others, where that is allowed: a stop that its tracer does not see before another thread executes
/// a program is lost. On a loaded machine a low nice value alone delays the tracer by milliseconds.
pub(super) fn run_first() {
    let lowest = libc::sched_param { sched_priority: 1 };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: system calls on numbers and a structure that outlives them. On Linux both change this thread alone.
    unsafe {
        if libc::sched_setscheduler(0, policy, &lowest) != 0 {
            libc::setpriority(libc::PRIO_PROCESS, 0, -20);
        }
    }
}

/// Interrupts a thread of this process that waits.
pub(super) fn wake(tid: i32) {
    // SAFETY: a system call on numbers; the signal's handler does nothing.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), tid, libc::SIGURG) };
}
