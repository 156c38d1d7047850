//! Stopping all threads of an attempt for a moment.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use nix::sys::ptrace;
use nix::unistd::Pid;

use super::super::sys::{self, Blocking, Stop, TraceeEvent};
use super::TraceTable;

/// Threads that are stopped, each with the signal of the group stop that it is in, if any.
pub(in super::super) struct StoppedThreads(HashMap<i32, Option<i32>>);

impl StoppedThreads {
    pub(in super::super) fn contains(&self, tid: i32) -> bool {
        self.0.contains_key(&tid)
    }

    pub(in super::super) fn tids(&self) -> impl Iterator<Item = i32> + '_ {
        self.0.keys().copied()
    }

    /// The signal of the group stop that a thread is in.
    pub(in super::super) fn group_stop(&self, tid: i32) -> Option<i32> {
        self.0.get(&tid).copied().flatten()
    }

    /// Lets the threads continue.
    pub(in super::super) fn release(self) {
        for (tid, group_stop) in self.0 {
            if group_stop.is_some() {
                sys::listen(tid);
            } else {
                sys::cont(tid, 0);
            }
        }
    }
}

impl TraceTable {
    /// Stops these threads, pairs of thread and process, within this time. Returns those that did
    /// stop, without those that the perturbation has come to hold meanwhile.
    pub(in super::super) fn stop_threads(
        &mut self,
        threads: &[(i32, i32)],
        limit: Duration,
    ) -> StoppedThreads {
        let mut awaited: HashSet<i32> = HashSet::new();
        for &(tid, _) in threads {
            if ptrace::interrupt(Pid::from_raw(tid)).is_ok() {
                awaited.insert(tid);
            }
        }
        let deadline = Instant::now() + limit;
        let mut stopped = HashMap::new();
        while !awaited.is_empty() && Instant::now() < deadline {
            let Ok(event) = self.handle_next(Blocking::No, &awaited) else {
                break;
            };
            match event {
                Some((tid, TraceeEvent::Stopped(Stop::Group(signal)))) if awaited.remove(&tid) => {
                    stopped.insert(tid, Some(signal));
                }
                Some((tid, TraceeEvent::Stopped(Stop::Interrupt))) if awaited.remove(&tid) => {
                    stopped.insert(tid, None);
                }
                Some((tid, TraceeEvent::Ended(_))) => {
                    awaited.remove(&tid);
                    if self.leader_has_ended() {
                        break;
                    }
                }
                Some((tid, _)) if self.holds(tid) => drop(awaited.remove(&tid)),
                Some(_) => {}
                None => std::thread::sleep(Duration::from_micros(50)),
            }
        }
        StoppedThreads(stopped)
    }
}
