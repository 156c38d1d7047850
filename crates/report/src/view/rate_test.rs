//! Tests of equal rates.

use crashrate_stats::Homogeneity;

/// Whether the rate of a unit differs between machines or between devices.
#[derive(Clone, Debug, PartialEq)]
pub struct RateTest {
    /// The place of the unit: in [`Machine::units`](super::Machine::units) or in the plan.
    pub unit: usize,
    /// The test of equal rates.
    pub test: Homogeneity,
    /// The p-value, adjusted for all units.
    pub p: f64,
    /// Whether a difference is shown.
    pub differs: bool,
}
