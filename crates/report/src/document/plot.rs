//! The data of pictures: plots, grids of rounds, efficiency curves, trends. Each has its numbers as
//! a table or in words.

use std::ops::RangeInclusive;

use crashrate_model::Outcome;

use super::table::Table;
use crate::view::{OptionalStopping, Outcomes, RoundRange, Share, Spread};
use crate::words::{known, percent_of, seconds};

/// A table, and a mark for each of its rows.
pub(crate) struct Plot {
    /// The numbers.
    pub(crate) table: Table,
    /// What the marks show.
    pub(crate) head: String,
    /// Where the scale is labelled.
    pub(crate) ticks: Vec<Tick>,
    /// One for each row of the table; nothing where there is no number.
    pub(crate) marks: Vec<Option<Mark>>,
}

impl Plot {
    /// Marks of these shares and their intervals on a linear scale.
    pub(crate) fn of_shares(
        table: Table,
        shares: &[Share],
        optional_stopping: OptionalStopping,
    ) -> Plot {
        let interval = |share: &Share| known(share.bad, share.n, optional_stopping);
        let intervals: Vec<_> = shares.iter().map(interval).collect();
        let top = top_of(intervals.iter().flatten().map(|known| known.interval.hi));
        let scale = Scale::Linear(top);
        let marks = shares.iter().zip(&intervals).map(|(share, known)| {
            let interval = known.as_ref()?.interval;
            Some(Mark {
                from: scale.place(interval.lo),
                at: scale.place(f64::from(share.bad) / f64::from(share.n)),
                to: scale.place(interval.hi),
                bad: share.bad > 0,
            })
        });
        Plot {
            table,
            head: format!("from 0% to {}", percent_of(top)),
            ticks: scale.ticks(percent_of),
            marks: marks.collect(),
        }
    }

    /// Marks of these times on a logarithmic scale.
    pub(crate) fn of_times(table: Table, times: &[Spread]) -> Plot {
        let scale = Scale::of_times(times.iter().flat_map(|secs| [secs.min, secs.max]));
        let marks = times.iter().map(|secs| {
            Some(Mark {
                from: scale.place(secs.min),
                at: scale.place(secs.median),
                to: scale.place(secs.max),
                bad: false,
            })
        });
        Plot {
            table,
            head: "shortest, median and longest; each line is ten times the one before".to_owned(),
            ticks: scale.ticks(seconds),
            marks: marks.collect(),
        }
    }
}

/// A table of rates, and marks for each of its rows on one scale.
pub(crate) struct RatesPlot {
    /// The numbers, without details.
    pub(crate) table: Table,
    /// The same with a column for the details of rows that have any.
    pub(crate) detailed: Table,
    /// Where the scale is labelled.
    pub(crate) ticks: Vec<Tick>,
    /// One for each row of the table.
    pub(crate) rows: Vec<RateMarks>,
    /// Which kinds of marks there are.
    pub(crate) kinds: Vec<RateKind>,
}

/// The rates of a row.
#[derive(Default)]
pub(crate) struct RateMarks {
    pub(crate) marks: Vec<(RateKind, Mark)>,
    /// Where a gate wants the rate to be.
    pub(crate) ideal: Option<(f64, f64)>,
    /// What the numbers do not say: outcomes without a rate, signals, retries.
    pub(crate) details: String,
    /// The outcomes of its rounds, which a filter finds it by.
    pub(crate) outcomes: Vec<Outcome>,
}

/// What a mark shows: a crash rate in a mode, or a rate of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RateKind {
    Isolated,
    InSequence,
    IsolatedFailed,
    InSequenceFailed,
}

/// A label of a scale. Places on a scale are between 0 and 1.
pub(crate) struct Tick {
    pub(crate) place: f64,
    pub(crate) label: String,
}

/// A point with what lies around it.
pub(crate) struct Mark {
    pub(crate) from: f64,
    pub(crate) at: f64,
    pub(crate) to: f64,
    /// Whether the point is a bad sign.
    pub(crate) bad: bool,
}

/// A round number that no value is above; of shares, so at most 1.
pub(super) fn top_of(shares: impl Iterator<Item = f64>) -> f64 {
    let most = shares.fold(0.0, f64::max);
    let powers = (-6..0).map(|power| 10f64.powi(power));
    let mut steps = powers.flat_map(|power| [1, 2, 5].map(|step| f64::from(step) * power));
    steps.find(|top| *top >= most).unwrap_or(1.0)
}

/// From a value to its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// From 0 to this.
    Linear(f64),
    /// From ten to the one to ten to the other.
    Decades(i32, i32),
}

impl Scale {
    /// A logarithmic one over whole decades that has all these times on it.
    fn of_times(values: impl Iterator<Item = f64> + Clone) -> Scale {
        let decade = |value: f64| value.max(SHORTEST).log10();
        let first = values.clone().map(decade).fold(f64::INFINITY, f64::min);
        let last = values.map(decade).fold(f64::NEG_INFINITY, f64::max);
        if !first.is_finite() || !last.is_finite() {
            return Scale::Decades(0, 1);
        }
        let (first, last) = (first.floor() as i32, last.ceil() as i32);
        Scale::Decades(first, last.max(first + 1))
    }

    /// The place of a value, between 0 and 1.
    pub(super) fn place(self, value: f64) -> f64 {
        let place = match self {
            Scale::Linear(top) => value / top,
            Scale::Decades(first, last) => {
                (value.max(SHORTEST).log10() - f64::from(first)) / f64::from(last - first)
            }
        };
        place.clamp(0.0, 1.0)
    }

