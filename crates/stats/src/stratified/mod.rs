//! Rounds from several machines: whether their rates differ, and comparisons of two sides within
//! each machine. [`crate::PairWatch`] and [`crate::GateWatch`] need no other form for several
//! machines, only an order; see "Several machines" in the crate's documentation.

mod draws;
mod homogeneity;
mod margins;
mod network;
mod sides;

pub use homogeneity::{Homogeneity, HomogeneityMethod, homogeneity};
pub use sides::compare_machines;
