//! The places in which attempts run: a thread each, so that a child has one waiter and its parent thread lives on.

use std::io::{self, PipeReader, PipeWriter};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crashrate_model::{EvidenceMode, Spawn, Usage};
use crashrate_postmortem::Crash;

use super::attempt::{self, Buffer, Place};
use super::capture::Captured;
use super::guardian::Guardian;
use super::untraceable::Untraceable;
use super::zygote_pool::ZygotePool;
use super::{CoreFiles, DescendantCrash, Start, platform};
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
    /// How it was watched.
    pub watch: EvidenceMode,
    /// What is known of its crash, or of its hang.
    pub crash: Option<Box<Crash>>,
    /// The crashes of its descendants.
    pub descendants: Vec<DescendantCrash>,
    /// Whether it had children that it waited for, if that was asked.
    pub had_children: bool,
    /// What the watching did to it, if that may have changed its outcome.
    pub disturbed: Option<String>,
    /// Why its end could not be waited for, if so: those of others could not either.
    pub waiting_failed: Option<String>,
    /// What it used of the machine.
    pub usage: Option<Usage>,
    /// How its process was started; nothing if that failed.
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

/// The slots of a run, as whoever starts attempts in them has them. It is dropped when their threads have ended.
pub struct Slots {
    orders: Vec<mpsc::Sender<Arc<AttemptSpec>>>,
    kill_all: Option<PipeWriter>,
    zygotes: Arc<ZygotePool>,
    guardian: Arc<Guardian>,
    run_id: Arc<str>,
}

/// What the attempts of a run have in common.
#[derive(Clone)]
pub struct SlotContext {
    /// The run's id.
    pub run_id: Arc<str>,
    /// How children are started.
    pub start: Arc<dyn Start>,
    /// The zygotes that children are forked from.
    pub zygotes: Arc<ZygotePool>,
    /// The guardian over them.
    pub guardian: Arc<Guardian>,
    /// Where attempts in an empty directory of their own run.
    pub work: PathBuf,
    /// Where the kernel writes core dumps; nothing where none are wanted.
    pub cores: Option<Arc<CoreFiles>>,
    /// Where a core dump of each signature is kept; nothing if none is.
    pub keep_cores: Option<PathBuf>,
}

impl Slots {
    /// So many, each with the work of its thread.
    ///
    /// # Errors
    /// No pipe could be made.
    pub fn new(count: u32, context: &SlotContext) -> io::Result<(Slots, Vec<Slot>)> {
        let (watch, kill_all) = io::pipe()?;
        let watch = Arc::new(watch);
        let untraceable = Arc::new(Untraceable::default());
        let (orders, works) = (0..count)
            .map(|number| {
                let (orders, inbox) = mpsc::channel();
                let slot = Slot {
                    number,
                    alone: count == 1,
                    context: context.clone(),
                    untraceable: untraceable.clone(),
                    kill_all: watch.clone(),
                    inbox,
                };
                (orders, slot)
            })
            .unzip();
        let slots = Slots {
            orders,
            kill_all: Some(kill_all),
            zygotes: context.zygotes.clone(),
            guardian: context.guardian.clone(),
            run_id: context.run_id.clone(),
        };
        Ok((slots, works))
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
        self.zygotes.abandon();
    }

    /// Kills all attempts and lets the threads end.
    pub fn close(&mut self) {
        self.kill_all();
        self.orders.clear();
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        self.zygotes.close();
        // With several slots at work, an escaped process without a mark could belong to any: now none does.
        platform::kill_escaped(&self.run_id, 0, true, &[self.guardian.pid()]);
    }
}

/// A slot, as its thread has it.
pub struct Slot {
    number: u32,
    alone: bool,
    context: SlotContext,
    untraceable: Arc<Untraceable>,
    kill_all: Arc<PipeReader>,
    inbox: mpsc::Receiver<Arc<AttemptSpec>>,
}

impl Slot {
    /// The name of its thread.
    pub fn name(&self) -> String {
        format!("slot-{}", self.number)
    }

    /// Runs what it is given, one attempt after the other; `hear` is told of them, and may give it the next. The thread
    /// must live until all is over: children die with the thread that started them.
    pub fn work(self, hear: impl Fn(FromSlot)) {
        let place = Place {
            slot: self.number,
            run_id: &self.context.run_id,
            alone: self.alone,
            start: &*self.context.start,
            zygotes: &self.context.zygotes,
            guardian: &self.context.guardian,
            work: &self.context.work,
            cores: self.context.cores.as_deref(),
            keep_cores: self.context.keep_cores.as_deref(),
            untraceable: &self.untraceable,
            kill_all: &self.kill_all,
        };
        let mut buffer: Box<Buffer> = Box::new([0; size_of::<Buffer>()]);
        while let Ok(spec) = self.inbox.recv() {
            let mut told: Option<Instant> = None;
            let observed = attempt::run(&place, &spec, &mut buffer, &mut |note| {
                let is_progress = matches!(note, Note::Progress { .. });
                if is_progress && told.is_some_and(|at| at.elapsed() < PROGRESS_EVERY) {
                    return;
                }
                if is_progress {
                    told = Some(Instant::now());
                }
                hear(FromSlot::Note(self.number, note));
            });
            hear(FromSlot::Ended(self.number, Box::new(observed)));
        }
    }
}
