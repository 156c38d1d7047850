//! Perturbing a traced attempt: stops at random moments, delays at starts and exits, and ambushes at
//! breakpoints. Nothing runs inside the program.
//!
//! A [`Perturber`] decides what happens to a thread and keeps the schedule. It holds a thread by
//! leaving it in its ptrace stop; SIGKILL and the end of the process still end it there.

mod pace;
mod space;
mod trap;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::{Duration, Instant};

use crashrate_model::Perturbation;
use nix::sys::ptrace;
use nix::unistd::Pid;

use super::sys;
use crate::plan::PerturbSpec;
use crate::process::watched::Perturbed;
use pace::{Pace, Random};
use space::{Purpose, Space};
use trap::Trapped;

/// The most processes of an attempt that get breakpoints.
const MAX_SPACES: usize = 64;
/// The most threads whose state is read to find a running one.
const MAX_LOOKS: usize = 32;
/// The most breakpoints that are set at the start of a program.
const MAX_AT_START: usize = 6;
/// When the loaded code is first checked for changes, as libraries may be loaded later. Each
/// further check comes after twice the time.
const FIRST_CHECK: Duration = Duration::from_millis(5);

/// Perturbs one attempt.
pub(super) struct Perturber {
    spec: PerturbSpec,
    random: Random,
    pace: Pace,
    /// By process, since its exec.
    spaces: HashMap<i32, Space>,
    /// The threads that are held, each with the time when it continues.
    held: Vec<(Instant, i32)>,
    /// The threads that were interrupted for a stop and have not stopped yet.
    interrupted: HashSet<i32>,
    next_stop: Option<Instant>,
    next_arm: Option<Instant>,
    next_check: Option<(Instant, Duration)>,
    has_begun: bool,
    is_over: bool,
    counts: Perturbed,
    /// How many learned places were found in loaded code, once that was read.
    learned: Option<usize>,
}

impl Perturber {
    pub(super) fn new(spec: PerturbSpec) -> Perturber {
        let mut random = Random::new(spec.seed);
        Perturber {
            pace: Pace::draw(spec.run_length, &mut random),
            random,
            spec,
            spaces: HashMap::new(),
            held: Vec::new(),
            interrupted: HashSet::new(),
            next_stop: None,
            next_arm: None,
            next_check: None,
            has_begun: false,
            is_over: false,
            counts: Perturbed::default(),
            learned: None,
        }
    }

    fn does(&self, perturbation: Perturbation) -> bool {
        self.spec.perturb.contains(perturbation) && !self.is_over
    }

    /// When [`Perturber::run_due`] has something to do.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let held = self.held.iter().map(|(until, _)| *until);
        let check = self.next_check.map(|(at, _)| at);
        let others = [self.next_stop, self.next_arm, check];
        held.chain(others.into_iter().flatten()).min()
    }

    /// Does what is due. `threads` are all traced threads, as pairs of thread and process.
    pub(super) fn run_due(&mut self, threads: impl Iterator<Item = (i32, i32)>) {
        let now = Instant::now();
        self.held.retain(|&(until, tid)| {
            let is_due = until <= now;
            if is_due {
                sys::cont(tid, 0);
            }
            !is_due
        });
        if self.next_stop.is_some_and(|at| at <= now) {
            self.stop_one(threads);
            self.next_stop = Some(now + self.pace.next_stop(&mut self.random));
        }
        if self.next_arm.is_some_and(|at| at <= now) {
            self.arm_one();
            self.next_arm = Some(now + self.pace.next_arm(&mut self.random));
        }
        if let Some((at, after)) = self.next_check
            && at <= now
        {
            self.check_loaded();
            self.next_check = Some((now + after, after * 2));
        }
    }

    /// Leaves a thread, whose stop was consumed, in that stop for some time.
    pub(super) fn hold(&mut self, tid: i32, time: Duration) {
        self.held.push((Instant::now() + time, tid));
    }

    /// Whether a thread is held.
    pub(super) fn holds(&self, tid: i32) -> bool {
        self.held.iter().any(|&(_, held)| held == tid)
    }

    /// Ends all perturbation and lets all threads continue.
    pub(super) fn end(&mut self) {
        self.is_over = true;
        (self.next_stop, self.next_arm, self.next_check) = (None, None, None);
        self.spaces.values_mut().for_each(Space::clear);
        for (_, tid) in std::mem::take(&mut self.held) {
            sys::cont(tid, 0);
        }
    }

    /// What was done.
    pub(super) fn perturbed(&self) -> Perturbed {
        Perturbed {
            is_other_build: !self.spec.places.is_empty() && self.learned == Some(0),
            ..self.counts
        }
    }
}

