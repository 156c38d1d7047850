//! Tests of equal rates.

use crashrate_stats::Homogeneity;
use schemars::JsonSchema;
use serde::Serialize;

/// Whether the rate of a unit differs between machines or between devices.
#[derive(Clone, Debug, PartialEq)]
pub struct RateTest {
    /// The place of the unit: in [`Machine::units`](super::Machine::units) or in the plan.
    pub unit: usize,
    /// Which rounds are counted.
    pub counted: CountedRounds,
    /// The test of equal rates.
    pub test: Homogeneity,
    /// The p-value, adjusted for all tests.
    pub p: f64,
    /// Whether a difference is shown.
    pub differs: bool,
}

/// Which rounds a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CountedRounds {
    /// Bad ones.
    Bad,
    /// Those that failed, if that is not bad.
    Failed,
}
