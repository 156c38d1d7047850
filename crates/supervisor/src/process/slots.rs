//! The places in which attempts run: a thread each, so that a child has one waiter and its parent thread lives on.

use std::io::{self, PipeReader, PipeWriter};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crashrate_model::{Spawn, Usage};
use crashrate_postmortem::Crash;
use tokio::sync::mpsc::UnboundedSender;

use super::attempt::{self, Buffer, Place};
use super::capture::Captured;
use super::guardian::Guardian;
use super::{Start, platform};
use crate::outcome::{Note, Seen};
use crate::plan::AttemptSpec;

/// How often a slot hands on the progress of its child at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// What was seen of an attempt, and what it printed.
#[derive(Debug)]
pub struct Observed {
    /// What its outcome is judged by.
    pub seen: Seen,
    /// Its standard output.
    pub stdout: Captured,
    /// Its standard error.
    pub stderr: Captured,
    /// What else is known of it.
    pub evidence: Evidence,
}

/// What is known of an attempt and decides nothing: where it crashed, and what it used.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Whether it was traced.
    pub traced: bool,
    /// What is known of its crash, or of its hang.
    pub crash: Option<Box<Crash>>,
    /// What it used of the machine.
    pub usage: Option<Usage>,
    /// How its process came to be; nothing if it never was.
    pub spawn: Option<Spawn>,
    /// Whether what it was forked from died before its end was known.
    pub orphaned: bool,
    /// How what it was forked from, or would have been, ended by itself.
    pub zygotes_ended: Vec<String>,
}

/// News from a slot.
#[derive(Debug)]
pub enum FromSlot {
    /// What the child said of its progress.
    Note(u32, Note),
    /// The attempt ended, and nothing of it is left.
    Ended(u32, Box<Observed>),
}

/// The slots of a run.
pub struct Slots {
    orders: Vec<mpsc::Sender<Arc<AttemptSpec>>>,
    threads: Vec<JoinHandle<()>>,
    kill_all: Option<PipeWriter>,
    start: Arc<dyn Start>,
    guardian: Arc<Guardian>,
    run_id: Arc<str>,
}

impl Slots {
    /// Starts `count` slots that report to `news`.
    ///
    /// # Errors
    /// No thread or pipe could be made.
    pub fn start(
        count: u32,
        run_id: &str,
        start: Arc<dyn Start>,
        guardian: Arc<Guardian>,
        news: &UnboundedSender<FromSlot>,
    ) -> io::Result<Slots> {
        let (watch, kill_all) = io::pipe()?;
        let watch = Arc::new(watch);
        let mut slots = Slots {
            orders: Vec::new(),
            threads: Vec::new(),
            kill_all: Some(kill_all),
            start,
            guardian,
            run_id: run_id.into(),
        };
        for slot in 0..count {
            let (orders, inbox) = mpsc::channel();
            let thread = Thread {
                slot,
                alone: count == 1,
                run_id: slots.run_id.clone(),
                start: slots.start.clone(),
                guardian: slots.guardian.clone(),
                kill_all: watch.clone(),
                news: news.clone(),
            };
            let handle = std::thread::Builder::new()
                .name(format!("slot-{slot}"))
                .spawn(move || thread.work(&inbox))?;
            slots.orders.push(orders);
            slots.threads.push(handle);
        }
        Ok(slots)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.orders.len()
    }

    /// Starts an attempt in a free slot.
    pub fn run(&self, slot: u32, spec: Arc<AttemptSpec>) {
        // The slot's thread ends only when this sender does.
        let _ = self.orders[slot as usize].send(spec);
    }

    /// Kills all attempts, now and from now on.
    pub fn kill_all(&mut self) {
        self.kill_all = None;
        self.start.abandon();
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        self.kill_all();
        self.orders.clear();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        self.start.close();
        // With several slots at work, an escaped process without a mark could belong to any: now none does.
        platform::kill_escaped(&self.run_id, 0, true, &[self.guardian.pid()]);
    }
}

struct Thread {
    slot: u32,
    alone: bool,
    run_id: Arc<str>,
    start: Arc<dyn Start>,
    guardian: Arc<Guardian>,
    kill_all: Arc<PipeReader>,
    news: UnboundedSender<FromSlot>,
}

impl Thread {
    fn work(&self, inbox: &mpsc::Receiver<Arc<AttemptSpec>>) {
        let place = Place {
            slot: self.slot,
            run_id: &self.run_id,
            alone: self.alone,
            start: &*self.start,
            guardian: &self.guardian,
            kill_all: &self.kill_all,
        };
        let mut buffer: Box<Buffer> = Box::new([0; size_of::<Buffer>()]);
        while let Ok(spec) = inbox.recv() {
            let mut told: Option<Instant> = None;
            let observed = attempt::run(&place, &spec, &mut buffer, &mut |note| {
                let is_progress = matches!(note, Note::Progress { .. });
                if is_progress && told.is_some_and(|at| at.elapsed() < PROGRESS_EVERY) {
                    return;
                }
                if is_progress {
                    told = Some(Instant::now());
                }
                let _ = self.news.send(FromSlot::Note(self.slot, note));
            });
            let ended = FromSlot::Ended(self.slot, Box::new(observed));
            if self.news.send(ended).is_err() {
                return;
            }
        }
    }
}