/// What the tracer reports of threads and processes. Returned times say how long to hold the thread.
impl Perturber {
    /// A process is in its exec stop.
    pub(super) fn executed(&mut self, pid: i32) {
        self.gone(pid);
        let needs_entry = self.does(Perturbation::Ambush) || self.does(Perturbation::Delays);
        if needs_entry
            && self.spaces.len() < MAX_SPACES
            && let Ok(mut space) = Space::new(pid)
        {
            // Without its entry the process is not ambushed; a 32-bit one has another vector.
            let _ = space.set_at_entry(pid);
            self.spaces.insert(pid, space);
        }
        if !self.has_begun {
            self.has_begun = true;
            let first = self.pace.first_stop(&mut self.random);
            self.next_stop = self
                .does(Perturbation::Stops)
                .then(|| Instant::now() + first);
        }
    }

    /// A process has started another one, which has run nothing yet.
    pub(super) fn forked(&mut self, child: i32, parent: i32, is_vfork: bool) {
        // It may share the memory of a process that shares its parent's.
        let owner = self.owner_of(parent);
        if let Some(space) = self.spaces.get_mut(&owner) {
            space.forked(child, is_vfork);
        }
    }

    /// A process was seen whose parent's event has not come yet.
    pub(super) fn unannounced(&mut self, child: i32) {
        for space in self.spaces.values() {
            space.restore_all_in(child);
        }
    }

    /// A process has ended, or executes another program.
    pub(super) fn gone(&mut self, pid: i32) {
        self.spaces.remove(&pid);
        self.spaces
            .values_mut()
            .for_each(|space| space.unshare(pid));
    }

    /// A thread has ended or is not traced any more.
    pub(super) fn forget(&mut self, tid: i32) {
        self.held.retain(|&(_, held)| held != tid);
        self.interrupted.remove(&tid);
        self.pace.forget(tid);
    }

    /// A new thread has stopped before its first instruction.
    pub(super) fn thread_started(&mut self) -> Duration {
        self.delay()
    }

    /// A thread is about to exit.
    pub(super) fn thread_exits(&mut self, tid: i32) -> Duration {
        // Killed threads, and those of a process that failed, are not delayed.
        match ptrace::getevent(Pid::from_raw(tid)) {
            Ok(0) => self.delay(),
            _ => Duration::ZERO,
        }
    }

    fn delay(&mut self) -> Duration {
        if !self.does(Perturbation::Delays) || !self.has_begun {
            return Duration::ZERO;
        }
        let delay = self.pace.delay(&mut self.random);
        self.counts.delays += u32::from(!delay.is_zero());
        delay
    }

    /// A thread has stopped because it was interrupted. `None` if not for a stop of this.
    pub(super) fn stopped(&mut self, tid: i32) -> Option<Duration> {
        if !self.interrupted.remove(&tid) {
            return None;
        }
        if self.is_over {
            return Some(Duration::ZERO);
        }
        self.counts.stops += 1;
        Some(self.pace.stop(&mut self.random))
    }

    /// A thread has stopped with SIGTRAP. `None` if that is not by one of these breakpoints.
    pub(super) fn trapped(&mut self, pid: i32, tid: i32) -> Option<Duration> {
        let thread = Trapped::of(tid)?;
        let address = thread.address();
        let info = ptrace::getsiginfo(Pid::from_raw(tid)).ok()?;
        let owner = self.owner_at(pid, address).filter(|_| info.si_code > 0)?;
        let space = self.spaces.get_mut(&owner)?;
        let purpose = match owner == pid || space.is_shared_by(pid) {
            true => space.remove(address),
            false => {
                space.restore_in_process(pid, address);
                None
            }
        };
        let return_to = thread.return_address(|at| space.word(at));
        if !thread.step_back() || self.is_over {
            return Some(Duration::ZERO);
        }
        Some(match (purpose, return_to) {
            (Some(Purpose::Entry), _) => {
                self.entered(owner);
                Duration::ZERO
            }
            (Some(Purpose::Return), Some(return_to)) => {
                space.insert_in_code(return_to, Purpose::Ambush);
                Duration::ZERO
            }
            (Some(Purpose::Ambush), _) => {
                let hold = self.pace.hold(&mut self.random, tid, Instant::now());
                self.counts.ambushes += u32::from(!hold.is_zero());
                hold
            }
            (Some(Purpose::Exit), _) => self.delay(),
            (None | Some(Purpose::Return), _) => Duration::ZERO,
        })
    }

