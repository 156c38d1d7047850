//! Looking at what hangs: all threads are stopped, their stacks followed, and let go again.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crashrate_postmortem::Crash;
use crashrate_postmortem::linux::{Maps, ThreadShot, hang};
use nix::sys::ptrace;
use nix::unistd::Pid;

use super::calls::{self, Said};
use super::tracer::Tracer;

/// How long threads have to stop; one that sleeps in the kernel does not.
const STOPPING: Duration = Duration::from_millis(500);
/// How long following their stacks may take.
const WALKING: Duration = Duration::from_secs(2);
/// The most threads that are looked at, and the most frames of each.
const MAX_THREADS: usize = 64;
const MAX_FRAMES: usize = 100;

/// What the threads of an attempt were about.
pub(super) struct Hang {
    leader: i32,
    threads: Vec<ThreadShot>,
    maps: HashMap<i32, Maps>,
    left_out: usize,
    /// The signal that the child was stopped by.
    pub(super) stopped_by: Option<i32>,
}

impl Hang {
    /// Looks at all threads of all processes. Nothing if none could be looked at.
    pub(super) fn capture_hang(tracer: &mut Tracer) -> Option<Hang> {
        let mut order: Vec<(i32, i32)> = tracer.threads.iter().map(|(t, p)| (*t, *p)).collect();
        // The child's process first, then by age; each process's main thread first.
        let leader = tracer.leader;
        order.sort_by_key(|&(tid, pid)| (pid != leader, pid, tid != pid, tid));
        let left_out = order.len().saturating_sub(MAX_THREADS);
        order.truncate(MAX_THREADS);
        let stopped = stop(tracer, &order);
        let mut hang = Hang {
            leader,
            threads: Vec::new(),
            maps: HashMap::new(),
            left_out,
            stopped_by: stopped.get(&leader).copied().flatten(),
        };
        let deadline = Instant::now() + WALKING;
        for &(tid, pid) in &order {
            if stopped.contains_key(&tid) && Instant::now() < deadline {
                hang.add(tracer, pid, tid);
            } else {
                hang.left_out += 1;
            }
        }
        for (tid, stopped_by) in stopped {
            match stopped_by {
                Some(_) => calls::stay_stopped(tid),
                None => calls::go_on(tid, 0),
            }
        }
        (!hang.threads.is_empty()).then_some(hang)
    }

    fn add(&mut self, tracer: &Tracer, pid: i32, tid: i32) {
        let maps = self
            .maps
            .entry(pid)
            .or_insert_with(|| Maps::of(tid).unwrap_or_default());
        // One that is being killed meanwhile is simply not there.
        if let Ok(shot) = ThreadShot::take(pid, tid, maps, &tracer.images, MAX_FRAMES) {
            self.threads.push(shot);
        }
    }

    /// The evidence.
    pub(super) fn crash(&self) -> Option<Crash> {
        let mut crash = hang(self.leader, &self.threads, &self.maps)?;
        if self.left_out > 0 {
            let note = format!("{} more threads could not be looked at", self.left_out);
            crash.notes.push(note);
        }
        Some(crash)
    }
}

/// Stops these threads. Returns those that did, with the signal of the group stop that they were in.
fn stop(tracer: &mut Tracer, threads: &[(i32, i32)]) -> HashMap<i32, Option<i32>> {
    let mut awaited: HashSet<i32> = HashSet::new();
    for &(tid, _) in threads {
        if ptrace::interrupt(Pid::from_raw(tid)).is_ok() {
            awaited.insert(tid);
        }
    }
    let deadline = Instant::now() + STOPPING;
    let mut stopped = HashMap::new();
    while !awaited.is_empty() && Instant::now() < deadline {
        let Ok(heard) = tracer.hear_holding(&awaited) else {
            break;
        };
        match heard {
            Some((tid, Said::Stopped { signal, event })) if awaited.contains(&tid) => {
                if event == libc::PTRACE_EVENT_STOP {
                    awaited.remove(&tid);
                    stopped.insert(tid, Some(signal).filter(|&signal| signal != libc::SIGTRAP));
                }
            }
            Some((tid, Said::Ended(_))) => {
                awaited.remove(&tid);
                if tracer.ended_by.is_some() {
                    break;
                }
            }
            Some(_) => {}
            None => std::thread::sleep(Duration::from_micros(50)),
        }
    }
    stopped
}
