//! The tracer of a slot's attempts: hears every stop of their processes, and keeps what the stops say of a death.
//!
//! No system call is traced: a process stops when it starts another or a thread, and for signals, and runs at its full
//! speed otherwise. The tracer is the only one that waits for what it traces, until the attempt's process has ended; that
//! one is left unreaped, so that its number stays taken.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};

use crashrate_model::EvidenceMode;
use crashrate_postmortem::linux::{Died, Evidence, Images, peak_memory};
use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::Watched;
use super::super::wait::signal_name;
use super::aside;
use super::calls::{self, Said};
use super::capture_hang::Hang;
use super::family::Family;
use super::gate::Keeper;
use super::reissue::Reissue;

/// The most programs that are remembered.
const MAX_PROGRAMS: usize = 64;
/// The leader where there is none.
const NOBODY: i32 = 0;
/// How long what is left of an attempt has to die.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the slot wants of a tracer.
pub(super) enum Order {
    /// Look at all threads.
    Look,
    /// Kill what is left, and end.
    Finish,
}

/// What a tracer tells its slot.
pub(super) enum Answer {
    /// Whether it has hold of the child.
    Seized(nix::Result<()>),
    /// All threads were looked at.
    Looked,
    /// The child has ended; others may be left of what it started.
    Ended,
    /// It is over, and whether the tracer can watch another: nothing may be left that only its end would kill.
    Done(Box<Watched>, bool),
}

/// What is known of one attempt's processes.
pub(super) struct Tracer {
    pub(super) leader: i32,
    /// What the leaders are forked from, one after another; nothing where the leader was spawned.
    zygote: Option<i32>,
    zygote_is_gone: bool,
    pub(super) images: Arc<Images>,
    /// The process of each thread that is traced.
    pub(super) threads: HashMap<i32, i32>,
    /// How many threads or processes more were said to be started by clone(2) than were heard of themselves.
    awaited: i32,
    /// Processes that were heard of before what started them said so: they may have ended by then.
    unannounced: HashSet<i32>,
    /// Whether it ever had another process.
    has_company: bool,
    family: Family,
    reissue: Reissue,
    /// Processes in which the kernel ended a thread before a fatal signal reached it. Either the process is dying of another
    /// thread's signal, which a SIGKILL would replace, or another thread executes a program. A process of the second kind is
    /// killed at its exec stop: without a tracer, the signal would have come first.
    overtaken: HashSet<i32>,
    /// The signals of faults that processes were seen to handle.
    handled: HashSet<(i32, i32)>,
    /// The programs that were executed, as far as they can be read.
    programs: Vec<PathBuf>,
    disturbed: Option<String>,
    evidence: Evidence,
    /// The peak memory of the child when this signal was about to be delivered to it. At its exit it would be one stop
    /// more for every attempt, and most would be no wiser for it.
    peak_at: Option<(i32, u64)>,
    pub(super) hang: Option<Hang>,
    /// By which signal the child ended, once it has.
    pub(super) ended_by: Option<i32>,
    left_behind: usize,
}

impl Tracer {
    /// Watches the children that come to the gate, one after the other; returns when none will come any more, or when
    /// this thread has to end so that nothing is left of one.
    pub(super) fn run(
        mut keeper: Keeper,
        images: Arc<Images>,
        orders: Receiver<Order>,
        answers: Sender<Answer>,
    ) {
        while let Some(leader) = keeper.who() {
            let seized = ptrace::seize(Pid::from_raw(leader), options());
            // Before the gate opens: who starts the child finds it there when the child has executed.
            let _ = answers.send(Answer::Seized(seized));
            keeper.open();
            if seized.is_err() {
                return;
            }
            let tracer = Tracer::of(leader, images.clone());
            let (watched, is_clean) = tracer.watch(&orders, &answers);
            let _ = answers.send(Answer::Done(Box::new(watched), is_clean));
            if !is_clean {
                return;
            }
        }
    }

    pub(super) fn of(leader: i32, images: Arc<Images>) -> Tracer {
        Tracer {
            leader,
            zygote: None,
            zygote_is_gone: false,
            images,
            threads: HashMap::from([(leader, leader)]),
            awaited: 0,
            unannounced: HashSet::new(),
            has_company: false,
            family: Family::default(),
            reissue: Reissue::default(),
            overtaken: HashSet::new(),
            handled: HashSet::new(),
            programs: Vec::new(),
            disturbed: None,
            evidence: Evidence::default(),
            peak_at: None,
            hang: None,
            ended_by: None,
            left_behind: 0,
        }
    }

