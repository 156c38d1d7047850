//! Linux specifics.

/// The library that adds CUDA to libtorch.
pub(super) const CUDA_LIBRARY: Option<&str> = Some("libtorch_cuda.so");
