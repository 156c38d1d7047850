//! The processes of an attempt: their parents, and the signals they die of.

use std::collections::HashMap;
use std::fs;

use crashrate_postmortem::linux::{Died, Evidence};
use nix::sys::ptrace;
use nix::unistd::Pid;

use crate::process::DescendantCrash;

/// The signals that mean a crash: those that dump core by default, except SIGQUIT of the keyboard.
const CRASH_SIGNALS: [i32; 9] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGXCPU,
    libc::SIGXFSZ,
];
/// The most crashes of descendants that are kept of an attempt.
const MAX_CRASHES: usize = 64;

/// A signal that ends a process.
struct Fatal {
    signal: i32,
    /// The name of the process's program.
    program: String,
    /// It means a crash, and neither crashrate nor an ancestor sent it.
    is_crash: bool,
    /// The kernel ended the thread before the signal reached it. Either the process dies of another
    /// thread's signal, which a SIGKILL would replace, or another thread executes a program.
    is_overtaken: bool,
}

#[derive(Default)]
struct Process {
    parent: Option<i32>,
    /// The fatal signal that is being delivered to one of its threads.
    fatal: Option<Fatal>,
    /// The signals of faults that it was seen to handle.
    handled: Vec<i32>,
}

/// The processes of an attempt. Those that have ended keep their parent.
#[derive(Default)]
pub(super) struct ProcessTree {
    processes: HashMap<i32, Process>,
    crashes: Vec<DescendantCrash>,
}

impl ProcessTree {
    pub(super) fn add(&mut self, child: i32, parent: i32) {
        self.process(child).parent = Some(parent);
    }

    fn process(&mut self, pid: i32) -> &mut Process {
        self.processes.entry(pid).or_default()
    }

    /// A signal with its default disposition is about to be delivered to a thread of the process.
    pub(super) fn receives_fatal(&mut self, pid: i32, tid: i32, signal: i32) {
        let is_crash = CRASH_SIGNALS.contains(&signal) && !self.was_sent_on_purpose(pid, tid);
        self.set_fatal(pid, signal, is_crash);
    }

    /// A process has been killed by a signal and is a zombie. Usually a stop announced the signal,
    /// and always if somebody sent it. None did for a fault whose handler another thread removed
    /// after the stop.
    pub(super) fn was_killed(&mut self, pid: i32, signal: i32) {
        if CRASH_SIGNALS.contains(&signal) {
            self.set_fatal(pid, signal, true);
        }
    }

    /// Only the first fatal signal counts.
    fn set_fatal(&mut self, pid: i32, signal: i32, is_crash: bool) {
        let process = self.process(pid);
        if process.fatal.is_some() {
            return;
        }
        let program = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
        process.fatal = Some(Fatal {
            signal,
            program: String::from_utf8_lossy(program.trim_ascii_end()).into_owned(),
            is_crash,
            is_overtaken: false,
        });
    }

    pub(super) fn fatal_signal(&self, pid: i32) -> Option<i32> {
        let fatal = self.processes.get(&pid)?.fatal.as_ref();
        fatal.map(|fatal| fatal.signal)
    }

    /// The kernel ended a thread of the dying process before the fatal signal reached it.
    pub(super) fn set_overtaken(&mut self, pid: i32) {
        if let Some(fatal) = &mut self.process(pid).fatal {
            fatal.is_overtaken = true;
        }
    }

    /// Whether the process was overtaken. It is not any more.
    pub(super) fn take_overtaken(&mut self, pid: i32) -> bool {
        let process = self.processes.get_mut(&pid);
        let fatal = process.and_then(|process| process.fatal.as_mut());
        fatal.is_some_and(|fatal| std::mem::take(&mut fatal.is_overtaken))
    }

    /// The process was seen to handle the signal of a fault.
    pub(super) fn set_handled(&mut self, pid: i32, signal: i32) {
        let handled = &mut self.process(pid).handled;
        if !handled.contains(&signal) {
            handled.push(signal);
        }
    }

    pub(super) fn has_handled(&self, pid: i32, signal: i32) -> bool {
        let process = self.processes.get(&pid);
        process.is_some_and(|process| process.handled.contains(&signal))
    }

    /// A descendant has ended, or is not traced any more. Keeps its crash.
    pub(super) fn ended(&mut self, pid: i32, evidence: &Evidence) {
        let process = self.processes.get_mut(&pid);
        let Some(fatal) = process.and_then(|process| process.fatal.take()) else {
            return;
        };
        if !fatal.is_crash || self.crashes.len() == MAX_CRASHES {
            return;
        }
        let died = Died {
            pid,
            signal: fatal.signal,
        };
        self.crashes.push(DescendantCrash {
            program: fatal.program,
            crash: evidence.of(died),
        });
    }

    pub(super) fn take_crashes(&mut self) -> Vec<DescendantCrash> {
        std::mem::take(&mut self.crashes)
    }

    /// Whether crashrate or an ancestor of the process sent the signal.
    fn was_sent_on_purpose(&self, pid: i32, tid: i32) -> bool {
        let Ok(info) = ptrace::getsiginfo(Pid::from_raw(tid)) else {
            return false;
        };
        // The kernel raised it.
        if info.si_code > 0 {
            return false;
        }
        // SAFETY: the kernel filled all of the structure; for a signal that was sent this is the
        // sender.
        #[allow(unsafe_code)]
        let sender = unsafe { info.si_pid() };
        let own = std::process::id().cast_signed();
        // 0: a process outside of its PID namespace, where its ancestors are.
        sender != pid && (sender == 0 || sender == own || self.is_ancestor(sender, pid))
    }

    fn is_ancestor(&self, ancestor: i32, pid: i32) -> bool {
        let parent_of = |pid| self.processes.get(&pid).and_then(|process| process.parent);
        std::iter::successors(parent_of(pid), |&pid| parent_of(pid)).any(|pid| pid == ancestor)
    }
}
