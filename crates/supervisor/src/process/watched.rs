//! What a tracer or a core dump shows of an attempt's processes.

use std::path::PathBuf;

use crashrate_model::EvidenceMode;
use crashrate_postmortem::{Crash, CrashPlaces};

/// The crash of a descendant of an attempt's process.
#[derive(Clone, Debug)]
pub struct DescendantCrash {
    /// The name of its program.
    pub program: String,
    /// The evidence, which always has a signal.
    pub crash: Crash,
}

/// What a tracer did to an attempt on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Perturbed {
    /// How often a running thread was stopped.
    pub stops: u32,
    /// How often a thread was delayed at its start or exit, or at that of its process.
    pub delays: u32,
    /// How often a thread was held at a breakpoint.
    pub ambushes: u32,
    /// Whether places were known and none was in the code that was loaded.
    pub is_other_build: bool,
}

impl Perturbed {
    /// What was done, as a note.
    pub fn note(&self) -> String {
        let counted = |count: u32, one: &str, several: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {several}"),
        };
        format!(
            "perturbed by {}, {} and {}",
            counted(self.stops, "stop", "stops"),
            counted(self.delays, "delay", "delays"),
            counted(self.ambushes, "ambush", "ambushes"),
        )
    }
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
    /// What was done to it on purpose; `None` if nothing was to be done.
    pub perturbed: Option<Perturbed>,
    /// Where its threads were when it crashed.
    pub places: CrashPlaces,
    /// The evidence of its fatal signal or, if its hang was captured, of the hang.
    pub crash: Option<Box<Crash>>,
    /// Its peak resident memory when it died, in bytes.
    pub peak_bytes: Option<u64>,
    /// How many of its descendants had to be killed.
    pub left_behind: usize,
}
