//! Threads that start together, and their timing.
//!
//! Each thread warms up. When the last thread is ready, all start and the clock starts. The clock
//! stops when the last thread has waited for the device after its last operation.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::caught::{brief, caught};
use crate::device::Device;
use crate::semaphore::Semaphore;

/// How often `tick` is called.
const TICK: Duration = Duration::from_millis(100);

/// The work of one thread.
pub(crate) trait Job: Send {
    /// The maximum number of operations.
    fn operations(&self) -> u64;
    /// Submits one operation to the device.
    fn step(&mut self) -> Result<()>;
    /// Waits until all submitted work is done.
    fn settle(&mut self) -> Result<()>;
}

/// How the threads work.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The device.
    pub(crate) device: Device,
    /// Operations per thread before the clock starts.
    pub(crate) warm_up: u64,
    /// Limits the threads with work on the device.
    pub(crate) semaphore: Semaphore,
    /// libtorch's intra-operation threads on the CPU; `None` leaves them unchanged.
    pub(crate) intra_op_threads: Option<i32>,
    /// When to stop, even if operations remain.
    pub(crate) duration: Option<Duration>,
}

/// The results between start and stop of the clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Operations without an error.
    pub(crate) done: u64,
    /// Operations with an error.
    pub(crate) errors: u64,
    /// The first error, in order of threads.
    pub(crate) first_error: Option<String>,
    /// From the common start to the end of the last thread.
    pub(crate) wall: Duration,
}

impl Tally {
    /// Operations per second.
    pub(crate) fn throughput(&self) -> f64 {
        self.done as f64 / self.wall.as_secs_f64()
    }
}

/// State shared by the threads and the waiting thread.
#[derive(Debug, Default)]
struct Shared {
    stage: Mutex<Stage>,
    changed: Condvar,
    stop: AtomicBool,
    done: AtomicU64,
}

#[derive(Debug, Default)]
struct Stage {
    ready: usize,
    finished: usize,
    /// The decision: start at this time, or do not start.
    go: Option<Option<Instant>>,
}

/// Runs each job in its own thread. `tick` is called repeatedly with the number of operations done
/// and the start time; its error stops the work.
///
/// # Errors
/// A thread cannot be started, or `tick` returns an error. Errors of jobs are in the tally.
pub(crate) fn run<J: Job>(
    jobs: &mut [J],
    plan: &Plan,
    tick: impl FnMut(u64, Duration) -> Result<()>,
) -> Result<Tally> {
    let shared = Shared::default();
    thread::scope(|scope| {
        let threads = match start_all(scope, jobs, plan, &shared) {
            Ok(threads) => threads,
            Err(error) => {
                shared.decide(None);
                return Err(error);
            }
        };
        let started = shared.start(threads.len());
        let watched = shared.watch(threads.len(), started, tick);
        let mut all = Tally::default();
        for thread in threads {
            let (tally, end) = thread.join().expect("a thread catches its own panics");
            all.done += tally.done;
            all.errors += tally.errors;
            all.first_error = all.first_error.or(tally.first_error);
            all.wall = all.wall.max(end - started);
        }
        watched.map(|()| all)
    })
}

type Thread<'scope> = ScopedJoinHandle<'scope, (Tally, Instant)>;

fn start_all<'scope, J: Job>(
    scope: &'scope Scope<'scope, '_>,
    jobs: &'scope mut [J],
    plan: &'scope Plan,
    shared: &'scope Shared,
) -> Result<Vec<Thread<'scope>>> {
    let count = jobs.len();
    let start = |(index, job): (usize, &'scope mut J)| {
        thread::Builder::new()
            .name(format!("job-{index}"))
            .spawn_scoped(scope, move || work(job, plan, shared))
            .with_context(|| format!("cannot start thread {} of {count}", index + 1))
    };
    jobs.iter_mut().enumerate().map(start).collect()
}

/// Runs one thread.
fn work<J: Job>(job: &mut J, plan: &Plan, shared: &Shared) -> (Tally, Instant) {
    let mut tally = Tally::default();
    // Both are properties of the thread, not of the process.
    let _no_grad = tch::no_grad_guard();
    let warm = caught(|| {
        if let Some(threads) = plan.intra_op_threads {
            tch::set_num_threads(threads);
        }
        plan.device.enter_thread();
        (0..plan.warm_up).try_for_each(|_| submit(job, &plan.semaphore))?;
        job.settle()
    });
    let started = shared.ready();
    match (warm, started) {
        (Ok(()), Some(started)) => operate(job, plan, shared, started, &mut tally),
        (Err(error), _) => tally.erred(&error.context("in the warm-up")),
        (Ok(()), None) => {}
    }
    let end = Instant::now();
    shared.finished();
    (tally, end)
}

