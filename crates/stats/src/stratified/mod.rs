//! Rounds from several machines: whether their rates differ, and comparisons of two sides within
//! each machine.
//!
//! Rounds of different machines are never pooled as if they came from one rate. A comparison within
//! blocks needs no more than that: a block runs on one machine, and only blocks whose sides differ
//! count. [`crate::PairWatch::over_shards`] adds them up while the machines run.

mod draws;
mod homogeneity;
mod margins;
mod network;
mod sides;

pub use homogeneity::{Homogeneity, HomogeneityMethod, homogeneity};
pub use sides::compare_machines;
