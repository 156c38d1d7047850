//! What is known of an attempt that has ended.

use std::path::PathBuf;

use crashrate_model::{EvidenceMode, Spawn, Usage};
use crashrate_postmortem::Crash;

use super::capture::Captured;
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
    /// Whether its zygote died before its exit status was known.
    pub orphaned: bool,
    /// How zygotes of its slot died while it ran or was being started.
    pub zygotes_ended: Vec<String>,
}

/// The crash of a descendant of an attempt's process.
#[derive(Clone, Debug)]
pub struct DescendantCrash {
    /// The name of its program.
    pub program: String,
    /// The evidence, which always has a signal.
    pub crash: Crash,
}

/// What a tracer or core dumps show of a child and its descendants.
#[derive(Debug, Default)]
pub struct Watched {
    /// How it was watched.
    pub mode: EvidenceMode,
    /// The fatal signal that was being delivered to it. The exit status can differ: a tracer
    /// delays the delivery, and meanwhile another thread may call `exit` or `execve`.
    pub fatal_signal: Option<String>,
    /// The signal that had stopped it when its hang was captured. The kernel reports that to the
    /// tracer alone.
    pub stopped_by: Option<String>,
    /// The crashes of its descendants.
    pub descendants: Vec<DescendantCrash>,
    /// The programs that it and its descendants executed.
    pub programs: Vec<PathBuf>,
    /// How the watching may have changed the outcome.
    pub disturbed: Option<String>,
    /// Further remarks for the report.
    pub notes: Vec<String>,
    /// The evidence of its fatal signal or, if its hang was captured, of the hang.
    pub crash: Option<Box<Crash>>,
    /// Its peak resident memory when it died, in bytes.
    pub peak_bytes: Option<u64>,
    /// How many of its descendants had to be killed.
    pub left_behind: usize,
}
