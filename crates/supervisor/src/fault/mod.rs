//! Fault injection: which fault the worker injects, how much of it, and how the right dose is
//! found.
//!
//! Only a suite with a `[fault]` section uses it. It makes the worker crash on purpose, so that
//! users can see crashrate measure a known defect.

pub mod calibrate;
mod section;

use crashrate_model::{Calibration, CalibrationRule};
use crashrate_protocol::Fault;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use section::Section;

/// The largest dose: beyond it a worker would do little else.
pub const MAX_DOSE: u32 = 1_000_000;
/// Default number of calibration rounds.
const ROUNDS: u32 = 20;
/// Default share of rounds that pass: that of the report N=1972.
const PASS: f64 = 0.4;

/// What a suite's worker chapters inject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuiteFault {
    /// The fault. A calibration starts with its dose.
    pub injected: Fault,
    /// The rule by which the dose is still to be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrate: Option<CalibrationRule>,
    /// How the dose was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

impl SuiteFault {
    /// The fault as a task states it.
    pub(crate) fn task(&self) -> Value {
        json(&self.injected)
    }

    /// The fault as the run's record states it: with its calibration.
    pub(crate) fn record(&self) -> Value {
        let mut value = self.task();
        if let (Some(calibration), Some(fields)) = (&self.calibration, value.as_object_mut()) {
            fields.insert("calibration".to_owned(), json(calibration));
        }
        value
    }

    /// Sets the dose; a calibration is no longer needed.
    pub fn fix(&mut self, dose: u32) {
        self.injected.dose = dose;
        self.calibrate = None;
    }
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("a fault has string keys and finite numbers")
}
