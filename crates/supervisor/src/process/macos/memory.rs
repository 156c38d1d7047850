//! macOS tells nobody which processes it killed for want of memory.

/// Nothing is known.
pub(in super::super) struct MemoryWatch;

impl MemoryWatch {
    pub(in super::super) fn begin() -> MemoryWatch {
        MemoryWatch
    }

    pub(in super::super) fn kills_since(&self) -> u64 {
        0
    }

    pub(in super::super) fn is_near_limit(&self, _bytes: u64) -> bool {
        false
    }
}
