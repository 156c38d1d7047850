//! macOS has no NVIDIA driver, and tells nobody without privileges which processes use its GPU.

use super::Gpu;

pub(super) fn gpus() -> Option<Vec<Gpu>> {
    None
}

pub(super) fn processes_on(_uuid: &str) -> Vec<u32> {
    Vec::new()
}

/// The one GPU of a Mac.
pub(super) const HAS_MPS: bool = true;
