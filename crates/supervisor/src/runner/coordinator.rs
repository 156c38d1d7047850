//! Feeds events to the runner: from the slots' threads, from signals, and from the clock.
//!
//! The runner is behind one lock, and the thread that has an event handles it itself. A slot whose
//! attempt ended gets the next one without waiting for another thread to wake up: at thousands of
//! attempts a second, two wake-ups for each would cost more than everything else.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crashrate_model::{RunInfo, StopReason};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use super::campaign::RunError;
use super::event::{Event, Flow};
use super::finish::Finisher;
use super::state::Runner;
use super::stop_notice::StopNotice;
use crate::journal::JournalError;
use crate::process::{Slot, SlotEvent};
use crate::signals::{EndSignal, StatusSignals, StopSignal};

/// How often the journal is synced to survive a power cut.
const SYNC_INTERVAL: Duration = Duration::from_secs(3);
/// Stands for no time budget.
const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);

/// A running run, shared by the threads that move it.
pub(super) struct Coordinator<'a> {
    runner: Mutex<Runner<'a>>,
    finisher: Finisher<'a>,
    /// Set under the runner's lock. Later events are dropped.
    is_over: AtomicBool,
    end: Mutex<Option<Result<StopReason, RunError>>>,
    over: Notify,
    stop_notice: StopNotice,
}

impl<'a> Coordinator<'a> {
    pub(super) fn new(runner: Runner<'a>, finisher: Finisher<'a>) -> Self {
        Coordinator {
            runner: Mutex::new(runner),
            finisher,
            is_over: AtomicBool::new(false),
            end: Mutex::new(None),
            over: Notify::new(),
            stop_notice: StopNotice::default(),
        }
    }

    /// Runs the slots' threads, and attends to signals and the clock until the run has ended. No
    /// thread and no child is left.
    pub(super) fn run(
        &self,
        runtime: &Runtime,
        slots: Vec<Slot>,
        info: RunInfo,
        time_budget: Option<Duration>,
    ) -> Result<StopReason, RunError> {
        let span = tracing::Span::current();
        thread::scope(|scope| {
            let spawned = slots.into_iter().try_for_each(|slot| {
                let span = span.clone();
                thread::Builder::new()
                    .name(format!("slot-{}", slot.number()))
                    .spawn_scoped(scope, move || span.in_scope(|| self.work(slot)))
                    .map(drop)
            });
            let ended = spawned
                .map_err(RunError::SetUp)
                .and_then(|()| runtime.block_on(self.attend(info, time_budget)));
            // Ends the threads, also if one of them could not be spawned. The scope joins them.
            self.lock().close_slots();
            ended
        })
    }

    /// The thread of a slot.
    fn work(&self, slot: Slot) {
        let number = slot.number();
        let work = || slot.work(|event| self.handle_slot_event(event));
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            self.handle(Event::SlotPanicked {
                slot: number,
                message: panic_message(&*panic),
            });
        }
    }

    /// Does the file work of an event, then handles it. Runs in the slot's thread.
    fn handle_slot_event(&self, event: SlotEvent) {
        if self.is_over.load(Ordering::Acquire) {
            return;
        }
        let event = match event {
            SlotEvent::Note(key, note) => Event::Note(key, note),
            SlotEvent::CheckProgram(running) => self.finisher.check_program(running),
            SlotEvent::Build(running) => self.finisher.build(running),
            SlotEvent::Probe(running, end) => self.finisher.probe(running, end),
            SlotEvent::Ended(assignment, mut observed) => {
                self.stop_notice.attribute(&mut observed);
                self.finisher.finish(*assignment, observed)
            }
        };
        self.handle(event);
    }

    /// Handles an event in the calling thread.
    fn handle(&self, event: Event) {
        let mut runner = self.lock();
        if self.is_over.load(Ordering::Acquire) {
            return;
        }
        let end = match runner.handle(event) {
            Ok(Flow::Continue) => return,
            Ok(Flow::Sync(file, path)) => {
                drop(runner);
                // A slow disk holds up only the calling thread.
                if let Err(source) = file.sync_data() {
                    self.handle(Event::SyncFailed(JournalError::Write { path, source }));
                }
                return;
            }
            Ok(Flow::Ended(why)) => Ok(why),
            Err(error) => Err(error),
        };
        self.is_over.store(true, Ordering::Release);
        drop(runner);
        *lock(&self.end) = Some(end);
        self.over.notify_one();
    }

    /// Begins the run, and turns signals and the clock into events until it has ended.
    async fn attend(
        &self,
        info: RunInfo,
        time_budget: Option<Duration>,
    ) -> Result<StopReason, RunError> {
        let mut interrupt =
            EndSignal::listen(StopSignal::Interrupt.kind()).map_err(RunError::SetUp)?;
        let mut terminate =
            EndSignal::listen(StopSignal::Terminate.kind()).map_err(RunError::SetUp)?;
        let mut hangup = EndSignal::listen(StopSignal::Hangup.kind()).map_err(RunError::SetUp)?;
        let mut engine = EndSignal::listen(StopSignal::Engine.kind()).map_err(RunError::SetUp)?;
        let mut status = StatusSignals::listen().map_err(RunError::SetUp)?;
        let mut sync = interval(SYNC_INTERVAL);
        sync.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let out_of_time = tokio::time::sleep(time_budget.unwrap_or(FOREVER));
        tokio::pin!(out_of_time);
        let mut is_in_time = true;
        let mut was_interrupted = false;
        self.handle(Event::Begin(Box::new(info)));
        loop {
            if let Some(end) = lock(&self.end).take() {
                return end;
            }
            tokio::select! {
                () = self.over.notified() => {}
                () = interrupt.received() => {
                    let again = std::mem::replace(&mut was_interrupted, true);
                    let event = if again { Event::Kill } else { Event::Stop };
                    self.stop(event, StopSignal::Interrupt);
                }
                () = terminate.received() => self.stop(Event::Kill, StopSignal::Terminate),
                () = hangup.received() => self.stop(Event::Kill, StopSignal::Hangup),
                () = engine.received() => {
                    // As after one Ctrl-C, the next one kills.
                    was_interrupted = true;
                    // Only crashrate gets this signal, so it explains no death of an attempt.
                    self.handle(Event::Stop(StopSignal::Engine));
                }
                () = status.received() => self.handle(Event::Status),
                () = &mut out_of_time, if is_in_time => {
                    is_in_time = false;
                    self.handle(Event::OutOfTime);
                }
                _ = sync.tick() => self.handle(Event::SyncDue),
            }
        }
    }

    /// Handles a stop signal, then lets attempts that died of one end: nothing is started after
    /// them.
    fn stop(&self, event: fn(StopSignal) -> Event, signal: StopSignal) {
        self.handle(event(signal));
        self.stop_notice.received(signal);
    }

    fn lock(&self) -> MutexGuard<'_, Runner<'a>> {
        lock(&self.runner)
    }
}

/// Locks a mutex that a panic may have poisoned: that panic ends the run, and the runner is only
/// asked to close its slots after it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown reason".to_owned())
}
