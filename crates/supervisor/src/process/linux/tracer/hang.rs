//! The stacks of a hanging attempt's threads.

use std::collections::HashMap;

use crashrate_postmortem::Crash;
use crashrate_postmortem::linux::{Maps, ThreadShot, hang};

use super::IMAGES;

/// The most frames that are read of each thread.
const MAX_FRAMES: usize = 100;

/// What the threads of an attempt were doing when it reached its time limit.
pub(super) struct Hang {
    leader: i32,
    threads: Vec<ThreadShot>,
    maps: HashMap<i32, Maps>,
    left_out: usize,
    /// The signal that had stopped the attempt's process.
    pub(super) stopped_by: Option<i32>,
}

impl Hang {
    pub(super) fn new(leader: i32, stopped_by: Option<i32>) -> Hang {
        Hang {
            leader,
            threads: Vec::new(),
            maps: HashMap::new(),
            left_out: 0,
            stopped_by,
        }
    }

    /// Reads the stack of a stopped thread.
    pub(super) fn add(&mut self, pid: i32, tid: i32) {
        let maps = self
            .maps
            .entry(pid)
            .or_insert_with(|| Maps::of(tid).unwrap_or_default());
        // A thread that is killed meanwhile is skipped.
        if let Ok(shot) = ThreadShot::take(pid, tid, maps, &IMAGES, MAX_FRAMES) {
            self.threads.push(shot);
        }
    }

    /// Counts threads that were not read.
    pub(super) fn leave_out(&mut self, threads: usize) {
        self.left_out += threads;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.threads.is_empty()
    }

    /// Symbolizes the stacks.
    pub(super) fn crash(&self) -> Option<Crash> {
        let mut crash = hang(self.leader, &self.threads, &self.maps)?;
        if self.left_out > 0 {
            crash
                .notes
                .push(format!("{} more threads could not be read", self.left_out));
        }
        Some(crash)
    }
}
