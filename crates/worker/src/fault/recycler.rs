//! The thread that moves returned contexts to new memory.

use std::thread;
use std::time::Duration;

use super::pool::{Next, Pool};

/// The poll interval while nothing is due: short relative to the time between two replacements.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// The pause between two replacements. The next replacement may reuse the memory that the last one
/// freed; without a pause a late reader would find the same numbers there and not fault.
const PAUSE: Duration = Duration::from_micros(100);

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
