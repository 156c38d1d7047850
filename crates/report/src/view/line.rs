//! A run in one line, as in a list of runs.

use super::{RunState, Share, View};

/// A run's folder, and what its journal says in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLine {
    /// The folder's name, which is the run's id.
    pub id: String,
    /// Nothing if its journal cannot be read.
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
    /// Whether it is being written at the moment.
    pub state: RunState,
    /// Whether it came to its end.
    pub complete: bool,
    /// Whether it has nothing but its calibration, whose rounds are in no rate.
    pub calibrating: bool,
    /// Whether others measured it.
    pub imported: bool,
    /// First attempts that count, and rounds planned.
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
            passed: totals.outcomes.get(crashrate_model::Outcome::Passed),
            bad: totals.first_attempt,
        }
    }
}
