//! The search for the commit that raised a crash rate.

mod evidence;
mod gain;
mod model;
mod pairs;

pub use evidence::{ChangeEvidence, CommitRange};
pub use gain::Probe;
pub use model::ChangeModel;
pub use pairs::PairProcess;
