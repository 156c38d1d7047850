//! Handling the events of tracees.

use std::collections::HashSet;
use std::fs;
use std::io;

use crashrate_postmortem::linux::peak_memory;
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::sys::{self, Blocking, End, Stop, TraceeEvent};
use super::super::{IMAGES, disturbance};
use super::{Leader, TraceTable, Tracee, Zygote};

/// The most programs that are remembered.
const MAX_PROGRAMS: usize = 64;

impl TraceTable {
    /// Handles the next event and returns it. `None`: there was none, or the zygote has ended.
    ///
    /// The tracees in `held` stay in the stop that `PTRACE_INTERRUPT` asked for.
    pub(in super::super) fn handle_next(
        &mut self,
        blocking: Blocking,
        held: &HashSet<i32>,
    ) -> io::Result<Option<(i32, TraceeEvent)>> {
        let Some((tid, event)) = sys::peek(blocking)? else {
            return Ok(None);
        };
        match event {
            TraceeEvent::Ended(end) if self.leader() == Some(tid) => {
                self.leader = Leader::Ended(tid, end);
                // A zygote can reap its child only when the tracer has. A spawned leader stays a
                // zombie until its slot reaps it, so that its pid, and its group's, stays taken.
                if !matches!(self.zygote, Zygote::None) {
                    sys::take(tid);
                }
            }
            TraceeEvent::Ended(_) if self.is_zygote(tid) => {
                self.zygote = Zygote::Ended(tid);
                return Ok(None);
            }
            TraceeEvent::Ended(end) => {
                if let End::Killed(signal) = end
                    && self.pid_of(tid) == Some(tid)
                {
                    self.processes.was_killed(tid, signal);
                }
                sys::take(tid);
                self.ended(tid, end);
            }
            // Consumed, or the next peek would return it again.
            TraceeEvent::Stopped(Stop::Group(_) | Stop::Interrupt) if held.contains(&tid) => {
                sys::take(tid);
            }
            TraceeEvent::Stopped(stop) => self.stopped(tid, stop),
        }
        Ok(Some((tid, event)))
    }

    /// Handles the events that are there when the zygote has ended. To wait for any event would
    /// return the zygote's end again and again, which must be left to the thread that reaps it.
    pub(in super::super) fn handle_orphans(&mut self) {
        for tid in self.tids() {
            self.take_event_of(tid);
        }
    }

    /// Handles the event of a tracee, if it has one. Returns whether it had.
    pub(super) fn take_event_of(&mut self, tid: i32) -> bool {
        match sys::take(tid) {
            Some(TraceeEvent::Ended(end)) if self.leader() == Some(tid) => {
                self.leader = Leader::Ended(tid, end);
            }
            Some(TraceeEvent::Ended(end)) => self.ended(tid, end),
            Some(TraceeEvent::Stopped(stop)) => self.stopped(tid, stop),
            None => return false,
        }
        true
    }

    /// A thread has ended and was reaped.
    pub(super) fn ended(&mut self, tid: i32, end: End) {
        let pid = self.pid_of(tid);
        self.forget(tid);
        match pid {
            Some(pid) if pid == tid => {
                if let Some(perturber) = &mut self.perturber {
                    perturber.gone(pid);
                }
                self.processes.ended(tid, &self.evidence);
                self.evidence.forget(tid);
                // Before the leader's end it was not crashrate that killed it.
                if self.leader_has_ended() && end == End::Killed(libc::SIGKILL) {
                    self.left_behind += 1;
                }
            }
            Some(_) => {}
            None => {
                self.unseen_clones -= 1;
                self.tracees.insert(tid, Tracee::EndedUnannounced);
            }
        }
    }

    fn stopped(&mut self, tid: i32, stop: Stop) {
        // Reap the exec stop before PTRACE_CONT: after exec the tid may be the former leader's, and
        // the kernel refuses to continue it until the stop was consumed.
        if stop == Stop::Exec {
            sys::take(tid);
        }
        if self.is_zygote(tid) {
            return self.zygote_stopped(tid, stop);
        }
        let is_new = self.pid_of(tid).is_none();
        let pid = self.process_of(tid);
        match stop {
            Stop::Signal(signal) => return self.deliver(pid, tid, signal),
            Stop::Group(_) => return sys::listen(tid),
            Stop::Exec if self.processes.take_overtaken(pid) => {
                // Without a tracer the fatal signal would have come before the exec.
                tracing::debug!(pid, "killed at its exec: it was dying of a signal");
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                return;
            }
            Stop::Exec => self.executed(pid, tid),
            Stop::Fork | Stop::Vfork => {
                self.is_multi_process = true;
                // Its own parent may end before the new process is seen, so add it now.
                if let Some(child) = new_process(tid) {
                    self.forked(child, pid, stop == Stop::Vfork);
                    self.announced(child, pid);
                }
            }
            Stop::Clone => self.unseen_clones += 1,
            Stop::Interrupt => return self.interrupted(tid, is_new),
            Stop::Exit => return self.exits(tid),
            Stop::Other => {}
        }
        sys::cont(tid, 0);
    }

