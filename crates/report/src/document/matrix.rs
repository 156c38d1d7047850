//! The data of a history's page: its runs, and their rates as one matrix with a row for each trend
//! and a column for each run.

use super::plot::TrendPlot;
use super::table::Table;
use crate::view::Share;

/// The runs of a history.
pub(crate) struct PastRuns {
    /// A row for each run, with what differs from the run before.
    pub(crate) table: Table,
    /// The same runs.
    pub(crate) runs: Vec<PastRunRow>,
}

pub(crate) struct PastRunRow {
    pub(crate) link: Option<String>,
    /// What differs from the run before: name, value before, value now.
    pub(crate) differs: Vec<[String; 3]>,
}

pub(crate) struct Matrix {
    pub(crate) columns: Vec<MatrixRun>,
    /// Runs that are listed and have no column, because they are older.
    pub(crate) older: usize,
    /// Rows with a change or a crash first.
    pub(crate) rows: Vec<MatrixRow>,
    /// How many rows have a change or a crash.
    pub(crate) notable: usize,
}

/// The head of a column.
pub(crate) struct MatrixRun {
    /// Such as `N=3`.
    pub(crate) number: String,
    pub(crate) date: String,
    pub(crate) link: Option<String>,
    pub(crate) running: bool,
    /// What differs from the run before, by name.
    pub(crate) changed: Vec<String>,
}

pub(crate) struct MatrixRow {
    pub(crate) name: String,
    /// The anchor of its numbers.
    pub(crate) key: String,
    /// One for each column; nothing where the run has no rounds of it.
    pub(crate) cells: Vec<Option<MatrixCell>>,
    pub(crate) line: Sparkline,
    /// Bad rounds over the listed runs.
    pub(crate) total: Share,
    /// The direction of its last change.
    pub(crate) change: Option<bool>,
    /// What the tests show.
    pub(crate) said: String,
    /// All listed runs with intervals.
    pub(crate) numbers: TrendPlot,
}

pub(crate) struct MatrixCell {
    /// Such as `3/20`.
    pub(crate) text: String,
    /// The same with its interval, and the result of the test.
    pub(crate) title: String,
    pub(crate) level: RateLevel,
    /// The direction of a change that is first shown in this run.
    pub(crate) turn: Option<bool>,
}

/// How high a rate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RateLevel {
    None,
    Rare,
    Some,
    Many,
    Most,
}

impl RateLevel {
    /// Each with what it means.
    pub(crate) const ALL: [(RateLevel, &str); 5] = [
        (RateLevel::None, "none"),
        (RateLevel::Rare, "up to 5%"),
        (RateLevel::Some, "up to 20%"),
        (RateLevel::Many, "up to 50%"),
        (RateLevel::Most, "above 50%"),
    ];

    pub(super) fn of(rate: Share) -> RateLevel {
        match f64::from(rate.bad) / f64::from(rate.n.max(1)) {
            _ if rate.bad == 0 => RateLevel::None,
            ..=0.05 => RateLevel::Rare,
            ..=0.2 => RateLevel::Some,
            ..=0.5 => RateLevel::Many,
            _ => RateLevel::Most,
        }
    }
}

/// The rate over all listed runs. Places are between 0 and 1, across and up.
pub(crate) struct Sparkline {
    pub(crate) points: Vec<(f64, f64)>,
    /// Where a change is first shown, and its direction.
    pub(crate) turns: Vec<(f64, f64, bool)>,
    /// The same in words.
    pub(crate) title: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_rates() {
        let level = |bad, n| RateLevel::of(Share { bad, n });
        assert_eq!(level(0, 20), RateLevel::None);
        assert_eq!(level(1, 10_000), RateLevel::Rare);
        assert_eq!(level(1, 20), RateLevel::Rare);
        assert_eq!(level(4, 20), RateLevel::Some);
        assert_eq!(level(10, 20), RateLevel::Many);
        assert_eq!(level(20, 20), RateLevel::Most);
    }
}
