//! Rates and times on scales: by chapter, by position in a sequence, and isolated beside
//! sequential.

use std::collections::HashMap;

use super::{Block, Plot, Table, Text};
use crate::view::{ByChapter, ChapterRow, Results, SequenceRow, Share, View};
use crate::words::{
    NOTHING, chapters_of, count, of_chapter, of_sequence, seconds, share, short_estimate,
    short_rate_of, signals,
};

/// The most rows of a picture. Of more, those that did not crash are left out, or the quickest.
const DRAWN: usize = 200;

/// The rows that are drawn: all, or of too many the first that are worth it. With a line that counts
/// the others.
fn drawn<T>(mut rows: Vec<T>, is_worth_it: impl Fn(&T) -> bool) -> (Vec<T>, Option<Block>) {
    let all = rows.len();
    if all > DRAWN {
        rows.retain(is_worth_it);
        rows.truncate(DRAWN);
    }
    let left = (all - rows.len()) as u64;
    let line = || Block::line(format!("{} more are in the tables below", count(left)));
    (rows, (left > 0).then(line))
}

/// The picture, and the line about the rows that are not in it.
fn with_rest(has_rows: bool, picture: Block, left: Option<Block>) -> Vec<Block> {
    let blocks = std::iter::once(picture).chain(left);
    blocks.filter(|_| has_rows).collect()
}

/// The crash rate of each chapter in each mode, and of each sequence.
pub(super) fn rates(view: &View) -> Vec<Block> {
    let mut table = Table::default().texts([NAME]).numbers(["crash rate (95%)"]);
    let mut shares = Vec::new();
    let (rows, left) = drawn(rows(view), |(_, results)| results.first_attempt.bad > 0);
    for (name, results) in rows {
        let rate = Text::rate(short_rate_of(results), results.first_attempt.bad);
        table.row([Text::long(name), rate]);
        shares.push(results.first_attempt);
    }
    let plot = Plot::of_shares(table, &shares, view.run.optional_stopping());
    with_rest(!shares.is_empty(), Block::Picture(plot), left)
}

/// How long attempts that count took: the shortest, the median and the longest.
pub(super) fn durations(view: &View) -> Vec<Block> {
    let heads = ["median time", "shortest", "longest", "attempts"];
    let mut table = Table::default().texts([NAME]).numbers(heads);
    let mut times = Vec::new();
    let rows = rows(view);
    let mut medians: Vec<f64> = (rows.iter())
        .filter_map(|(_, results)| Some(results.secs?.median))
        .collect();
    medians.sort_by(|a, b| b.total_cmp(a));
    let slow = medians.get(DRAWN).copied().unwrap_or(0.0);
    let is_slow = |results: &Results| results.secs.is_some_and(|secs| secs.median > slow);
    let (rows, left) = drawn(rows, |(_, results)| is_slow(results));
    for (name, results) in rows {
        if let Some(secs) = results.secs {
            let time = |secs: f64| Text::plain(seconds(secs));
            table.row([
                Text::long(name),
                time(secs.median),
                time(secs.min),
                time(secs.max),
                Text::count(secs.n),
            ]);
            times.push(secs);
        }
    }
    let plot = Plot::of_times(table, &times);
    with_rest(!times.is_empty(), Block::Plot(plot), left)
}

/// The head of the names of rows.
const NAME: &str = "chapter or sequence";

/// Every chapter in each mode, then the sequences.
pub(super) fn rows(view: &View) -> Vec<(String, &Results)> {
    let by_chapter = ByChapter::of(view);
    let chapters = by_chapter.ids().flat_map(|id| by_chapter.rows(id));
    let chapters = chapters.map(|row| (of_chapter(row), &row.results));
    let sequences = view.sequences.iter();
    let sequences = sequences.map(|row| (format!("{} as a whole", of_sequence(row)), &row.results));
    chapters.chain(sequences).collect()
}

/// The heading of [`hazards`].
pub(super) fn hazard_heading(view: &View) -> &'static str {
    match view
        .sequences
        .iter()
        .any(|row| row.common_order().is_none())
    {
        true => "Hazard by chapter",
        false => "Hazard by position",
    }
}

/// The hazard by position: of the rounds that reached a chapter of a sequence, how many ended badly
/// in it.
pub(super) fn hazards(view: &View) -> Vec<Block> {
    let blocks = view.sequences.iter().flat_map(|row| hazard(view, row));
    blocks.collect()
}

