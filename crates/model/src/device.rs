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
}
