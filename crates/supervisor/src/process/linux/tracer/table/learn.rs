//! Learning where the threads of a process are when it crashes. An ambush at these places makes the
//! same crash come more often.

use std::time::{Duration, Instant};

use crashrate_postmortem::linux::{Maps, ThreadShot};
use crashrate_postmortem::{CodePlace, CrashPlaces};

use super::super::{IMAGES, sys};
use super::TraceTable;

/// How long the other threads have to stop: longer than a busy machine takes to schedule them.
const STOP_TIMEOUT: Duration = Duration::from_millis(500);
/// How long reading their stacks may take.
const READ_TIMEOUT: Duration = Duration::from_millis(500);
/// The most threads that are looked at.
const MAX_THREADS: usize = 64;
/// The most frames of each thread that are places: it is in the innermost one and will return to
/// the others.
const FRAMES: usize = 5;
/// The most places of the other threads.
const MAX_PLACES: usize = 128;

/// What was learned of an attempt.
#[derive(Default)]
pub(super) enum Learned {
    #[default]
    Nothing,
    /// Being learned: other threads may crash meanwhile.
    Now,
    Places(CrashPlaces),
}

impl Learned {
    pub(super) fn take(&mut self) -> CrashPlaces {
        match std::mem::take(self) {
            Learned::Places(places) => places,
            Learned::Nothing | Learned::Now => CrashPlaces::default(),
        }
    }
}

impl TraceTable {
    /// Learns from the first crash of the attempt: of thread `tid`, which is stopped before the
    /// delivery of a fatal signal.
    pub(super) fn learn(&mut self, pid: i32, tid: i32) {
        if !self.learns || !matches!(self.learned, Learned::Nothing) {
            return;
        }
        self.learned = Learned::Now;
        // Consumed, or the waits for the other threads would return it again.
        sys::take(tid);
        let is_other = |&(other, of): &(i32, i32)| of == pid && other != tid;
        let others: Vec<(i32, i32)> = (self.threads())
            .filter(|thread| is_other(thread) && !self.holds(thread.0))
            .take(MAX_THREADS)
            .collect();
        let stopped = self.stop_threads(&others, STOP_TIMEOUT);
        // Some may have run into an ambush before they stopped.
        let held: Vec<i32> = (self.threads())
            .filter(|thread| is_other(thread) && self.holds(thread.0))
            .map(|(held, _)| held)
            .collect();
        let places = self.places(pid, tid, held.into_iter().chain(stopped.tids()));
        stopped.release();
        self.learned = Learned::Places(places);
        self.end_perturbation();
    }

    /// The places of the thread `tid`, which crashed, and of others.
    fn places(&self, pid: i32, tid: i32, others: impl Iterator<Item = i32>) -> CrashPlaces {
        let deadline = Instant::now() + READ_TIMEOUT;
        let mut places = CrashPlaces::default();
        let Ok(maps) = Maps::of(pid) else {
            return places;
        };
        let (fault, callers) = self.places_of(pid, tid, &maps);
        (places.fault, places.callers) = (fault.into_iter().collect(), callers);
        for tid in others {
            if Instant::now() >= deadline {
                break;
            }
            let (at, callers) = self.places_of(pid, tid, &maps);
            let of_thread = CrashPlaces {
                others: at.into_iter().chain(callers).collect(),
                ..CrashPlaces::default()
            };
            places.add(&of_thread, MAX_PLACES);
        }
        places
    }

    /// Where a thread is, if that is known, and where it would return to.
    fn places_of(&self, pid: i32, tid: i32, maps: &Maps) -> (Option<CodePlace>, Vec<CodePlace>) {
        let Ok(shot) = ThreadShot::take(pid, tid, maps, &IMAGES, FRAMES) else {
            return (None, Vec::new());
        };
        let mut places = shot.places(FRAMES);
        if places.is_empty() {
            return (None, places);
        }
        let innermost = places.remove(0);
        let perturber = self.perturber.as_ref();
        let is_after_trap = perturber.is_some_and(|it| it.is_after_trap(pid, shot.pc()));
        // Behind a breakpoint there may be the middle of an instruction.
        ((!is_after_trap).then_some(innermost), places)
    }
}
