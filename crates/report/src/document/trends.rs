//! Fills the matrix of a history.

use super::matrix::{Matrix, MatrixCell, MatrixRow, MatrixRun, RateLevel, Sparkline};
use super::{Block, Plot, RunPages, Table, Text, Tone, TrendPlot};
use crate::compare::{
    History, Point, Trend, look_in_short, number, rises, trend_name, trend_sentences,
};
use crate::view::Share;
use crate::words::{date, share, short_estimate};

/// The most runs that have a column.
const COLUMNS: usize = 20;
/// The scale of a row's line ends at its highest rate, or here, so that a single crash in many
/// rounds is no high peak.
const LEAST_TOP: f64 = 0.1;

impl Matrix {
    /// The rows one by one, for formats without pictures.
    pub(crate) fn plain(&self) -> Vec<Block> {
        let rows = self.rows.iter().flat_map(|row| {
            [
                Block::Heading(row.name.clone()),
                Block::line(row.said.clone()),
                Block::Table(row.numbers.plot.table.clone()),
            ]
        });
        rows.collect()
    }
}

/// The matrix of the listed runs. `key` tells its anchors from those of other histories.
pub(super) fn matrix(history: &History, pages: &RunPages, key: usize) -> Matrix {
    let listed = history.listed().len();
    let first = history.runs.len() - listed.min(COLUMNS);
    let columns = history.runs[first..].iter().map(|run| MatrixRun {
        number: format!("N={}", run.number),
        date: date(&run.started),
        link: pages.link(&run.id),
        running: run.state.is_running(),
        changed: run.differs.iter().map(|one| one.what.clone()).collect(),
    });
    let trends = history.trends.iter();
    let trends = trends.filter(|trend| history.listed_points(trend).next().is_some());
    let mut rows: Vec<_> = (1..)
        .zip(trends)
        .map(|(place, trend)| row(history, trend, first, format!("row-{key}-{place}")))
        .collect();
    // A stable sort: the order of the suite stays within each part.
    rows.sort_by_key(|row| (row.change.is_none(), row.total.bad == 0));
    let is_notable = |row: &&MatrixRow| row.change.is_some() || row.total.bad > 0;
    Matrix {
        columns: columns.collect(),
        older: listed.saturating_sub(COLUMNS),
        notable: rows.iter().filter(is_notable).count(),
        rows,
    }
}

fn row(history: &History, trend: &Trend, first: usize, key: String) -> MatrixRow {
    let turns = trend.turns();
    let cell = |run: usize| {
        let point = trend.points.iter().find(|point| point.run == run)?;
        let turn = turns.iter().find(|(at, _)| *at == run);
        (point.share.n > 0).then(|| MatrixCell {
            text: share(point.share.bad, point.share.n),
            title: cell_title(history, point),
            level: RateLevel::of(point.share),
            turn: turn.map(|(_, rose)| *rose),
        })
    };
    let mut total = Share::default();
    for point in history.listed_points(trend) {
        total.add(point.share);
    }
    MatrixRow {
        name: trend_name(history, trend),
        key,
        cells: (first..history.runs.len()).map(cell).collect(),
        line: sparkline(history, trend, &turns),
        total,
        change: trend.change.as_ref().map(|change| change.rose()),
        said: trend_sentences(history, trend).join(" "),
        numbers: numbers(history, trend, &turns),
    }
}

/// `N=3: 30/60 (37-63%); rose at N=3: 0/80 to 30/60`.
fn cell_title(history: &History, point: &Point) -> String {
    let rate = short_estimate(point.share, point.optional_stopping);
    let title = format!("{}: {rate}", number(history, point.run));
    match (point.untested, point.look) {
        (None, None) => title,
        _ => format!("{title}; {}", look_in_short(history, point)),
    }
}

fn sparkline(history: &History, trend: &Trend, turns: &[(usize, bool)]) -> Sparkline {
    let points = history.listed_points(trend).filter(|p| p.share.n > 0);
    let points: Vec<&Point> = points.collect();
    let rate = |point: &Point| f64::from(point.share.bad) / f64::from(point.share.n);
    let top = points.iter().map(|p| rate(p)).fold(LEAST_TOP, f64::max);
    // The runs are evenly spaced, also those without rounds of this row.
    let last = history.listed().len().saturating_sub(1).max(1);
    let place = |point: &Point| {
        let across = (point.run - history.listed_from) as f64 / last as f64;
        (across, rate(point) / top)
    };
    let turned = points.iter().filter_map(|point| {
        let (_, rose) = turns.iter().find(|(run, _)| *run == point.run)?;
        let (across, up) = place(point);
        Some((across, up, *rose))
    });
    let ends = points.first().zip(points.last());
    let title = ends.map_or_else(String::new, |(first, last)| {
        let end = |point: &Point| {
            let rate = share(point.share.bad, point.share.n);
            format!("{rate} in {}", number(history, point.run))
        };
        format!("{} to {}", end(first), end(last))
    });
    Sparkline {
        points: points.iter().map(|point| place(point)).collect(),
        turns: turned.collect(),
        title,
    }
}

/// The rate of each listed run with its interval and the result of the test.
fn numbers(history: &History, trend: &Trend, turns: &[(usize, bool)]) -> TrendPlot {
    let mut table = Table::default()
        .texts(["run", "date"])
        .numbers(["crash rate (95%)"])
        .texts(["change"]);
    let points: Vec<&Point> = history.listed_points(trend).collect();
    for point in &points {
        let tone = match point.look.filter(|_| point.holds).map(rises) {
            Some(true) => Tone::Bad,
            Some(false) => Tone::Good,
            None => Tone::Plain,
        };
        let rate = short_estimate(point.share, point.optional_stopping);
        table.row([
            Text::plain(number(history, point.run)),
            Text::plain(date(&history.runs[point.run].started)),
            Text::rate(rate, point.share.bad),
            Text {
                tone,
                ..Text::long(look_in_short(history, point))
            },
        ]);
    }
    // The scale holds the widest interval.
    let optional_stopping = points.iter().map(|point| point.optional_stopping).max();
    let shares: Vec<_> = points.iter().map(|point| point.share).collect();
    let runs = points.iter().map(|point| {
        let turn = turns.iter().find(|(run, _)| *run == point.run);
        (history.runs[point.run].number, turn.map(|(_, rose)| *rose))
    });
    TrendPlot {
        name: trend_name(history, trend),
        plot: Plot::of_shares(table, &shares, optional_stopping.unwrap_or_default()),
        runs: runs.collect(),
    }
}
