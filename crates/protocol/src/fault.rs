//! The fault: a real fault that a worker injects when it is asked to, so that there is something to count.

use serde::{Deserialize, Serialize};

/// What a suite's `[fault]` says, and with it a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// How many times a context that was given back gets new storage, whoever has taken it since.
    pub dose: u32,
    /// Whether what one chapter leaves in the process is there for the next one.
    #[serde(default = "yes")]
    pub carry_over: bool,
    /// The kinds of device that it is injected on; on others the worker runs without it.
    #[serde(default = "cpu")]
    pub on: Vec<String>,
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// A tensor gets new storage while another thread computes with the old one.
    TensorLifetime,
}

/// The default of `carry_over`.
fn yes() -> bool {
    true
}

/// The default of `on`: the only kind of device that there is a race for.
fn cpu() -> Vec<String> {
    vec!["cpu".to_owned()]
}
