//! Devices that a run measures on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// A device of a run. Several devices have a slot each.
#[skip_serializing_none]
#[derive(
    Clone,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema
)]
pub struct Device {
    /// The name by which it was requested, such as `cuda:0`.
    pub name: String,
    /// The value of `CUDA_VISIBLE_DEVICES` for its attempts, if set by crashrate.
    pub visible: Option<String>,
    /// The model, such as `NVIDIA H200`, if known.
    pub model: Option<String>,
    /// The UUID, if known.
    pub uuid: Option<String>,
    /// The version of its driver, if known.
    pub driver: Option<String>,
    /// The processors that its attempts run on; all of them if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpus: Vec<u32>,
}

impl Device {
    /// Whether two devices of one machine are the same one. Which processors it uses may differ, and
    /// which number it has among those that a process sees.
    pub fn is_same(&self, other: &Device) -> bool {
        match (&self.uuid, &other.uuid) {
            (Some(one), Some(two)) => one == two,
            _ => self.name == other.name,
        }
    }
}

/// What else happened on the machine while an attempt ran. The attempt counts all the same.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Disturbance {
    /// Processes of others on its GPU, such as `python3 (4711)`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<String>,
    /// The load average, if the machine had more to do than it has cores.
    pub load: Option<f64>,
    /// How long the machine slept, in seconds.
    pub slept: Option<f64>,
}

impl Disturbance {
    /// Whether nothing happened.
    pub fn is_none(&self) -> bool {
        *self == Disturbance::default()
    }
}

/// A device stopped working: no attempt is started on it any more.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceFailure {
    /// Seconds since `opened`.
    pub at: f64,
    /// The device: an index into [`RunInfo::devices`](crate::RunInfo::devices). `None` if the run
    /// has only one.
    pub device: Option<u32>,
    /// Its name, such as `cuda:1`.
    pub name: String,
    /// Index into [`RunInfo::units`](crate::RunInfo::units) of the last unit that ran on it.
    pub unit: u32,
    /// The round after which it did not work any more.
    pub round: u32,
    /// How it was found out, for people.
    pub probe: String,
}

impl DeviceFailure {
    /// The failure as a sentence without a full stop.
    pub fn sentence(&self) -> String {
        format!(
            "{} stopped working after round {} ({})",
            self.name, self.round, self.probe
        )
    }
}