    fn zygote_stopped(&mut self, zygote: i32, stop: Stop) {
        if stop == Stop::Fork
            && let Some(child) = new_process(zygote)
        {
            tracing::debug!(pid = child, zygote, "traced");
            // Starts anew: the child may have been seen already, before it was the leader.
            *self = TraceTable::new(self.zygote, Leader::Running(child));
        }
        match stop {
            Stop::Group(_) => sys::listen(zygote),
            Stop::Signal(signal) => drop(sys::cont(zygote, signal)),
            _ => drop(sys::cont(zygote, 0)),
        }
    }

    /// A fork event has named a new process.
    fn announced(&mut self, child: i32, parent: i32) {
        self.processes.add(child, parent);
        match self.tracees.get(&child) {
            Some(Tracee::EndedUnannounced) => drop(self.tracees.remove(&child)),
            Some(&(Tracee::Alive(pid) | Tracee::Unannounced(pid))) => self.add(child, pid),
            None => self.add(child, child),
        }
    }

    fn executed(&mut self, pid: i32, tid: i32) {
        // The exec has ended all other threads, and the calling one now has the process's number.
        let is_other = |(thread, of): &(i32, i32)| *of == pid && *thread != tid;
        for (other, _) in self.threads().filter(is_other).collect::<Vec<_>>() {
            self.forget(other);
        }
        self.evidence.forget(pid);
        if let Some(perturber) = &mut self.perturber {
            perturber.executed(pid);
        }
        // Not read as a path of this process: the tracee's mount namespace may be another.
        let program = fs::read_link(format!("/proc/{tid}/exe"));
        tracing::debug!(pid, ?program, "exec stop");
        if disturbance::lost_privileges(tid) {
            let program = program.as_deref().unwrap_or("".as_ref()).display();
            self.disturbed.get_or_insert_with(|| {
                format!(
                    "{program} is set-uid, set-gid or has capabilities, which its tracer took away"
                )
            });
        }
        if self.programs.len() < MAX_PROGRAMS
            && let Ok(program) = program
            && !self.programs.contains(&program)
        {
            self.programs.push(program);
        }
    }
}

/// Signals that are about to be delivered.
impl TraceTable {
    /// Lets a signal be delivered to a thread.
    fn deliver(&mut self, pid: i32, tid: i32, signal: i32) {
        if signal == libc::SIGTRAP && self.trapped(pid, tid) {
            return;
        }
        self.reissue.check(tid, signal);
        if self.is_fatal(pid, tid, signal) {
            tracing::debug!(pid, tid, signal, "fatal signal");
            if self.leader() == Some(pid) {
                self.peak_at = peak_memory(pid).map(|bytes| (signal, bytes));
            }
            self.processes.receives_fatal(pid, tid, signal);
            self.learn(pid, tid);
        }
        let is_dying = self.processes.fatal_signal(pid).is_some();
        if is_dying && disturbance::is_init_of_namespace(pid) {
            // While it is traced the kernel would not end it, and it would fault for ever.
            sys::detach(tid, signal);
            self.forget(tid);
            self.processes.ended(pid, &self.evidence);
            return;
        }
        let was_there = sys::cont(tid, signal);
        if is_dying && !was_there {
            self.processes.set_overtaken(pid);
        }
    }

    fn is_fatal(&mut self, pid: i32, tid: i32, signal: i32) -> bool {
        self.evidence.signal(pid, tid, signal, &IMAGES)
            || self.is_fatal_though_gone(pid, tid, signal)
    }

    /// Whether a thread that stopped for a fault's signal was ended by another thread before it
    /// could be examined. Assumes that a process dies of such a signal if it never handled it.
    fn is_fatal_though_gone(&mut self, pid: i32, tid: i32, signal: i32) -> bool {
        let faults = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL];
        if !faults.contains(&signal) {
            return false;
        }
        if ptrace::getsiginfo(Pid::from_raw(tid)) == Err(Errno::ESRCH) {
            return !self.processes.has_handled(pid, signal);
        }
        self.processes.set_handled(pid, signal);
        false
    }
}

/// The process that a tracee in a fork stop has started.
fn new_process(tid: i32) -> Option<i32> {
    let pid = ptrace::getevent(Pid::from_raw(tid)).ok()?;
    i32::try_from(pid).ok()
}
