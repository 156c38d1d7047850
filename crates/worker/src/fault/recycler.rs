//! The thread that gives returned contexts new memory.

use std::cmp::Ordering;
use std::thread;
use std::time::Duration;

use super::context::Context;
use super::pool::{Next, Pool};

/// How long to wait where nothing is due: short beside the time between two replacements.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// Between two replacements. The next one may get the memory that the last one gave back: a late reader of that would
/// find the same numbers there, and not fault.
const PAUSE: Duration = Duration::from_micros(100);

/// What a return leaves behind: a hold on the context, and how often its memory is still to be replaced.
#[derive(Debug)]
pub(super) struct Handle {
    /// When, in computing time of the process.
    pub(super) due: Duration,
    /// And how long after that again.
    pub(super) every: Duration,
    /// How many times.
    pub(super) left: u32,
    /// Which clearing of the pool it has seen last.
    pub(super) cleared: u64,
    /// Chooses the size of the new memory.
    pub(super) turn: u64,
    /// The context.
    pub(super) context: Context,
}

/// Replaces what is due until it is told to stop. The pool's lock is not held meanwhile, and nobody is asked.
pub(super) fn run(pool: &Pool) {
    loop {
        match pool.next() {
            Next::Replace(mut handle) => {
                // Without memory for a new one, the old one stays: less of a fault, and no other harm.
                let _ = handle.context.replace_memory(handle.turn);
                pool.used(handle);
                thread::sleep(PAUSE);
            }
            Next::Wait => thread::sleep(LOOK_AGAIN),
            Next::Stop => return,
        }
    }
}

impl Ord for Handle {
    /// The earlier one is the greater one: a heap has that on top.
    fn cmp(&self, other: &Self) -> Ordering {
        other.due.cmp(&self.due)
    }
}

impl PartialOrd for Handle {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Handle {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Handle {}
