//! What the stops of tracees mean for the perturbation of an attempt.

use std::time::{Duration, Instant};

use super::super::perturb::Perturber;
use super::super::sys;
use super::TraceTable;
use crate::plan::PerturbSpec;

impl TraceTable {
    /// Perturbs the attempt from its exec on.
    pub(in super::super) fn perturb(&mut self, spec: PerturbSpec) {
        self.perturber = Some(Box::new(Perturber::new(spec)));
    }

    /// When [`TraceTable::perturb_due`] has something to do.
    pub(in super::super) fn next_due(&self) -> Option<Instant> {
        self.perturber.as_ref()?.next_due()
    }

    /// Does what the perturbation has scheduled until now.
    pub(in super::super) fn perturb_due(&mut self) {
        if let Some(mut perturber) = self.perturber.take() {
            perturber.run_due(self.threads());
            self.perturber = Some(perturber);
        }
    }

    /// Ends the perturbation: the attempt is killed, or read by others.
    pub(in super::super) fn end_perturbation(&mut self) {
        if let Some(perturber) = &mut self.perturber {
            perturber.end();
        }
    }

    pub(super) fn forked(&mut self, child: i32, parent: i32, is_vfork: bool) {
        if let Some(perturber) = &mut self.perturber {
            perturber.forked(child, parent, is_vfork);
        }
    }

    /// A thread has stopped for `PTRACE_INTERRUPT`, or for the first time.
    pub(super) fn interrupted(&mut self, tid: i32, is_new: bool) {
        let Some(perturber) = &mut self.perturber else {
            sys::cont(tid, 0);
            return;
        };
        let hold = match perturber.stopped(tid) {
            Some(hold) => {
                self.reissue.interrupted(tid);
                hold
            }
            None if is_new => perturber.thread_started(),
            None => Duration::ZERO,
        };
        self.hold(tid, hold);
    }

    /// A thread is about to exit.
    pub(super) fn exits(&mut self, tid: i32) {
        let perturber = self.perturber.as_mut();
        let hold = perturber.map_or(Duration::ZERO, |it| it.thread_exits(tid));
        self.hold(tid, hold);
    }

    /// A thread has stopped with SIGTRAP. Returns whether that was by a breakpoint of the
    /// perturbation.
    pub(super) fn trapped(&mut self, pid: i32, tid: i32) -> bool {
        let perturber = self.perturber.as_mut();
        let hold = perturber.and_then(|it| it.trapped(pid, tid));
        if let Some(hold) = hold {
            self.hold(tid, hold);
        }
        hold.is_some()
    }

    /// Whether the perturbation holds a thread in a stop.
    pub(super) fn holds(&self, tid: i32) -> bool {
        let perturber = self.perturber.as_ref();
        perturber.is_some_and(|perturber| perturber.holds(tid))
    }

    /// Leaves a thread in its stop for some time. Without one it continues.
    fn hold(&mut self, tid: i32, time: Duration) {
        match &mut self.perturber {
            Some(perturber) if !time.is_zero() => {
                // Consumed, or the next peek would return it again.
                sys::take(tid);
                perturber.hold(tid, time);
            }
            _ => drop(sys::cont(tid, 0)),
        }
    }
}
