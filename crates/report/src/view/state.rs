//! Properties of a run that decide which methods are valid and how its results are worded, and a
//! run in one line.

use crashrate_model::Outcome;
use serde::{Serialize, Serializer};

use super::{Share, View};

/// Whether the data may have decided how many rounds there are. If so, only methods that are
/// valid under optional stopping apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OptionalStopping {
    /// The number of rounds was fixed in advance.
    #[default]
    No,
    /// A rule could stop the run early, or the run did not complete.
    Possible,
}

impl OptionalStopping {
    /// Whether the data may have decided the number of rounds.
    pub fn is_possible(self) -> bool {
        self == OptionalStopping::Possible
    }
}

/// Whether the order of a unit's rounds is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoundOrder {
    /// Round numbers follow the order of execution.
    #[default]
    Known,
    /// Only counts are known, so round numbers carry no order.
    Unknown,
}

impl RoundOrder {
    /// Whether round numbers follow the order of execution.
    pub fn is_known(self) -> bool {
        self == RoundOrder::Known
    }
}

/// Whether a supervisor is still working on a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// A supervisor is running it.
    Running,
    /// It is closed, or its supervisor died.
    Ended,
}

/// In JSON `live`: whether a supervisor is still working on the run.
impl Serialize for RunState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(self.is_running())
    }
}

impl RunState {
    /// The state of a run whose journal is or is not being written.
    pub fn of_journal(is_live: bool) -> Self {
        match is_live {
            true => RunState::Running,
            false => RunState::Ended,
        }
    }

    /// Whether a supervisor is still working on the run.
    pub fn is_running(self) -> bool {
        self == RunState::Running
    }
}

/// A run's folder, and a summary of its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLine {
    /// The folder's name, which is the run's id.
    pub id: String,
    /// `None` if its journal cannot be read.
    pub known: Option<InShort>,
}

/// A run in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InShort {
    /// The report number N.
    pub number: u32,
    /// The suite's name.
    pub suite: String,
    /// The device in use.
    pub device: String,
    /// When it was opened, RFC 3339.
    pub started: String,
    /// Whether it is running or has ended.
    pub state: RunState,
    /// Whether it completed.
    pub complete: bool,
    /// Whether it has only its calibration, whose rounds are not counted in any rate.
    pub calibrating: bool,
    /// Whether it was imported.
    pub imported: bool,
    /// First attempts that count, and planned rounds.
    pub rounds: (u32, u32),
    /// First attempts that passed.
    pub passed: u32,
    /// Bad first attempts of those that count, over all units.
    pub bad: Share,
}

impl From<&View> for InShort {
    fn from(view: &View) -> Self {
        let (run, totals) = (&view.run, &view.totals);
        InShort {
            number: run.number,
            suite: run.suite.clone(),
            device: run.device.clone(),
            started: run.started.clone(),
            state: run.state,
            complete: run.complete,
            calibrating: false,
            imported: run.imported.is_some(),
            rounds: (totals.first_attempt.n, totals.planned),
            passed: totals.outcomes.get(Outcome::Passed),
            bad: totals.first_attempt,
        }
    }
}