    /// The address of the instruction at which a thread is that may just have run into a breakpoint.
    pub(super) fn is_after_trap(&self, pid: i32, pc: u64) -> bool {
        self.owner_at(pid, trap::trap_before(pc)).is_some()
    }

    /// The process whose breakpoints the memory of this process has.
    fn owner_of(&self, pid: i32) -> i32 {
        let mut spaces = self.spaces.iter();
        let shared = spaces.find(|(_, space)| space.is_shared_by(pid));
        shared.map_or(pid, |(owner, _)| *owner)
    }

    /// The process for which there ever was a breakpoint at an address that this process reached. A
    /// forked child can reach those of its parent.
    fn owner_at(&self, pid: i32, address: u64) -> Option<i32> {
        let knows = |owner: &i32| (self.spaces.get(owner)).is_some_and(|it| it.knows(address));
        let own = Some(self.owner_of(pid)).filter(knows);
        own.or_else(|| self.spaces.keys().copied().find(knows))
    }
}

/// The schedule.
impl Perturber {
    /// The loader of a process is done.
    fn entered(&mut self, pid: i32) {
        self.load(pid);
        if self.does(Perturbation::Delays)
            && let Some(space) = self.spaces.get_mut(&pid)
        {
            space.arm_exits();
        }
        if !self.does(Perturbation::Ambush) {
            return;
        }
        for _ in 0..self.random.below(MAX_AT_START + 1) {
            self.arm_in(pid);
        }
        let now = Instant::now();
        if self.next_arm.is_none() {
            self.next_arm = Some(now + self.pace.next_arm(&mut self.random));
            self.next_check = Some((now + FIRST_CHECK, FIRST_CHECK));
        }
    }

    fn load(&mut self, pid: i32) {
        let Some(space) = self.spaces.get_mut(&pid) else {
            return;
        };
        match space.load(pid, &self.spec.places) {
            Ok(learned) => {
                let all = self.learned.unwrap_or(0);
                self.learned = Some(all + learned);
            }
            Err(error) => tracing::debug!(pid, "its code cannot be read: {error}"),
        }
    }

    fn check_loaded(&mut self) {
        let changed = self
            .spaces
            .iter()
            .filter(|(pid, space)| space.has_changed(**pid));
        let changed: Vec<i32> = changed.map(|(pid, _)| *pid).collect();
        for pid in changed {
            self.load(pid);
        }
    }

    /// Sets one breakpoint, in a process of the seed's choice.
    fn arm_one(&mut self) {
        let loaded = self.spaces.iter().filter(|(_, space)| space.is_loaded());
        let mut loaded: Vec<i32> = loaded.map(|(pid, _)| *pid).collect();
        loaded.sort_unstable();
        if let Some(pid) = self.random.one_of(&loaded).copied() {
            self.arm_in(pid);
        }
    }

    fn arm_in(&mut self, pid: i32) {
        if let Some(space) = self.spaces.get_mut(&pid) {
            space.arm(&self.pace, &mut self.random);
        }
    }

    /// Interrupts a thread of the seed's choice that runs now. Some system calls of a sleeping one
    /// would fail with EINTR.
    fn stop_one(&mut self, threads: impl Iterator<Item = (i32, i32)>) {
        let mut threads: Vec<(i32, i32)> = threads.collect();
        threads.sort_unstable();
        if threads.is_empty() {
            return;
        }
        let first = self.random.below(threads.len());
        threads.rotate_left(first);
        let free = |tid: &i32| !self.interrupted.contains(tid) && !self.holds(*tid);
        let mut running = (threads.iter().take(MAX_LOOKS))
            .filter(|(tid, pid)| free(tid) && is_running(*pid, *tid))
            .map(|(tid, _)| *tid);
        let chosen = running.next();
        if let Some(tid) = chosen
            && ptrace::interrupt(Pid::from_raw(tid)).is_ok()
        {
            self.interrupted.insert(tid);
        }
    }
}

/// Whether a thread runs or could run: see proc_pid_stat(5).
fn is_running(pid: i32, tid: i32) -> bool {
    let stat = fs::read(format!("/proc/{pid}/task/{tid}/stat")).unwrap_or_default();
    // The name before the state may hold any character.
    let end = stat.iter().rposition(|&byte| byte == b')');
    end.is_some_and(|end| stat.get(end + 2) == Some(&b'R'))
}
