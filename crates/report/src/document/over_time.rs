//! The crash rate over the rounds of a long run, with its interval.

use super::grid::{Squares, cells};
use super::plot::{Scale, Tick, top_of};
use super::unit_rows::{UnitRow, unit_rows};
use super::{Block, OverTime};
use crate::view::{Cell, View};
use crate::words::{count, known, percent_of, plural};

/// Pictures of more rows would be too many; the grid has all.
const ROWS: usize = 12;
/// Groups of rounds in a picture.
const GROUPS: u32 = 40;
/// Places at which crashes are marked.
const PLACES: f64 = 500.0;

/// The rows that crashed, if rounds have no square of their own.
pub(super) fn over_time(view: &View) -> Vec<Block> {
    let rows = unit_rows(view);
    let Some(squares) = Squares::of(view, &rows).filter(|squares| !squares.is_single()) else {
        return Vec::new();
    };
    let bad = |row: &&UnitRow| row.results.first_attempt.bad > 0 && row.results.order.is_known();
    let rows = rows.iter().filter(bad).take(ROWS);
    rows.map(|row| Block::OverTime(picture(view, row, &squares)))
        .collect()
}

fn picture(view: &View, row: &UnitRow, squares: &Squares) -> OverTime {
    let cells = cells(row.results, &squares.rounds);
    let n = u32::try_from(cells.len()).unwrap_or(u32::MAX).max(1);
    let all_rounds = f64::from(n);
    let each = n.div_ceil(GROUPS).max(1);
    let is_bad = |cell: &Cell| cell.first.is_some_and(|first| view.run.bad.contains(first));
    let groups = cells
        .chunks(each as usize)
        .enumerate()
        .filter_map(|(place, group)| {
            let counting = group
                .iter()
                .filter(|cell| cell.first.is_some_and(|first| first.counts()));
            let n = counting.count() as u32;
            let k = group.iter().filter(|cell| is_bad(cell)).count() as u32;
            let known = known(k, n, row.results.optional_stopping)?;
            let middle = (place as f64 + 0.5) * f64::from(each) / all_rounds;
            let rate = f64::from(k) / f64::from(n);
            Some((
                middle.min(1.0),
                [known.interval.lo, rate, known.interval.hi],
            ))
        });
    let groups: Vec<_> = groups.collect();
    let scale = Scale::Linear(top_of(groups.iter().map(|(_, [_, _, high])| *high)));
    let points = groups
        .into_iter()
        .map(|(x, at)| (x, at.map(|rate| scale.place(rate))));
    let place = |index: usize| ((index as f64 + 0.5) / f64::from(n) * PLACES).round() / PLACES;
    let all = cells.iter().enumerate().filter(|(_, cell)| is_bad(cell));
    let mut bad: Vec<f64> = all.map(|(index, _)| place(index)).collect();
    bad.dedup();
    let first = *squares.rounds.start();
    let across = [0.0, 0.25, 0.5, 0.75, 1.0].map(|place| Tick {
        place,
        label: count(u64::from(first) + (f64::from(n - 1) * place).round() as u64),
    });
    OverTime {
        name: row.name.clone(),
        about: format!(
            "each point is {}, with its 95% interval; a line below marks a crash",
            plural(each, "round")
        ),
        across: across.into(),
        up: scale.ticks(percent_of),
        points: points.collect(),
        bad,
    }
}
