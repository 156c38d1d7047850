//! How long a terminal that has stopped reading is waited for.

use std::time::{Duration, Instant};

/// A terminal that takes nothing for this long is not waited for.
const LIMIT: Duration = Duration::from_secs(3);
/// Time between two looks at the progress.
pub(super) const STEP: Duration = Duration::from_millis(50);
/// Bytes written at once: small, so that progress on a slow line is seen.
pub(super) const PIECE: usize = 512;

/// Gives up once nothing was written for a time.
pub(super) struct Patience {
    limit: Duration,
    written: Option<u64>,
    since: Instant,
}

impl Patience {
    pub(super) fn new() -> Patience {
        Patience::of(LIMIT)
    }

    pub(super) fn of(limit: Duration) -> Patience {
        Patience {
            limit,
            written: None,
            since: Instant::now(),
        }
    }

    /// Whether there was progress within the limit, by the number of pieces written so far.
    pub(super) fn has_progress(&mut self, written: u64) -> bool {
        if self.written.replace(written) != Some(written) {
            self.since = Instant::now();
        }
        self.since.elapsed() < self.limit
    }
}
