//! A run in one line, for lists of runs.

use super::{RunState, Share, View};

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
            passed: totals.outcomes.get(crashrate_model::Outcome::Passed),
            bad: totals.first_attempt,
        }
    }
}
