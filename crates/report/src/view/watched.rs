//! What a run's own stopping rule has seen.

use crashrate_model::{Axis, Contrast, Gate};
use crashrate_stats::{GateWatch, PairWatch};

/// The comparisons of a run along one axis, each with its pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct PairsSeen {
    /// Which two sides are compared.
    pub axis: Axis,
    /// The comparisons, in the order of the plan.
    pub contrasts: Vec<(Contrast, PairWatch)>,
}

/// A gate, and the rounds that it has seen.
#[derive(Clone, Debug, PartialEq)]
pub struct GateSeen {
    /// The gate.
    pub gate: Gate,
    /// Its rounds up to its verdict.
    pub watch: GateWatch,
}
