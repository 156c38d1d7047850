//! The suite's recommendations and the conditions behind them.

use crashrate_model::Condition;
use serde::Serialize;

/// A recommendation without a condition, or one whose condition holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// The suite's text.
    pub text: String,
    /// The condition.
    pub when: Option<Condition>,
    /// The variants for which the condition holds, with their counts; empty without a condition.
    pub held: Vec<Held>,
}

/// The counts by which a condition holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The variant's id.
    pub variant: String,
    /// First attempts with the outcome that the condition counts.
    pub count: u32,
    /// First attempts that count.
    pub n: u32,
}
