//! The thread that moves returned contexts to new memory.

use std::cmp::Ordering;
use std::thread;
use std::time::Duration;

use super::context::Context;
use super::pool::{Next, Pool};

/// The poll interval while nothing is due: short relative to the time between two replacements.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// The pause between two replacements. The next replacement may reuse the memory that the last one
/// freed; without a pause a late reader would find the same numbers there and not fault.
const PAUSE: Duration = Duration::from_micros(100);

/// What a return leaves behind: a handle to the context, and the number of replacements left.
#[derive(Debug)]
pub(super) struct Handle {
    /// When the next replacement is due, in computing time of the process.
    pub(super) due: Duration,
    /// The interval to the one after that.
    pub(super) every: Duration,
    /// Replacements left.
    pub(super) left: u32,
    /// The last clearing of the pool that it has seen.
    pub(super) cleared: u64,
    /// Selects the size of the new memory.
    pub(super) turn: u64,
    pub(super) context: Context,
}

/// Makes the due replacements until stopped. Does not hold the pool's lock, and deliberately does
/// not check whether the context is in use.
pub(super) fn run(pool: &Pool) {
    loop {
        match pool.next() {
            Next::Replace(mut handle) => {
                // If there is no memory for a new block, the old one stays: a smaller fault, but no
                // other harm.
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
    /// The earlier handle compares as greater, because a `BinaryHeap` pops the greatest.
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
