//! What else happens on the machine while attempts run: processes of others on their GPU, load, and
//! sleep. Attempts that it may have changed are marked, and count all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crashrate_model::Disturbance;

use super::{load_average, others_on, platform, processors};

/// How often the processes on a GPU are listed while attempts run on it.
const INTERVAL: Duration = Duration::from_secs(1);
/// A list of processes that is younger is not made again: short attempts would spend their time on
/// it.
const FRESH: Duration = Duration::from_millis(100);
/// The kernel computes load averages every 5 seconds.
const LOAD_FRESH: Duration = Duration::from_secs(1);
/// The two clocks are read one after the other, so a shorter difference is no sleep.
const SHORTEST_SLEEP: Duration = Duration::from_millis(100);

/// Asks the system.
trait Sampler: Send + Sync {
    /// The load average of the last minute.
    fn load(&self) -> Option<f64>;
    /// How long the machine has slept since it was started.
    fn slept(&self) -> Duration;
    /// The processes on a GPU that do not belong to this run.
    fn others_on(&self, uuid: &str) -> Vec<String>;
}

struct System;

impl Sampler for System {
    fn load(&self) -> Option<f64> {
        load_average()
    }

    fn slept(&self) -> Duration {
        platform::slept()
    }

    fn others_on(&self, uuid: &str) -> Vec<String> {
        others_on(uuid)
    }
}

/// Watches the surroundings of a run's attempts.
pub struct Surroundings {
    watch: Arc<Watch>,
    /// Ends the thread that lists processes when it is dropped. `None` if no GPU is known.
    _sampling: Option<Sender<()>>,
}

struct Watch {
    sampler: Box<dyn Sampler>,
    /// By slot: the UUID of its GPU, if known.
    gpus: Vec<Option<String>>,
    /// The load average above which an attempt is marked.
    most_load: f64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By slot: the processes of others that were seen while its attempt runs.
    running: BTreeMap<u32, BTreeSet<String>>,
    /// By UUID: the last list of processes of others.
    listed: BTreeMap<String, (Instant, Vec<String>)>,
    load: Option<(Instant, Option<f64>)>,
}

/// The surroundings at the start of an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    slot: u32,
    load: Option<f64>,
    slept: Duration,
}

impl Surroundings {
    /// Watches slots that have these GPUs, by slot. Makes a thread only if a GPU is known.
    pub fn new(gpus: Vec<Option<String>>) -> Surroundings {
        Surroundings::with(Box::new(System), gpus)
    }

    fn with(sampler: Box<dyn Sampler>, gpus: Vec<Option<String>>) -> Surroundings {
        let watch = Arc::new(Watch {
            sampler,
            // Up to the number of processors no thread waits. The attempts themselves add at least a
            // thread for each slot. An attempt with more threads than processors marks its own
            // rounds.
            most_load: (processors() + gpus.len()) as f64,
            gpus,
            state: Mutex::default(),
        });
        let has_gpus = watch.gpus.iter().any(Option::is_some);
        Surroundings {
            _sampling: has_gpus.then(|| sample(Arc::clone(&watch))).flatten(),
            watch,
        }
    }

    /// An attempt is about to start in a slot.
    pub fn before(&self, slot: u32) -> Before {
        let watch = &*self.watch;
        if watch.gpu(slot).is_some() {
            watch.lock().running.insert(slot, BTreeSet::new());
            watch.list(slot);
        }
        Before {
            slot,
            load: watch.load(),
            slept: watch.sampler.slept(),
        }
    }

    /// The attempt has ended. Returns what may have disturbed it.
    pub fn after(&self, before: Before) -> Option<Disturbance> {
        let watch = &*self.watch;
        let slot = before.slot;
        let processes = match watch.gpu(slot) {
            None => BTreeSet::new(),
            Some(_) => {
                watch.list(slot);
                watch.lock().running.remove(&slot).unwrap_or_default()
            }
        };
        let highest = [before.load, watch.load()]
            .into_iter()
            .flatten()
            .reduce(f64::max);
        let slept = watch.sampler.slept().saturating_sub(before.slept);
        let disturbance = Disturbance {
            processes: processes.into_iter().collect(),
            load: highest.filter(|load| *load > watch.most_load),
            slept: (slept >= SHORTEST_SLEEP).then(|| (slept.as_secs_f64() * 1e3).round() / 1e3),
        };
        (!disturbance.is_none()).then_some(disturbance)
    }
}

