//! Detects a terminal that has stopped reading.

use std::time::{Duration, Instant};

/// A terminal that takes nothing for this long has stopped reading.
pub(super) const STALLED_AFTER: Duration = Duration::from_secs(3);
/// Time between two checks of the progress.
pub(super) const STEP: Duration = Duration::from_millis(50);
/// Bytes of one write: small, so that a slow line still shows progress.
pub(super) const PIECE: usize = 512;

/// Measures the time since the last progress of a writer.
pub(super) struct StallTimer {
    limit: Duration,
    written: Option<u64>,
    since: Instant,
}

impl StallTimer {
    pub(super) fn new(limit: Duration) -> StallTimer {
        StallTimer {
            limit,
            written: None,
            since: Instant::now(),
        }
    }

    /// Whether the limit has passed since the number of written pieces last changed.
    pub(super) fn is_stalled(&mut self, written: u64) -> bool {
        if self.written.replace(written) != Some(written) {
            self.since = Instant::now();
        }
        self.since.elapsed() >= self.limit
    }
}
