//! What the suite recommends, and what makes it do so.

use crashrate_model::Condition;
use serde::Serialize;

/// A recommendation of the suite: one without a condition, or one whose condition holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// The suite's own text.
    pub text: String,
    /// The condition.
    pub when: Option<Condition>,
    /// Under which variants the condition holds, and by which counts; none for a recommendation without a condition.
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
