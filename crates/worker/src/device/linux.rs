//! What is particular to Linux.

/// The library that teaches libtorch CUDA.
pub(super) const CUDA_LIBRARY: Option<&str> = Some("libtorch_cuda.so");
