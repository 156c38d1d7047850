//! What was observed of an attempt.

use crashrate_adapters::{FoundMark, OutputMeaning};
use crashrate_model::Exit;

use super::transcript::Transcript;
use crate::plan::UnitSpec;
use crate::signals::StopSignal;

/// Why crashrate killed an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kill {
    /// Its time limit expired.
    TimeLimit,
    /// The run was stopped.
    Interrupt,
}

/// What was observed of an attempt.
#[derive(Clone, Debug)]
pub struct Seen {
    /// How the process ended; `None` if it never started or could not be killed.
    pub exit: Option<Exit>,
    /// Why it could not be started.
    pub not_started: Option<String>,
    /// Why crashrate killed it.
    pub killed: Option<Kill>,
    /// The signal by which crashrate itself was stopped when it died of a stop signal.
    pub stopped_with_run: Option<StopSignal>,
    /// Its events.
    pub transcript: Transcript,
    /// Seconds from start to end.
    pub secs: f64,
    /// Number of its processes that the kernel's OOM killer killed, by the kernel's record.
    pub oom_kills: u64,
    /// Whether its peak memory was near the limit or the memory of the machine.
    pub near_memory_limit: bool,
    /// The signal by which it was stopped when its time limit expired.
    pub stopped_by: Option<String>,
    /// The descendants that crashed.
    pub descendants: Vec<DescendantDeath>,
    /// What on standard error makes its exit code a crash.
    pub crash_mark: Option<FoundMark>,
    /// What its output means by the rules of its test.
    pub output: Option<OutputMeaning>,
    /// Other observations, for people.
    pub notes: Vec<String>,
}

/// The death of a descendant by a signal that means a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescendantDeath {
    /// The name of its program.
    pub program: String,
    /// The signal's name.
    pub signal: String,
}

impl Seen {
    /// An attempt of this unit of which nothing was observed yet.
    pub(crate) fn nothing(unit: &UnitSpec) -> Seen {
        let ids = unit.chapters.iter().map(|c| c.id.clone());
        Seen {
            exit: None,
            not_started: None,
            killed: None,
            stopped_with_run: None,
            transcript: Transcript::new(ids, unit.mode),
            secs: 0.0,
            oom_kills: 0,
            near_memory_limit: false,
            stopped_by: None,
            descendants: Vec::new(),
            crash_mark: None,
            output: None,
            notes: Vec::new(),
        }
    }
}
