//! What can be wrong with a journal's records.

use crashrate_model::JOURNAL_VERSION;
use thiserror::Error;

/// A record that the view cannot take.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("record {record}: {fault}")]
pub struct ViewError {
    /// Which record, from 1; for a fault that is seen only at the end, how many there were.
    pub record: u64,
    /// What is wrong with it.
    pub fault: ReportError,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The journal has no records, or its first one is not `opened`.
    #[error("the journal does not begin with an `opened` record")]
    NotOpened,
    /// Written by another version.
    #[error(
        "journal version {0}, but this crashrate reads version {JOURNAL_VERSION}: use the crashrate that wrote it"
    )]
    Version(u32),
    /// The run was resumed with other units or rounds.
    #[error("the run was resumed with another plan")]
    PlanChanged,
    /// The report that the suite names as its baseline cannot be read.
    #[error("the baseline report: {0}")]
    OfRecord(Box<ViewError>),
    /// A unit that is not in the plan.
    #[error("unit {unit}, but the plan has {units}")]
    UnknownUnit {
        /// The unit named.
        unit: u32,
        /// How many there are.
        units: usize,
    },
    /// A round that is not in the plan.
    #[error("round {round} of `{unit}`, which has rounds 1 to {planned}")]
    UnknownRound {
        /// The unit's name.
        unit: String,
        /// The round named.
        round: u32,
        /// How many are planned.
        planned: u32,
    },
    /// A search ended in a run that has none.
    #[error("a search ended, but the run has none")]
    NoSearch,
    /// Attempts are numbered from 1.
    #[error("attempt 0 of `{0}`: attempts are numbered from 1")]
    AttemptZero(String),
    /// An attempt ended that was not running.
    #[error("{0} ended, but it was not running: it has two ends, or no start")]
    NotRunning(String),
    /// An attempt started that was running or had been measured.
    #[error("{0} started a second time")]
    StartedTwice(String),
    /// A sequence died, and the record does not say in which chapter.
    #[error("`{0}` died, but the record does not say where")]
    NoDiedIn(String),
    /// A death in a chapter that the sequence does not have.
    #[error("a death in chapter `{chapter}`, which `{unit}` does not have")]
    UnknownChapter {
        /// The unit's name.
        unit: String,
        /// The chapter named.
        chapter: String,
    },
    /// Not as many chapters ended as the unit has.
    #[error("{found} chapters of `{unit}` have an end, but it has {planned}")]
    ChapterCount {
        /// The unit's name.
        unit: String,
        /// How many ends are on record.
        found: usize,
        /// How many chapters there are.
        planned: usize,
    },
}
