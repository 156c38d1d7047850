//! The processes that an attempt's process starts: who started whom, and which of them crash.

use std::collections::HashMap;
use std::fs;

use crashrate_postmortem::linux::{Died, Evidence};
use nix::sys::ptrace;
use nix::unistd::Pid;

use super::super::DescendantCrash;

/// The signals that stand for a crash: those that write a core dump by default, without the keyboard's.
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

/// A signal that was about to end a process.
struct Settled {
    signal: i32,
    program: String,
    /// Neither crashrate nor an ancestor sent it, and it stands for a crash.
    is_crash: bool,
}

/// The processes of an attempt.
#[derive(Default)]
pub(super) struct Family {
    /// The parent of each process, as it was when that one was started.
    parents: HashMap<i32, i32>,
    settled: HashMap<i32, Settled>,
    crashes: Vec<DescendantCrash>,
}

impl Family {
    pub(super) fn born(&mut self, child: i32, parent: i32) {
        self.parents.insert(child, parent);
    }

    /// A signal with its default disposition is about to be delivered to a thread of a process, and ends it.
    pub(super) fn settle(&mut self, pid: i32, tid: i32, signal: i32) {
        let is_crash = CRASH_SIGNALS.contains(&signal) && self.is_own_doing(pid, tid);
        self.settle_as(pid, signal, is_crash);
    }

    /// A process has died by a signal, and is still a zombie. No stop announces the death if another thread removed the
    /// handler of the signal after the stop; a signal that somebody sent always has one.
    pub(super) fn died_of(&mut self, pid: i32, signal: i32) {
        if CRASH_SIGNALS.contains(&signal) {
            self.settle_as(pid, signal, true);
        }
    }

    /// The first signal is the one that ends a process.
    fn settle_as(&mut self, pid: i32, signal: i32, is_crash: bool) {
        self.settled.entry(pid).or_insert_with(|| {
            let program = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
            Settled {
                signal,
                program: String::from_utf8_lossy(program.trim_ascii_end()).into_owned(),
                is_crash,
            }
        });
    }

    /// The signal that was about to end a process.
    pub(super) fn settled(&self, pid: i32) -> Option<i32> {
        self.settled.get(&pid).map(|settled| settled.signal)
    }

    /// A descendant is gone, or nothing more will be heard of it.
    pub(super) fn ended(&mut self, pid: i32, evidence: &Evidence) {
        let Some(settled) = self.settled.remove(&pid) else {
            return;
        };
        if !settled.is_crash || self.crashes.len() == MAX_CRASHES {
            return;
        }
        let died = Died {
            pid,
            signal: settled.signal,
        };
        self.crashes.push(DescendantCrash {
            program: settled.program,
            crash: evidence.of(died),
        });
    }

    pub(super) fn take_crashes(&mut self) -> Vec<DescendantCrash> {
        std::mem::take(&mut self.crashes)
    }

    /// Whether the signal came from the kernel, from the process itself or from one that is no ancestor of it.
    fn is_own_doing(&self, pid: i32, tid: i32) -> bool {
        let Ok(info) = ptrace::getsiginfo(Pid::from_raw(tid)) else {
            return true;
        };
        if info.si_code > 0 {
            return true;
        }
        // SAFETY: the kernel filled all of the structure; of a signal that somebody sent this is the sender.
        #[allow(unsafe_code)]
        let sender = unsafe { info.si_pid() };
        // Zero: from outside of its PID namespace, where its ancestors are.
        let own = std::process::id() as i32;
        sender == pid || (sender != 0 && sender != own && !self.is_ancestor(sender, pid))
    }

    fn is_ancestor(&self, ancestor: i32, pid: i32) -> bool {
        let mut at = pid;
        while let Some(&parent) = self.parents.get(&at) {
            if parent == ancestor {
                return true;
            }
            at = parent;
        }
        false
    }
}
