//! Traces the processes of attempts with ptrace(2), to see why they die.
//!
//! No system call is traced. A process stops only for signals, at an exec, and when it starts a
//! thread or another process; in between it runs at full speed.
//!
//! A tracer is a thread, and only that thread may wait for its tracees. [`exec_loop`] traces the
//! children that a slot spawns, [`zygote_loop`] a zygote and the children it forks. Both keep what
//! they see in a [`table::TraceTable`].

mod capture_hang;
mod disturbance;
mod exec_loop;
mod hang;
mod perturb;
mod process_tree;
mod reissue;
mod start_barrier;
mod sys;
mod table;
mod thread;
mod zygote_loop;

use std::sync::LazyLock;

use crashrate_postmortem::linux::Images;
use nix::sys::ptrace::{self, Options};
use nix::unistd::Pid;

use super::probe;

pub(super) use capture_hang::capture_untraced;
pub(super) use disturbance::gains_privileges;
pub(in crate::process) use disturbance::uses_ptrace;
pub(super) use exec_loop::{ExecTracer, Finish};
pub(super) use reissue::EPOLL_WAIT;
pub(in crate::process) use start_barrier::ChildEnd;
pub(super) use start_barrier::StartBarrier;
pub(super) use thread::{Order, Report, Reuse, TracerThread};
pub(super) use zygote_loop::start_zygote_tracer;

/// The events that stop a tracee, besides signals. A tracee dies with its tracer.
const OPTIONS: Options = Options::PTRACE_O_EXITKILL
    .union(Options::PTRACE_O_TRACECLONE)
    .union(Options::PTRACE_O_TRACEEXEC)
    .union(Options::PTRACE_O_TRACEFORK)
    .union(Options::PTRACE_O_TRACEVFORK);

/// The further events at which a tracee stops to be delayed.
const DELAY_OPTIONS: Options = OPTIONS.union(Options::PTRACE_O_TRACEEXIT);

/// The programs and libraries read so far. They hardly differ between attempts and runs.
pub(super) static IMAGES: LazyLock<Images> = LazyLock::new(Images::default);

/// Whether this process may be traced.
///
/// # Errors
/// It may not; says why.
pub(in crate::process) fn can_trace(pid: Pid) -> Result<(), String> {
    if !probe::has_alarms() {
        return Err("tgkill(2) or the timers that wake a tracer are refused".to_owned());
    }
    // In another thread, whose end detaches from the process.
    let seized = std::thread::spawn(move || ptrace::seize(pid, Options::empty())).join();
    match seized {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.desc().to_owned()),
        Err(_) => Err("its thread failed".to_owned()),
    }
}
