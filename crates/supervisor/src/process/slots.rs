//! The slots in which attempts run. Each has its own thread, because a child must be waited for by
//! one thread only and dies with the thread that started it.

use std::cell::RefCell;
use std::io::{self, PipeWriter};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime};

use crashrate_protocol::env::{CHAPTER, SEQUENCE};
use tracing::info_span;

use super::attempt::{self, Buffer};
use super::context::{RunContext, SlotContext};
use super::observed::Observed;
use super::platform;
use crate::outcome::Note;
use crate::plan::{AttemptSpec, RoundKey};
use crate::schedule::{End, Running};

/// The shortest time between two progress notes of a child that a slot reports.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// An attempt that a slot is to run.
#[derive(Debug)]
pub struct Assignment {
    /// The round, the attempt and the slot.
    pub running: Running,
    /// What to start.
    pub spec: AttemptSpec,
    /// When the slot was given it.
    pub assigned_at: SystemTime,
}

impl Assignment {
    /// An attempt that is handed to its slot now.
    pub fn new(running: Running, spec: AttemptSpec) -> Assignment {
        Assignment {
            running,
            spec,
            assigned_at: SystemTime::now(),
        }
    }

    fn unit_name(&self) -> &str {
        let env = &self.spec.unit.env;
        let name = env.get(CHAPTER).or_else(|| env.get(SEQUENCE));
        name.map_or("", String::as_str)
    }
}

/// What a slot's thread reports.
#[derive(Debug)]
pub enum SlotEvent {
    /// The child reported progress.
    Note(RoundKey, Note),
    /// The program of this attempt has to be hashed before the attempt starts.
    CheckProgram(Running),
    /// What this attempt measures has to be built before it starts.
    Build(Running),
    /// The device of the slot has to be asked whether it works, after an attempt ended so.
    Probe(Running, End),
    /// The attempt ended and nothing of it is left.
    Ended(Box<Assignment>, Box<Observed>),
}

enum Order {
    Run(Box<Assignment>),
    CheckProgram(Running),
    Build(Running),
    Probe(Running, End),
}

/// The scheduler's side of the slots. Dropped after their threads have ended.
pub struct Slots {
    orders: Vec<mpsc::Sender<Order>>,
    /// By slot: the pid of its child, or 0.
    pids: Vec<Arc<AtomicI32>>,
    kill_all: Option<PipeWriter>,
    run: RunContext,
}

impl Slots {
    /// Makes `count` slots. Each [`Slot`] belongs to a thread that calls [`Slot::work`].
    ///
    /// # Errors
    /// No pipe could be made.
    pub fn new(count: u32, run: &RunContext) -> io::Result<(Slots, Vec<Slot>)> {
        let (end_of_run, kill_all) = io::pipe()?;
        let end_of_run = Arc::new(end_of_run);
        let untraceable = Arc::default();
        let pids: Vec<_> = (0..count).map(|_| Arc::default()).collect();
        let (orders, slots) = (0..)
            .zip(&pids)
            .map(|(slot, pid): (u32, &Arc<AtomicI32>)| {
                let (sender, orders) = mpsc::channel();
                let context = SlotContext {
                    slot,
                    is_only_slot: count == 1,
                    run: run.clone(),
                    pid: Arc::clone(pid),
                    untraceable: Arc::clone(&untraceable),
                    fills_pipe: RefCell::default(),
                    kill_all: end_of_run.clone(),
                };
                (sender, Slot { context, orders })
            })
            .unzip();
        let all = Slots {
            orders,
            pids,
            kill_all: Some(kill_all),
            run: run.clone(),
        };
        Ok((all, slots))
    }

    /// The number of slots.
    pub fn count(&self) -> usize {
        self.orders.len()
    }

    /// The pid of the child that a slot runs now.
    pub fn pid(&self, slot: u32) -> Option<i32> {
        let pid = self.pids[slot as usize].load(Ordering::Relaxed);
        (pid != 0).then_some(pid)
    }

    /// Runs an attempt in its slot, which must be free.
    pub fn run(&self, assignment: Assignment) {
        let slot = assignment.running.slot;
        self.send(slot, Order::Run(Box::new(assignment)));
    }

    /// Makes the slot report [`SlotEvent::CheckProgram`], so that its thread hashes the program.
    pub fn check_program(&self, running: Running) {
        self.send(running.slot, Order::CheckProgram(running));
    }

    /// Makes the slot report [`SlotEvent::Build`], so that its thread builds what the attempt
    /// measures.
    pub fn build(&self, running: Running) {
        self.send(running.slot, Order::Build(running));
    }

    /// Makes the slot report [`SlotEvent::Probe`], so that its thread asks its device.
    pub fn probe(&self, running: Running, end: End) {
        self.send(running.slot, Order::Probe(running, end));
    }

    fn send(&self, slot: u32, order: Order) {
        // Fails only if the slot's thread has panicked, which ends the run.
        let _ = self.orders[slot as usize].send(order);
    }

    /// Kills all attempts, and every attempt that starts after this.
    pub fn kill_all(&mut self) {
        self.kill_all = None;
        self.run.start.abandon_zygotes();
    }

    /// Kills all attempts and ends the slots' threads.
    pub fn close(&mut self) {
        self.kill_all();
        self.orders.clear();
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        self.run.start.end_zygotes();
        // An escaped process that lost its mark could belong to any of several slots at work. Now
        // none is at work, so it can be killed.
        platform::kill_escaped(&self.run.run_id, None, &[self.run.guardian.pid()]);
    }
}

/// The thread's side of a slot.
pub struct Slot {
    context: SlotContext,
    orders: mpsc::Receiver<Order>,
}

impl Slot {
    /// The number of the slot.
    pub fn number(&self) -> u32 {
        self.context.slot
    }

    /// Runs one attempt after the other until [`Slots::close`]. `report` may order the next one.
    pub fn work(self, mut report: impl FnMut(SlotEvent)) {
        let _span = info_span!("slot", number = self.context.slot).entered();
        let mut buffer: Box<Buffer> = Box::new([0; size_of::<Buffer>()]);
        while let Ok(order) = self.orders.recv() {
            match order {
                Order::CheckProgram(running) => report(SlotEvent::CheckProgram(running)),
                Order::Build(running) => report(SlotEvent::Build(running)),
                Order::Probe(running, end) => report(SlotEvent::Probe(running, end)),
                Order::Run(mut assignment) => {
                    let observed = self.run(&mut assignment, &mut buffer, &mut report);
                    report(SlotEvent::Ended(assignment, Box::new(observed)));
                }
            }
        }
    }

    fn run(
        &self,
        assignment: &mut Assignment,
        buffer: &mut Buffer,
        report: &mut impl FnMut(SlotEvent),
    ) -> Observed {
        let Running { key, attempt, .. } = assignment.running;
        let _unit = info_span!("unit", name = assignment.unit_name()).entered();
        let _round = info_span!("round", n = key.round).entered();
        let _attempt = info_span!("attempt", n = attempt).entered();
        let mut last_progress: Option<Instant> = None;
        let surroundings = &self.context.run.surroundings;
        let before = surroundings.before(self.number());
        let mut observed = attempt::run(&self.context, &mut assignment.spec, buffer, &mut |note| {
            if matches!(note, Note::Progress { .. }) {
                if last_progress.is_some_and(|at| at.elapsed() < PROGRESS_INTERVAL) {
                    return;
                }
                last_progress = Some(Instant::now());
            }
            report(SlotEvent::Note(key, note));
        });
        observed.evidence.disturbance = surroundings.after(before);
        observed
    }
}