    /// Follows a child to its end. Also returns whether nothing at all can be left of it.
    fn watch(mut self, orders: &Receiver<Order>, answers: &Sender<Answer>) -> (Watched, bool) {
        let ended = self.follow(orders, answers);
        // A child that is killed in the middle of a fork may leave one that nobody has heard of.
        let by_itself = self.ended_by.is_some_and(|signal| signal != libc::SIGKILL);
        if ended && by_itself && !self.has_company && self.awaited == 0 {
            return (self.watched(), true);
        }
        if ended {
            let _ = answers.send(Answer::Ended);
            // Whatever is asked for now: there is nothing to look at any more.
            while let Ok(Order::Look) = orders.recv() {
                let _ = answers.send(Answer::Looked);
            }
        }
        self.kill_the_rest();
        (self.watched(), false)
    }

    /// Of a zygote that has no child yet.
    pub(super) fn of_zygote(zygote: i32, images: Arc<Images>) -> Tracer {
        Tracer {
            zygote: Some(zygote),
            threads: HashMap::new(),
            ..Tracer::of(NOBODY, images)
        }
    }

    /// Waits for one stop or end, or to be woken, and answers it. Whether the zygote is still there.
    pub(super) fn hear_zygote(&mut self) -> bool {
        if self.zygote_is_gone {
            // What has ended would be heard of for ever, were it waited for: it is its parent's to take.
            for tid in self.threads.keys().copied().collect::<Vec<_>>() {
                match calls::take(tid) {
                    Some(Said::Ended(signal)) if tid == self.leader => self.ended_by = Some(signal),
                    Some(Said::Ended(signal)) => self.gone(tid, signal),
                    Some(Said::Stopped { signal, event }) => self.stopped(tid, signal, event),
                    None => {}
                }
            }
            return false;
        }
        match self.hear(true, |_, _| false) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => false,
            _ => !self.zygote_is_gone,
        }
    }

    /// The zygote has forked: everything begins anew with its child, which may have been heard of already.
    fn forked(&mut self, child: i32) {
        let (zygote, images) = (self.zygote, self.images.clone());
        *self = Tracer {
            zygote,
            ..Tracer::of(child, images)
        };
    }

    /// What was seen of the child, which has ended or is given up; what it left is killed. Its status is its parent's.
    pub(super) fn finish_child(&mut self) -> Watched {
        let deadline = Instant::now() + PATIENCE;
        while self.ended_by.is_none() && self.leader != NOBODY && Instant::now() < deadline {
            match calls::take(self.leader) {
                Some(Said::Ended(signal)) => self.ended_by = Some(signal),
                Some(Said::Stopped { signal, event }) => self.stopped(self.leader, signal, event),
                None => std::thread::sleep(Duration::from_micros(50)),
            }
        }
        self.kill_the_rest();
        let watched = self.watched();
        let (zygote, images, gone) = (self.zygote, self.images.clone(), self.zygote_is_gone);
        *self = Tracer {
            zygote,
            zygote_is_gone: gone,
            threads: HashMap::new(),
            ..Tracer::of(NOBODY, images)
        };
        watched
    }

    /// Until the child has ended (true), or was given up.
    fn follow(&mut self, orders: &Receiver<Order>, answers: &Sender<Answer>) -> bool {
        loop {
            match self.hear(true, |_, _| false) {
                Ok(_) if self.ended_by.is_some() => return true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Nothing is left to be traced: the child could not be started.
                Err(_) => return false,
            }
            match orders.try_recv() {
                Ok(Order::Look) => {
                    self.hang = Hang::capture_hang(self);
                    let _ = answers.send(Answer::Looked);
                }
                Ok(Order::Finish) | Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) => {}
            }
        }
    }

    /// Hears one stop or end, and answers it unless it is the stop that one of these was asked for.
    pub(super) fn hear_holding(&mut self, held: &HashSet<i32>) -> io::Result<Option<(i32, Said)>> {
        self.hear(false, |tid, event| {
            event == libc::PTRACE_EVENT_STOP && held.contains(&tid)
        })
    }

    /// Hears and answers one stop or end, unless it is to be held. Returns what was said by whom, if anything.
    fn hear(
        &mut self,
        block: bool,
        held: impl Fn(i32, i32) -> bool,
    ) -> io::Result<Option<(i32, Said)>> {
        let Some((tid, said)) = calls::peek(block)? else {
            return Ok(None);
        };
        match said {
            Said::Ended(signal) if tid == self.leader => {
                self.ended_by = Some(signal);
                if self.zygote.is_some() {
                    // Its parent, the zygote, sees its end only when it is taken here; its number stays taken by that.
                    calls::take(tid);
                }
            }
            Said::Ended(_) if self.zygote == Some(tid) => {
                self.zygote_is_gone = true;
                return Ok(None);
            }
            Said::Ended(signal) => {
                if self.threads.get(&tid) == Some(&tid) {
                    self.family.died_of(tid, signal);
                }
                calls::take(tid);
                self.gone(tid, signal);
            }
            // Taken, or it would be heard of until it goes on.
            Said::Stopped { event, .. } if held(tid, event) => drop(calls::take(tid)),
            Said::Stopped { signal, event } => self.stopped(tid, signal, event),
        }
        Ok(Some((tid, said)))
    }

    fn gone(&mut self, tid: i32, signal: i32) {
        let pid = self.threads.remove(&tid);
        if pid == Some(tid) {
            self.family.ended(tid, &self.evidence);
            self.evidence.forget(tid);
        }
        if pid.is_none() {
            self.awaited -= 1;
            self.unannounced.insert(tid);
        }
        // Before that it was somebody else's doing.
        let is_over = self.ended_by.is_some();
        if is_over && pid == Some(tid) && signal == libc::SIGKILL {
            self.left_behind += 1;
        }
    }

    fn stopped(&mut self, tid: i32, signal: i32, event: i32) {
        if event == libc::PTRACE_EVENT_EXEC {
            // The thread may have its process's number only now. The kernel lets nobody tell it to go on who has not taken
            // this, and might mean the thread that had the number before.
            calls::take(tid);
        }
        if self.zygote == Some(tid) {
            if event == libc::PTRACE_EVENT_FORK
                && let Ok(child) = ptrace::getevent(Pid::from_raw(tid))
            {
                self.forked(child as i32);
            }
            return match event {
                libc::PTRACE_EVENT_STOP if signal != libc::SIGTRAP => calls::stay_stopped(tid),
                0 => calls::go_on(tid, signal),
                _ => calls::go_on(tid, 0),
            };
        }
        let pid = self.process_of(tid);
        match event {
            0 => self.deliver(pid, tid, signal),
            libc::PTRACE_EVENT_STOP if signal != libc::SIGTRAP => calls::stay_stopped(tid),
            libc::PTRACE_EVENT_EXEC if self.overtaken.remove(&pid) => {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            libc::PTRACE_EVENT_EXEC => {
                // Other threads are gone, and the one that called it has its process's number now.
                self.threads.retain(|other, of| *of != pid || *other == tid);
                self.evidence.forget(pid);
                self.executed(tid);
                calls::go_on(tid, 0);
            }
            libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK => {
                self.has_company = true;
                // Known from now on: its parent may be heard to end before it is heard of itself.
                if let Ok(new) = ptrace::getevent(Pid::from_raw(tid)) {
                    let new = new as i32;
                    self.family.born(new, pid);
                    if !self.unannounced.remove(&new) {
                        self.threads.entry(new).or_insert(new);
                    }
                }
                calls::go_on(tid, 0);
            }
            libc::PTRACE_EVENT_CLONE => {
                self.awaited += 1;
                calls::go_on(tid, 0);
            }
            _ => calls::go_on(tid, 0),
        }
    }

    fn deliver(&mut self, pid: i32, tid: i32, signal: i32) {
        self.reissue.check(tid, signal);
        self.about_to_be_delivered(pid, tid, signal);
        let ends = self.family.settled(pid).is_some();
        if ends && aside::is_init_of_namespace(pid) {
            // Traced it would be spared, and fault for ever.
            calls::detach(tid, signal);
            self.threads.remove(&tid);
            self.family.ended(pid, &self.evidence);
            return;
        }
        let is_there = calls::try_go_on(tid, signal);
        if ends && !is_there {
            self.overtaken.insert(pid);
        }
    }

    fn executed(&mut self, pid: i32) {
        if aside::lost_privileges(pid) {
            let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
            self.disturbed.get_or_insert_with(|| {
                format!(
                    "{} is set-uid, set-gid or has capabilities, which its tracer took away",
                    program.display()
                )
            });
        }
        // Through the process: its mount namespace may be another.
        if self.programs.len() < MAX_PROGRAMS
            && let Ok(program) = fs::read_link(format!("/proc/{pid}/exe"))
            && !self.programs.contains(&program)
        {
            self.programs.push(program);
        }
    }

    fn about_to_be_delivered(&mut self, pid: i32, tid: i32, signal: i32) {
        let may_end_it = self.evidence.signal(pid, tid, signal, &self.images)
            || self.was_overtaken(pid, tid, signal);
        if may_end_it && pid == self.leader {
            self.peak_at = peak_memory(pid).map(|bytes| (signal, bytes));
        }
        if may_end_it {
            self.family.settle(pid, tid, signal);
        }
    }

    /// Whether another thread ended the process before this one, which is about to be delivered the signal of a fault, could
    /// be looked at. A process that never handled that signal dies of it.
    fn was_overtaken(&mut self, pid: i32, tid: i32, signal: i32) -> bool {
        let is_fault = matches!(
            signal,
            libc::SIGSEGV | libc::SIGBUS | libc::SIGFPE | libc::SIGILL
        );
        let is_gone = ptrace::getsiginfo(Pid::from_raw(tid)) == Err(Errno::ESRCH);
        if is_fault && !is_gone {
            self.handled.insert((pid, signal));
        }
        is_fault && is_gone && !self.handled.contains(&(pid, signal))
    }

    /// The process of a thread; one that is heard of for the first time is known from now on.
    fn process_of(&mut self, tid: i32) -> i32 {
        if let Some(&pid) = self.threads.get(&tid) {
            return pid;
        }
        let mut processes: Vec<i32> = self.threads.values().copied().collect();
        processes.sort_unstable();
        processes.dedup();
        let of = processes
            .into_iter()
            .find(|&pid| calls::is_thread_of(pid, tid));
        self.awaited -= 1;
        if of.is_none() {
            self.has_company = true;
            self.unannounced.insert(tid);
        }
        let pid = of.unwrap_or(tid);
        self.threads.insert(tid, pid);
        pid
    }

    /// The child has ended: what it started must not go on.
    fn kill_the_rest(&mut self) {
        let leader = self.leader;
        self.threads.retain(|_, pid| *pid != leader);
        let deadline = Instant::now() + PATIENCE;
        for &pid in self.threads.values() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        while !self.threads.is_empty() && Instant::now() < deadline {
            let tids: Vec<i32> = self.threads.keys().copied().collect();
            let mut heard = false;
            for tid in tids {
                match calls::take(tid) {
                    Some(Said::Ended(signal)) => self.gone(tid, signal),
                    Some(Said::Stopped { .. }) => calls::go_on(tid, 0),
                    None if kill(Pid::from_raw(tid), None) == Err(Errno::ESRCH) => {
                        self.threads.remove(&tid);
                    }
                    None => continue,
                }
                heard = true;
            }
            if !heard {
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    }

    fn watched(&mut self) -> Watched {
        let died = (self.ended_by)
            .filter(|&signal| signal > 0)
            .map(|signal| Died {
                pid: self.leader,
                signal,
            });
        let death = || died.map(|died| self.evidence.of(died));
        let crash = match &self.hang {
            Some(hang) => hang.crash(),
            None => death(),
        };
        let settled = self.family.settled(self.leader);
        Watched {
            mode: EvidenceMode::Trace,
            fatal_signal: settled.map(signal_name),
            stopped_by: self
                .hang
                .as_ref()
                .and_then(|hang| hang.stopped_by)
                .map(signal_name),
            descendants: self.family.take_crashes(),
            disturbed: self.disturbed.take(),
            programs: std::mem::take(&mut self.programs),
            notes: self.reissue.note().into_iter().collect(),
            crash: crash.map(Box::new),
            peak_bytes: (self.peak_at)
                // Of what else there was nothing is known.
                .filter(|(signal, _)| self.ended_by == Some(*signal) && !self.has_company)
                .map(|(_, bytes)| bytes),
            left_behind: self.left_behind,
        }
    }
}

/// What stops a process, besides signals.
pub(super) fn options() -> Options {
    Options::PTRACE_O_EXITKILL
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
}