    /// Labels at round values.
    pub(super) fn ticks(self, label: impl Fn(f64) -> String) -> Vec<Tick> {
        let tick = |value: f64| Tick {
            place: self.place(value),
            label: label(value),
        };
        match self {
            Scale::Linear(top) => {
                // A top that begins with 5 is cut into fifths, else into quarters.
                let parts = match format!("{top:e}").starts_with('5') {
                    true => 5,
                    false => 4,
                };
                let values = (0..=parts).map(|part| top * f64::from(part) / f64::from(parts));
                values.map(tick).collect()
            }
            Scale::Decades(first, last) => (first..=last)
                .map(|power| tick(10f64.powi(power)))
                .collect(),
        }
    }
}

/// Shorter times are shown as this one: a logarithm has no place for 0.
const SHORTEST: f64 = 1e-6;

/// A history: which commit may have raised the rate, and what was run at each.
pub(crate) struct Commits {
    /// The commits that were built or run.
    pub(crate) table: Table,
    /// How many there are.
    pub(crate) commits: u32,
    /// The probability of each range of commits: the first and the last one, and each one's own
    /// share of the highest.
    pub(crate) heights: Vec<(u32, u32, f64)>,
    /// The rates of the commits that were run, by index.
    pub(crate) rates: Vec<(u32, f64)>,
    /// The ranges that the data do not exclude.
    pub(crate) confidence: Vec<[u32; 2]>,
    /// What it shows, in words.
    pub(crate) words: String,
}

/// Parts of a sequence, and which chapters are in each.
pub(crate) struct Parts {
    /// A row for each part.
    pub(crate) table: Table,
    /// How many chapters the sequence has.
    pub(crate) chapters: u32,
    /// One for each row of the table.
    pub(crate) rows: Vec<PartRow>,
}

pub(crate) struct PartRow {
    /// The positions of its chapters, from 1.
    pub(crate) ranges: Vec<RangeInclusive<u32>>,
    /// Whether it crashed.
    pub(crate) crashed: bool,
}

/// The rounds of a run.
pub(crate) struct Grid {
    /// How many rounds a square represents.
    pub(crate) per_square: u32,
    /// The rounds shown, and the last one that there is.
    pub(crate) rounds: RoundRange,
    pub(crate) last: u32,
    pub(crate) rows: Vec<GridRow>,
    /// Rows of a run of many that only passed.
    pub(crate) folded: Vec<GridRow>,
    /// The outcomes that occur, with the number of rounds of each.
    pub(crate) outcomes: Outcomes,
    /// Rounds that have no result yet.
    pub(crate) open: u32,
}

pub(crate) struct GridRow {
    pub(crate) name: String,
    pub(crate) squares: Vec<Square>,
}

/// One round, or several in a row.
pub(crate) struct Square {
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
    /// The anchor of its round, or of the first of its rounds that did not pass.
    pub(crate) link: Option<String>,
}

/// One row of the grid over its rounds.
pub(crate) struct OverTime {
    pub(crate) name: String,
    /// What a point is: `each point is 2,500 rounds`.
    pub(crate) about: String,
    /// Where the scales are labelled: rounds across, rates up.
    pub(crate) across: Vec<Tick>,
    pub(crate) up: Vec<Tick>,
    /// The place across, then the lower end, the rate and the upper end.
    pub(crate) points: Vec<(f64, [f64; 3])>,
    /// Where rounds were bad.
    pub(crate) bad: Vec<f64>,
}

/// The curves of one chapter.
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

pub(crate) struct Curve {
    pub(crate) name: String,
    /// Whether it is of another run: the baseline, or the one before.
    pub(crate) past: bool,
    /// Places between 0 and 1, across and up.
    pub(crate) points: Vec<(f64, f64)>,
}

/// One chapter over the runs that have it.
pub(crate) struct TrendPlot {
    pub(crate) name: String,
    /// A row for each run.
    pub(crate) plot: Plot,
    /// The number of each run, and the direction of a change that is first shown there (`true`:
    /// up).
    pub(crate) runs: Vec<(u32, Option<bool>)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_round_numbers() {
        assert_eq!(top_of([0.83].into_iter()), 1.0);
        assert_eq!(top_of([0.0003].into_iter()), 0.0005);
        assert_eq!(top_of([].into_iter()), 1e-6);
        let times = Scale::of_times([0.004, 20.0].into_iter());
        assert_eq!(times, Scale::Decades(-3, 2));
        assert_eq!(Scale::of_times([0.0].into_iter()), Scale::Decades(-6, -5));
        assert_eq!(Scale::of_times([1.0].into_iter()), Scale::Decades(0, 1));
        assert_eq!(times.place(1.0), 0.6);
        assert_eq!(Scale::Linear(0.5).place(2.0), 1.0);
    }

    #[test]
    fn ticks_are_at_round_values() {
        let labels = |scale: Scale| {
            let ticks = scale.ticks(|value| format!("{}", (value * 1e4).round() / 1e4));
            let labels: Vec<_> = ticks.into_iter().map(|tick| tick.label).collect();
            labels.join(" ")
        };
        assert_eq!(labels(Scale::Linear(1.0)), "0 0.25 0.5 0.75 1");
        assert_eq!(labels(Scale::Linear(0.5)), "0 0.1 0.2 0.3 0.4 0.5");
        assert_eq!(labels(Scale::Decades(-2, 1)), "0.01 0.1 1 10");
    }
}