fn hazard(view: &View, sequence: &SequenceRow) -> Vec<Block> {
    let optional_stopping = sequence.results.optional_stopping;
    let order = sequence.common_order();
    let (by, remark) = match (&order, sequence.orders.is_empty()) {
        (Some(_), true) => ("position", ""),
        (Some(_), false) => ("position", "; the chapters ran in this order"),
        (None, _) => (
            "chapter",
            "; the order of the chapters differed between rounds",
        ),
    };
    let mut table = Table::titled(format!(
        "{}: bad rounds by {by}, counting only rounds that got this far{remark}",
        of_sequence(sequence)
    ))
    .numbers(["position"])
    .texts(["chapter"])
    .numbers(["bad of reached (95%)"])
    .texts(["signals"]);
    let mut shares = Vec::new();
    let mut add = |position: &str, name: &str, share: Share, signals: Option<String>| {
        table.row([
            Text::plain(position),
            Text::plain(name),
            Text::rate(short_estimate(share, optional_stopping), share.bad),
            Text::long(signals.as_deref().unwrap_or(NOTHING)),
        ]);
        shares.push(share);
    };
    let rows = by_position(view, sequence, order.as_deref());
    let (rows, left) = drawn(rows, |(_, row)| row.results.first_attempt.bad > 0);
    for (position, row) in rows {
        let position = position.map_or_else(|| NOTHING.to_owned(), |p| p.to_string());
        let (share, signals) = (row.results.first_attempt, signals(&row.results));
        add(&position, &row.chapter, share, signals);
    }
    // Every round can die between chapters, but only those that got there at the exit.
    let n = sequence.results.first_attempt.n;
    let died_in = &sequence.died_in;
    let outside = [
        ("(between chapters)", died_in.between, n),
        ("(at exit)", died_in.exit, died_in.reached_exit(n)),
    ];
    for (name, bad, n) in outside.into_iter().filter(|(_, deaths, _)| *deaths > 0) {
        add(NOTHING, name, Share { bad, n }, None);
    }
    table.keep(&[order.is_some()]);
    let plot = Plot::of_shares(table, &shares, optional_stopping);
    with_rest(!shares.is_empty(), Block::Plot(plot), left)
}

/// The chapters of a sequence in the order in which they ran, each with its position; those that
/// never started come last. Without a common order, they have no positions.
fn by_position<'a>(
    view: &'a View,
    sequence: &'a SequenceRow,
    order: Option<&[u32]>,
) -> Vec<(Option<u32>, &'a ChapterRow)> {
    let mut positions = HashMap::new();
    for (position, index) in (1..).zip(order.unwrap_or_default()) {
        positions.insert(index + 1, position);
    }
    let rows = chapters_of(view, sequence);
    let mut rows: Vec<(Option<u32>, &ChapterRow)> = rows
        .map(|row| (row.position.and_then(|at| positions.get(&at).copied()), row))
        .collect();
    rows.sort_by_key(|(position, _)| position.unwrap_or(u32::MAX));
    rows
}

/// A row for each chapter that ran in both modes under the same variant.
pub(super) fn modes(view: &View) -> Vec<Block> {
    let by_chapter = ByChapter::of(view);
    let mut pairs: Vec<(&ChapterRow, &ChapterRow)> = Vec::new();
    for alone in view.chapters.iter().filter(|row| row.sequence.is_none()) {
        let rows = by_chapter.rows(&alone.chapter).iter();
        let same = rows.filter(|row| row.sequence.is_some() && row.variant == alone.variant);
        pairs.extend(same.map(|row| (alone, *row)));
    }
    let title = "first attempts; in sequence, counting only rounds that got this far";
    let mut table = Table::titled(title)
        .texts(["chapter", "sequence", "variant"])
        .numbers([
            "passed isolated",
            "passed in sequence",
            "bad isolated (95%)",
            "bad in sequence (95%)",
        ]);
    for (alone, row) in &pairs {
        let both = [&alone.results, &row.results];
        let [passed_alone, passed] = both.map(|r| Text::plain(share(r.passed(), r.reached())));
        let [bad_alone, bad] = both.map(|results| Text::plain(short_rate_of(results)));
        table.row([
            Text::plain(&row.chapter),
            Text::plain(row.sequence.as_deref().unwrap_or("")),
            Text::plain(&row.variant),
            passed_alone,
            passed,
            bad_alone,
            bad,
        ]);
    }
    let rows = || pairs.iter().map(|(_, row)| row);
    let sequences = rows().any(|row| row.sequence != pairs[0].1.sequence);
    let variants = rows().any(|row| row.variant != "default");
    table.keep(&[true, sequences, variants]);
    Block::table(table)
}
