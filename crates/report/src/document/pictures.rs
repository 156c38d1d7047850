//! The data of pictures: grids of rounds, efficiency curves, trends. Each has its numbers as a table
//! or in words.

use crashrate_model::Outcome;

use super::plot::{Mark, Tick};
use super::table::Table;
use crate::view::Outcomes;

/// The rounds of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grid {
    /// How many rounds a square represents.
    pub(crate) per_square: u32,
    /// How many rounds the longest row has.
    pub(crate) rounds: u32,
    pub(crate) rows: Vec<GridRow>,
    /// The outcomes that occur, with the number of rounds of each.
    pub(crate) outcomes: Outcomes,
    /// Rounds that have no result yet.
    pub(crate) open: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GridRow {
    pub(crate) name: String,
    pub(crate) squares: Vec<Square>,
}

/// One round, or several in a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Square {
    /// Its first round, from 1.
    pub(crate) round: u32,
    /// The worst outcome in it; nothing if none of its rounds has a result.
    pub(crate) worst: Option<Outcome>,
    /// How many of its rounds had that outcome, in quarters rounded up: 1 to 4.
    pub(crate) quarters: u32,
    /// The letter of the worst outcome, and the number of rounds with it unless all have it.
    pub(crate) mark: String,
    /// The same in words.
    pub(crate) title: String,
    /// Whether a round of it passed only on a retry.
    pub(crate) flaky: bool,
}

/// The curves of one chapter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curves {
    /// The chapter, and what the horizontal axis is.
    pub(crate) title: String,
    pub(crate) key: String,
    pub(crate) curves: Vec<Curve>,
    /// The numbers.
    pub(crate) table: Table,
    /// Places along the axes, between 0 and 1.
    pub(crate) across: Vec<Tick>,
    pub(crate) up: Vec<Tick>,
    /// How high the ideal line is.
    pub(crate) ideal: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Curve {
    pub(crate) name: String,
    /// Whether it is of another run: the baseline, or the one before.
    pub(crate) past: bool,
    /// Places between 0 and 1, across and up.
    pub(crate) points: Vec<(f64, f64)>,
}

/// One chapter over the runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TrendPlot {
    pub(crate) name: String,
    /// The numbers, a row for each run.
    pub(crate) table: Table,
    /// A mark for each run that has the chapter: the run's number, the mark, and the direction of a
    /// change that is first shown there (`true`: up).
    pub(crate) marks: Vec<(u32, Option<Mark>, Option<bool>)>,
    pub(crate) ticks: Vec<Tick>,
}
