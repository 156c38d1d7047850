//! How large a fault was made, and by which rounds that was found out.

use serde::{Deserialize, Serialize};

/// What is wanted of a calibration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationRule {
    /// The share of rounds of the suite's first sequence that is to pass; between 0 and 1.
    pub pass: f64,
    /// How many rounds it may take.
    pub rounds: u32,
}

/// How the dose of a fault were found. Its rounds are in no rate of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// What was wanted.
    #[serde(flatten)]
    pub rule: CalibrationRule,
    /// The sequence that was run.
    pub sequence: String,
    /// What was tried, in order.
    pub steps: Vec<CalibrationStep>,
    /// The interval (95 %, credible) of the share that passes with the dose that were found; nothing if the fault
    /// cannot be injected on the device in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<(f64, f64)>,
}

/// Rounds of a calibration with the same number of dose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalibrationStep {
    /// The dose.
    pub dose: u32,
    /// Rounds that passed.
    pub passed: u32,
    /// Rounds.
    pub of: u32,
}