/// Lists the processes on the GPUs at intervals, until what this returns is dropped. Without a
/// thread for it, they are listed at the start and end of attempts only.
fn sample(watch: Arc<Watch>) -> Option<Sender<()>> {
    let (sender, ended) = channel();
    let thread = thread::Builder::new().name("surroundings".into());
    let work = move || {
        while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
            let running: Vec<u32> = watch.lock().running.keys().copied().collect();
            running.into_iter().for_each(|slot| watch.list(slot));
        }
    };
    thread.spawn(work).ok().map(|_| sender)
}

impl Watch {
    fn gpu(&self, slot: u32) -> Option<&String> {
        self.gpus.get(slot as usize)?.as_ref()
    }

    /// Adds the processes that are on the GPU of a slot now to those seen by its attempt.
    fn list(&self, slot: u32) {
        let Some(uuid) = self.gpu(slot) else {
            return;
        };
        let fresh = |(at, _): &&(Instant, Vec<String>)| at.elapsed() < FRESH;
        let known = self.lock().listed.get(uuid).filter(fresh).cloned();
        let others = match known {
            Some((_, others)) => others,
            None => {
                // Not under the lock: a driver in trouble may take seconds to answer.
                let others = self.sampler.others_on(uuid);
                let listed = (Instant::now(), others.clone());
                self.lock().listed.insert(uuid.clone(), listed);
                others
            }
        };
        if let Some(seen) = self.lock().running.get_mut(&slot) {
            seen.extend(others);
        }
    }

    fn load(&self) -> Option<f64> {
        let mut state = self.lock();
        match state.load {
            Some((at, load)) if at.elapsed() < LOAD_FRESH => load,
            _ => {
                let load = self.sampler.load();
                state.load = Some((Instant::now(), load));
                load
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with what a test has set.
    #[derive(Clone, Default)]
    struct Set(Arc<Mutex<(f64, Duration, Vec<String>)>>);

    impl Set {
        fn set(&self, load: f64, slept: u64, others: &[&str]) {
            let others = others.iter().map(|&other| other.to_owned()).collect();
            *self.0.lock().unwrap() = (load, Duration::from_secs(slept), others);
        }
    }

    impl Sampler for Set {
        fn load(&self) -> Option<f64> {
            Some(self.0.lock().unwrap().0)
        }

        fn slept(&self) -> Duration {
            self.0.lock().unwrap().1
        }

        fn others_on(&self, _uuid: &str) -> Vec<String> {
            self.0.lock().unwrap().2.clone()
        }
    }

    /// What an attempt sees between two states of the machine.
    fn between(set: &Set, gpu: Option<&str>, change: impl FnOnce()) -> Option<Disturbance> {
        let gpus = vec![gpu.map(str::to_owned)];
        let surroundings = Surroundings::with(Box::new(set.clone()), gpus);
        let before = surroundings.before(0);
        change();
        // As if the last samples were old.
        let mut state = surroundings.watch.lock();
        state.listed.clear();
        state.load = None;
        drop(state);
        surroundings.after(before)
    }

    #[test]
    fn a_quiet_machine_disturbs_nothing() {
        let set = Set::default();
        set.set(0.5, 100, &[]);
        assert_eq!(between(&set, Some("GPU-a"), || ()), None);
    }

    #[test]
    fn sleep_and_load_are_those_of_the_attempt() {
        let set = Set::default();
        set.set(1e4, 100, &[]);
        let seen = between(&set, None, || set.set(0.1, 112, &[])).unwrap();
        assert_eq!((seen.load, seen.slept), (Some(1e4), Some(12.0)));
        set.set(processors() as f64 + 1.0, 112, &[]);
        assert_eq!(
            between(&set, None, || ()),
            None,
            "its own thread is no disturbance"
        );
    }

    #[test]
    fn processes_of_others_are_those_at_the_start_or_the_end() {
        let set = Set::default();
        set.set(0.0, 0, &["python3 (7)"]);
        let seen = between(&set, Some("GPU-a"), || set.set(0.0, 0, &["train (9)"]));
        assert_eq!(seen.unwrap().processes, ["python3 (7)", "train (9)"]);
        assert_eq!(between(&set, None, || ()), None, "the GPU is not known");
    }
}
