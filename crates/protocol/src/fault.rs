//! The fault that a worker injects on request: a real defect, so that there are crashes to count.

use serde::{Deserialize, Serialize};

/// The `[fault]` section of a suite, as a task passes it to the worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The defect.
    pub kind: FaultKind,
    /// How many times the storage of a returned context is replaced, even if another thread has
    /// taken the context in the meantime.
    pub dose: u32,
    /// Whether the damage that one chapter leaves in the process remains for the next chapter.
    #[serde(default = "yes")]
    pub carry_over: bool,
    /// The kinds of device on which the fault is injected. On others the worker runs without it.
    #[serde(default = "cpu")]
    pub on: Vec<String>,
}

/// The defects that can be injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// A tensor's storage is replaced while another thread computes with it.
    TensorLifetime,
}

/// The default of `carry_over`.
fn yes() -> bool {
    true
}

/// The default of `on`: the race exists only in CPU memory.
fn cpu() -> Vec<String> {
    vec!["cpu".to_owned()]
}
