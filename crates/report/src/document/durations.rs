//! How long attempts took, on a scale.

use super::unit_rows::unit_rows;
use super::{Block, Plot, Table, Text};
use crate::view::View;
use crate::words::{count, seconds};

/// The most rows of the picture. Of more, the quickest are left out: each median is in the table of
/// rates.
const DRAWN: usize = 20;

/// How long attempts that count took: the shortest, the median and the longest.
pub(super) fn durations(view: &View) -> Vec<Block> {
    let rows = unit_rows(view).into_iter();
    let rows = rows.filter_map(|row| Some((row.name, row.results.secs?)));
    let mut rows: Vec<_> = rows.collect();
    let left = rows.len().saturating_sub(DRAWN) as u64;
    if left > 0 {
        rows.sort_by(|(_, a), (_, b)| b.median.total_cmp(&a.median));
        rows.truncate(DRAWN);
    }
    if rows.is_empty() {
        return Vec::new();
    }
    let heads = ["median time", "shortest", "longest", "attempts"];
    let mut table = Table::default()
        .texts(["chapter or sequence"])
        .numbers(heads);
    for (name, secs) in &rows {
        let time = |secs: f64| Text::plain(seconds(secs));
        table.row([
            Text::long(name),
            time(secs.median),
            time(secs.min),
            time(secs.max),
            Text::count(secs.n),
        ]);
    }
    let times: Vec<_> = rows.iter().map(|(_, secs)| *secs).collect();
    let left =
        (left > 0).then(|| Block::line(format!("{} quicker ones are left out", count(left))));
    let plot = Block::Plot(Plot::of_times(table, &times));
    std::iter::once(plot).chain(left).collect()
}
