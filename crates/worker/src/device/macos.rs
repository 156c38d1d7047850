//! macOS specifics.

/// macOS has no CUDA.
pub(super) const CUDA_LIBRARY: Option<&str> = None;
