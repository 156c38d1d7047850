//! The crash rates by chapter and mode, each with its interval, and how long attempts took.

use super::plot::{Mark, Plot, Scale};
use super::{Table, Text, Tone};
use crate::view::{ByChapter, Results, View};
use crate::words::{
    count, estimates_head, known, of_chapter, of_unit, percent_of, seconds, short_rate_of,
};

/// The rates of chapters, in all the ways in which each ran beside each other, and of sequences as a whole; nothing
/// if there is nothing to be measured.
pub(crate) fn rates(view: &View) -> Option<Plot> {
    let rows = rows(view);
    let by_data = view.run.is_by_data();
    let shares: Vec<_> = (rows.iter())
        .map(|(_, results)| (results.first_attempt.bad, results.first_attempt.n))
        .collect();
    let (scale, marks) = marks(&shares, by_data);
    let mut table = Table::default()
        .text("chapter or sequence")
        .number(&estimates_head("crash rate", by_data));
    for ((name, results), (bad, _)) in rows.iter().zip(&shares) {
        let tone = if *bad > 0 { Tone::Bad } else { Tone::Plain };
        let rate = Text::new(&short_rate_of(results), tone);
        table.rows.push(vec![Text::long(name), rate]);
    }
    (!rows.is_empty()).then(|| Plot {
        table,
        head: format!("from 0% to {}", percent_of(top(scale))),
        ticks: scale.ticks(percent_of),
        marks,
    })
}

/// How long attempts that count took: the shortest, the median and the longest.
pub(crate) fn durations(view: &View) -> Option<Plot> {
    let rows: Vec<_> = rows(view)
        .into_iter()
        .filter_map(|(name, results)| Some((name, results.secs?)))
        .collect();
    let ends = rows.iter().flat_map(|(_, secs)| [secs.min, secs.max]);
    let scale = Scale::of_times(ends);
    let mut table = Table::default()
        .text("chapter or sequence")
        .number("median time")
        .number("shortest")
        .number("longest")
        .number("attempts");
    for (name, secs) in &rows {
        let times = [secs.median, secs.min, secs.max].map(|t| Text::plain(&seconds(t)));
        let mut cells = vec![Text::long(name)];
        cells.extend(times);
        cells.push(Text::plain(&count(secs.n.into())));
        table.rows.push(cells);
    }
    let mark = |secs: &crate::view::Spread| Mark {
        from: scale.place(secs.min),
        at: scale.place(secs.median),
        to: scale.place(secs.max),
        bad: false,
    };
    let marks = rows.iter().map(|(_, secs)| Some(mark(secs))).collect();
    (!rows.is_empty()).then(|| Plot {
        table,
        head: "shortest, median and longest; each line is ten times the one before".to_owned(),
        ticks: scale.ticks(seconds),
        marks,
    })
}

/// A common scale for these shares, and a mark for each.
pub(super) fn marks(shares: &[(u32, u32)], by_data: bool) -> (Scale, Vec<Option<Mark>>) {
    let known: Vec<_> = (shares.iter())
        .map(|(bad, n)| known(*bad, *n, by_data))
        .collect();
    let scale = Scale::of_shares(known.iter().flatten().map(|known| known.interval.hi));
    let marks = shares.iter().zip(&known).map(|((bad, n), known)| {
        let interval = known.as_ref()?.interval;
        Some(Mark {
            from: scale.place(interval.lo),
            at: scale.place(f64::from(*bad) / f64::from(*n)),
            to: scale.place(interval.hi),
            bad: *bad > 0,
        })
    });
    (scale, marks.collect())
}

/// The largest value of a linear scale.
pub(super) fn top(scale: Scale) -> f64 {
    match scale {
        Scale::Linear(top) => top,
        Scale::Decades(_, last) => 10f64.powi(last),
    }
}

/// Every chapter with the ways in which it ran beside each other, then the sequences.
pub(super) fn rows(view: &View) -> Vec<(String, &Results)> {
    let by_chapter = ByChapter::of(view);
    let chapters = by_chapter.ids().flat_map(|id| by_chapter.rows(id));
    let chapters = chapters.map(|row| (of_chapter(row), &row.results));
    let sequences = view.sequences.iter().map(|row| {
        let name = of_unit(&row.sequence, None, &row.variant);
        (format!("{name} as a whole"), &row.results)
    });
    chapters.chain(sequences).collect()
}
