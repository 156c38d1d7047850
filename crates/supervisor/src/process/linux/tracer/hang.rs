//! The stacks of a hanging attempt's threads.

use std::collections::HashMap;

use crashrate_postmortem::Crash;
use crashrate_postmortem::linux::{Maps, ThreadShot, hang};

/// What the threads of an attempt were doing when it reached its time limit.
pub(super) struct Hang {
    pub(super) leader: i32,
    pub(super) threads: Vec<ThreadShot>,
    pub(super) maps: HashMap<i32, Maps>,
    pub(super) left_out: usize,
    /// The signal that had stopped the attempt's process.
    pub(super) stopped_by: Option<i32>,
}

impl Hang {
    /// Symbolizes the stacks.
    pub(super) fn crash(&self) -> Option<Crash> {
        let mut crash = hang(self.leader, &self.threads, &self.maps)?;
        if self.left_out > 0 {
            let note = format!("{} more threads could not be read", self.left_out);
            crash.notes.push(note);
        }
        Some(crash)
    }
}
