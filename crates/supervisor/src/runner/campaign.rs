//! What a caller gives to a run, and what it gets from it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crashrate_model::{Finding, Record, Stopping};
use thiserror::Error;

use crate::build::Source;
use crate::crashes::LearnedPlaces;
use crate::device::DeviceSet;
use crate::journal::JournalError;
use crate::outcome::Note;
use crate::plan::{Plan, RoundKey};
use crate::schedule::{Bounds, Running};
use crate::search::SearchStatus;
use crate::watching::Watching;
use crate::worker::Workers;

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The units and their rounds.
    pub plan: Plan,
    /// The worker of each variant.
    pub workers: Workers,
    /// The number of slots, and the most rounds that may fail.
    pub bounds: Bounds,
    /// The devices of the slots: slot `s` has device `s % devices`.
    pub devices: DeviceSet,
    /// The stopping rule.
    pub stopping: Stopping,
    /// After this time no more rounds are started.
    pub time_budget: Option<Duration>,
    /// The share by which the second side of a comparison may be bad more often and still count as
    /// no worse.
    pub not_worse_by: Option<f64>,
    /// Facts about the machine that matter for the results.
    pub findings: Vec<Finding>,
    /// How attempts are watched for evidence of their deaths.
    pub watching: Watching,
    /// Where threads were when an earlier run of the suite crashed. An ambush prefers these places.
    pub places: Vec<LearnedPlaces>,
    /// Whether one core dump of each signature is kept.
    pub core_dumps: bool,
    /// The guardian's program, with the arguments before the run's id.
    pub guardian: (PathBuf, &'static [&'static str]),
}

impl Campaign {
    /// All rounds of a plan, one attempt at a time, watched in the default way.
    pub fn new(
        plan: Plan,
        workers: Workers,
        guardian: (PathBuf, &'static [&'static str]),
    ) -> Campaign {
        Campaign {
            plan,
            workers,
            bounds: Bounds {
                slots: 1,
                max_failures: None,
            },
            devices: DeviceSet::default(),
            stopping: Stopping::FixedRounds,
            time_budget: None,
            not_worse_by: None,
            findings: Vec::new(),
            watching: Watching::default(),
            places: Vec::new(),
            core_dumps: false,
            guardian,
        }
    }
}

/// An attempt that runs now.
#[derive(Clone, Debug)]
pub struct RunningAttempt {
    /// The round, the attempt and the slot.
    pub running: Running,
    /// Whether it is an evidence round, which no rate counts.
    pub is_evidence: bool,
    /// When it was handed to its slot.
    pub since: Instant,
    /// The pid of its process; `None` while it is being started or cleaned up.
    pub pid: Option<i32>,
    /// The running chapter, as an index into those of its unit; `None` between chapters.
    pub chapter: Option<usize>,
}

/// News of a run for the user.
#[derive(Debug)]
pub enum RunEvent<'a> {
    /// The journal has a new record.
    Record(&'a Record),
    /// A running attempt reported progress.
    Progress(RoundKey, &'a Note),
    /// A search has learned from a round.
    Search(&'a SearchStatus),
    /// What this unit measures is being built, or found among the kept builds.
    Building(u32, &'a Source),
    /// The device of a slot is asked whether it works, which takes at most this long.
    Probing(u32, &'a str, Duration),
    /// The device of a slot has answered, or not.
    Probed(u32),
    /// The user asked what runs now.
    Status(&'a [RunningAttempt]),
    /// The user asked to stop: running attempts may end.
    Stopping,
    /// The user asked to stop at once: running attempts are killed.
    Killing,
    /// The run ends early, for this reason.
    Trouble(&'a str),
}

/// Receives the news of a run, in the thread in which they arise.
pub type Observer<'t> = dyn FnMut(RunEvent<'_>) + Send + 't;

/// Why a run failed.
#[derive(Debug, Error)]
pub enum RunError {
    /// The journal could not be written. Earlier records are safe.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The run's folder could not be prepared.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program differs from the one that earlier rounds measured.
    #[error(
        "{0}; rounds of different binaries cannot be pooled: put it back, or begin a new run and \
         compare the two"
    )]
    Replaced(String),
    /// The stopping rule is invalid.
    #[error("the stopping rule: {0}")]
    Rule(#[source] crashrate_stats::StatsError),
    /// The supervisor's process could not be prepared.
    #[error("children cannot be started from here: {0}")]
    SetUp(#[source] io::Error),
    /// A defect of crashrate. The run can be resumed.
    #[error("internal error: the thread of slot {slot} panicked: {message}")]
    SlotPanicked {
        /// The slot.
        slot: u32,
        /// The message of the panic.
        message: String,
    },
}

impl RunError {
    pub(super) fn folder(path: &Path) -> impl Fn(io::Error) -> RunError {
        move |source| RunError::Folder {
            path: path.to_owned(),
            source,
        }
    }
}
