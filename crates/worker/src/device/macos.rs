//! What is particular to macOS.

/// The library that teaches libtorch CUDA: there is none here.
pub(super) const CUDA_LIBRARY: Option<&str> = None;
