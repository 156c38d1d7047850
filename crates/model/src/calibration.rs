//! The calibration of a fault's dose.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// The target of a calibration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationRule {
    /// The share of rounds of the suite's first sequence that should pass; between 0 and 1.
    pub pass: f64,
    /// The most rounds that the calibration may take.
    pub rounds: u32,
}

/// How a fault's dose was found. These rounds are not counted in any rate of the run.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// The target.
    #[serde(flatten)]
    pub rule: CalibrationRule,
    /// The sequence that was run.
    pub sequence: String,
    /// The doses that were tried, in order.
    pub steps: Vec<CalibrationStep>,
    /// The 95 % credible interval of the share that passes with the chosen dose; `None` if the
    /// fault cannot be injected on the device in use.
    pub interval: Option<(f64, f64)>,
}

/// Rounds of a calibration with the same dose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationStep {
    /// The dose.
    pub dose: u32,
    /// Rounds that passed.
    pub passed: u32,
    /// Rounds run.
    pub of: u32,
}
