//! What a child says of itself.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The device and versions that a child reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hello {
    /// The device in use, such as `cpu` or `cuda:0`.
    pub device: String,
    /// Library versions by name.
    #[serde(default)]
    pub versions: BTreeMap<String, String>,
}
