#![doc = include_str!("../README.md")]
// Development only: field names say enough.
#![allow(missing_docs)]

pub mod bare_loop;
pub mod catalogue;
pub mod misbehave;
mod platform;
pub mod processes;
pub mod programs;
pub mod racy;
pub mod repository;
pub mod sequence;
pub mod slurm;
mod warm_up;

pub use catalogue::{Case, InSequence, catalogue};
pub use processes::{no_core_dumps, peak_memory, processes_with_marker};
pub use programs::{Programs, programs};
pub use warm_up::{WARM_UP, warm_up};