/// The timed part.
fn operate<J: Job>(job: &mut J, plan: &Plan, shared: &Shared, started: Instant, tally: &mut Tally) {
    // At least one operation, however late the thread is scheduled on a busy machine.
    let in_time = |done| done == 0 || plan.duration.is_none_or(|limit| started.elapsed() < limit);
    for done in 0..job.operations() {
        if !in_time(done) || shared.stop.load(Ordering::Relaxed) {
            break;
        }
        match caught(|| submit(job, &plan.semaphore)) {
            Ok(()) => {
                tally.done += 1;
                shared.done.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => tally.erred(&error),
        }
    }
    if let Err(error) = caught(|| job.settle()) {
        // The device failed to complete submitted work: at least one operation is not done.
        tally.done = tally.done.saturating_sub(1);
        tally.erred(&error);
    }
}

/// Runs one operation. If there is a limit, it completes before the next one is admitted.
fn submit<J: Job>(job: &mut J, semaphore: &Semaphore) -> Result<()> {
    let permit = semaphore.enter();
    job.step()?;
    if permit.is_some() {
        job.settle()?;
    }
    Ok(())
}

impl Tally {
    fn erred(&mut self, error: &anyhow::Error) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| brief(error));
    }
}

impl Shared {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports that a thread is ready and waits for the start. `None` if there will be none.
    fn ready(&self) -> Option<Instant> {
        let mut stage = self.stage();
        stage.ready += 1;
        self.changed.notify_all();
        let stage = self.changed.wait_while(stage, |stage| stage.go.is_none());
        stage.unwrap_or_else(PoisonError::into_inner).go.flatten()
    }

    fn finished(&self) {
        self.stage().finished += 1;
        self.changed.notify_all();
    }

    fn decide(&self, start: Option<Instant>) {
        self.stage().go = Some(start);
        self.changed.notify_all();
    }

    /// Waits until all threads are ready, then starts them.
    fn start(&self, threads: usize) -> Instant {
        let stage = self.stage();
        let stage = self
            .changed
            .wait_while(stage, |stage| stage.ready < threads);
        drop(stage.unwrap_or_else(PoisonError::into_inner));
        let now = Instant::now();
        self.decide(Some(now));
        now
    }

    /// Waits until all threads have finished, calling `tick` in between. An error from `tick` stops
    /// them early.
    fn watch(
        &self,
        threads: usize,
        started: Instant,
        mut tick: impl FnMut(u64, Duration) -> Result<()>,
    ) -> Result<()> {
        let mut ticked = Ok(());
        loop {
            let finished = self.stage().finished;
            if ticked.is_ok() {
                ticked = tick(self.done.load(Ordering::Relaxed), started.elapsed());
                self.stop.store(ticked.is_err(), Ordering::Relaxed);
            }
            if finished == threads {
                return ticked;
            }
            let stage = self.stage();
            let unchanged = |stage: &mut Stage| stage.finished < threads;
            let waited = self.changed.wait_timeout_while(stage, TICK, unchanged);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    /// A job without a device that fails in a chosen way at a chosen step.
    struct Plain {
        step: u64,
        wrong_at: Option<u64>,
        panics: bool,
    }

    impl Job for Plain {
        fn operations(&self) -> u64 {
            10
        }

        fn step(&mut self) -> Result<()> {
            self.step += 1;
            match self.wrong_at {
                Some(step) if step == self.step && self.panics => panic!("on purpose"),
                Some(step) if step == self.step => Err(anyhow!("wrong")),
                _ => Ok(()),
            }
        }

        fn settle(&mut self) -> Result<()> {
            Ok(())
        }
    }

    fn plan(limit: usize) -> Plan {
        Plan {
            device: Device::CPU,
            warm_up: 1,
            semaphore: Semaphore::new(limit),
            intra_op_threads: None,
            duration: None,
        }
    }

    fn group(wrong: [Option<u64>; 3], panics: bool) -> Vec<Plain> {
        let job = |wrong_at| Plain {
            step: 0,
            wrong_at,
            panics,
        };
        wrong.map(job).into()
    }

    #[test]
    fn every_operation_is_counted() {
        for limit in [0, 1, 2] {
            let mut jobs = group([None; 3], false);
            let mut ticked = 0;
            let tally = run(&mut jobs, &plan(limit), |done, _| {
                ticked = done;
                Ok(())
            });
            let tally = tally.unwrap();
            assert_eq!((tally.done, tally.errors, ticked), (30, 0, 30));
        }
    }

    #[test]
    fn errors_and_panics_are_counted_and_other_threads_continue() {
        crate::caught::install_panic_hook();
        for panics in [false, true] {
            let mut jobs = group([None, Some(5), Some(7)], panics);
            let tally = run(&mut jobs, &plan(1), |_, _| Ok(())).unwrap();
            assert_eq!((tally.done, tally.errors), (28, 2));
            assert!(tally.first_error.is_some());
        }
    }

    #[test]
    fn a_failed_warm_up_is_an_error_without_deadlock() {
        let mut jobs = group([Some(1), None, None], false);
        let tally = run(&mut jobs, &plan(0), |_, _| Ok(())).unwrap();
        assert_eq!((tally.done, tally.errors), (20, 1));
        assert_eq!(tally.first_error.unwrap(), "in the warm-up: wrong");
    }

    #[test]
    fn an_error_in_the_callback_ends_the_run() {
        let mut jobs = group([None; 3], false);
        let ended = run(&mut jobs, &plan(0), |_, _| Err(anyhow!("gone")));
        assert!(ended.is_err());
    }
}
