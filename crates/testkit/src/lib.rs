//! Development only: programs that really misbehave, and what tests need to run them.
//!
//! - The binary `misbehave` does one bad thing for real: [`misbehave`].
//! - The binary `sequence-runner` is a worker without libtorch, and a sequence's own program: [`sequence`].
//! - The binaries `bare-loop` and `nothing` are for the benchmarks: [`bare_loop`].
//! - [`catalogue()`] has the expected outcome of each way to misbehave as data, and makes suites of them.
//! - [`programs()`] says where the binaries are, and builds them if need be.
//! - [`processes`] has what tests ask of live processes.

pub mod bare_loop;
pub mod catalogue;
pub mod misbehave;
mod platform;
pub mod processes;
pub mod programs;
pub mod sequence;
mod warm_up;

pub use catalogue::{Case, InSequence, catalogue};
pub use processes::{no_core_dumps, peak_memory, processes_with_marker};
pub use programs::{Programs, programs};
pub use warm_up::{WARM_UP, warm_up};
