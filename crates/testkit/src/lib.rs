//! Development only: programs that really misbehave, and what tests need to run them.
//!
//! - The binary `misbehave` does one bad thing for real: [`misbehave`].
//! - The binary `sequence-runner` is a worker without libtorch, and a sequence's own program: [`sequence`].

pub mod misbehave;
pub mod sequence;
