//! What is known of an attempt that has ended.

use crashrate_model::{Disturbance, Spawn, Usage};

use super::capture::Captured;
use super::watched::Watched;
use crate::outcome::Seen;
use crate::plan::AttemptSpec;

/// An attempt as it was seen by its slot, and its output.
#[derive(Debug)]
pub struct Observed {
    /// Everything that its outcome depends on.
    pub seen: Seen,
    /// Its standard output.
    pub stdout: Captured,
    /// Its standard error.
    pub stderr: Captured,
    /// Facts that do not change its outcome.
    pub evidence: Evidence,
}

impl Observed {
    pub(super) fn not_started(spec: &AttemptSpec, reason: String) -> Observed {
        let mut seen = Seen::nothing(&spec.unit);
        seen.not_started = Some(reason);
        Observed {
            seen,
            stdout: Captured::default(),
            stderr: Captured::default(),
            evidence: Evidence::default(),
        }
    }
}

/// Facts about an attempt that do not change its outcome: where it crashed, what it used.
#[derive(Debug, Default)]
pub struct Evidence {
    /// What was seen of its processes.
    pub watched: Watched,
    /// Whether it waited for children. Only filled in if the spec asks for it.
    pub had_children: bool,
    /// Why waiting for its end failed. Waiting for other children would fail the same way.
    pub waiting_failed: Option<String>,
    /// The resources that it used. `None` if it was not reaped.
    pub usage: Option<Usage>,
    /// How its process was started. `None` if that failed.
    pub spawn: Option<Spawn>,
    /// What else happened on the machine meanwhile.
    pub disturbance: Option<Disturbance>,
    /// Whether its zygote died before its exit status was known.
    pub orphaned: bool,
    /// How zygotes of its slot died while it ran or was being started.
    pub zygotes_ended: Vec<String>,
}
