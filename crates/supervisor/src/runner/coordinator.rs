//! Who moves a run: its slots' threads, the signals of the user, and the clock.
//!
//! The state is behind one lock, and whoever has news of a run does what follows from them at once, in its own thread: a
//! slot that ends an attempt is told its next one without waiting for anybody to wake up. With thousands of attempts a
//! second, waking another thread twice for each would cost more than all the rest that is to be done.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crashrate_model::StopReason;
use tokio::signal::unix::SignalKind;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use super::RunError;
use super::state::Runner;
use crate::journal::JournalError;
use crate::plan::Pending;
use crate::process::FromSlot;
use crate::signals::EndSignal;

/// How often the journal is made to survive a power cut.
const SYNC_EVERY: Duration = Duration::from_secs(3);

/// A run that goes on, shared by those who move it.
pub(super) struct Coordinator<'a, R, T> {
    driver: Mutex<Runner<'a, R, T>>,
    over: Notify,
}

impl<'a, R, T> Coordinator<'a, R, T>
where
    R: Iterator<Item = Pending>,
    T: Fn(u32) -> u32,
{
    pub(super) fn new(driver: Runner<'a, R, T>) -> Self {
        Coordinator {
            driver: Mutex::new(driver),
            over: Notify::new(),
        }
    }

    /// Takes news of a slot, in that slot's thread.
    pub(super) fn hear(&self, news: FromSlot) {
        let over = {
            let mut driver = self.lock();
            driver.hear(news);
            driver.is_over()
        };
        if over {
            self.over.notify_one();
        }
    }

    /// Kills what runs, and lets the slots' threads end.
    pub(super) fn close_slots(&self) {
        self.lock().close_slots();
    }

    /// Begins the run, and attends to signals and the clock until it is over.
    pub(super) async fn attend(
        &self,
        time_budget: Option<Duration>,
    ) -> Result<StopReason, RunError> {
        // Without a budget: far enough away for any run.
        let budget = time_budget.unwrap_or(Duration::from_secs(u64::from(u32::MAX)));
        let out_of_time = tokio::time::sleep(budget);
        tokio::pin!(out_of_time);
        let mut in_time = true;
        let mut interrupt = EndSignal::listen(SignalKind::interrupt()).map_err(RunError::SetUp)?;
        let mut terminate = EndSignal::listen(SignalKind::terminate()).map_err(RunError::SetUp)?;
        let mut hangup = EndSignal::listen(SignalKind::hangup()).map_err(RunError::SetUp)?;
        let mut sync = interval(SYNC_EVERY);
        sync.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked = false;
        self.lock().begin();
        loop {
            if let Some(ended) = self.lock().end() {
                return ended;
            }
            tokio::select! {
                () = self.over.notified() => {}
                // Once: let what runs end. Twice: kill it.
                () = interrupt.received() => match std::mem::replace(&mut asked, true) {
                    false => self.lock().stop(),
                    true => self.lock().kill(),
                },
                () = terminate.received() => self.lock().kill(),
                () = hangup.received() => self.lock().kill(),
                () = &mut out_of_time, if in_time => {
                    in_time = false;
                    self.lock().out_of_time();
                }
                _ = sync.tick() => self.sync(),
            }
        }
    }

    /// The disk may take its time: nobody waits for it but this thread.
    fn sync(&self) {
        let unsynced = self.lock().unsynced();
        if let Some((file, path)) = unsynced
            && let Err(source) = file.sync_data()
        {
            let error = JournalError::Write { path, source };
            self.lock().fail(error.into());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Runner<'a, R, T>> {
        // A thread that panicked is heard of when it is joined.
        self.driver.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the hub when a slot's thread ends by a panic: nobody else would, and the run would wait for its attempt for ever.
pub(super) struct Leaving<'h, 'a, R, T>(pub(super) &'h Coordinator<'a, R, T>)
where
    R: Iterator<Item = Pending>,
    T: Fn(u32) -> u32;

impl<R, T> Drop for Leaving<'_, '_, R, T>
where
    R: Iterator<Item = Pending>,
    T: Fn(u32) -> u32,
{
    fn drop(&mut self) {
        if std::thread::panicking() {
            let error = std::io::Error::other("a thread of crashrate panicked");
            self.0.lock().fail(RunError::SetUp(error));
            self.0.over.notify_one();
        }
    }
}
