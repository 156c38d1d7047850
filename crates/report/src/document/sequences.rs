//! Where sequences die: the hazard by position, and the order of their rounds.

use std::collections::{BTreeSet, HashMap};

use crashrate_model::Outcome;

use super::{Block, Plot, Table, Text};
use crate::view::{ChapterRow, Results, SequenceRow, Share, View};
use crate::words::{
    NOTHING, chapters_of, count, joined, letter, of_sequence, short_estimate, signals,
};

/// The most rows of a picture. Of more, chapters that did not crash are left out.
const DRAWN: usize = 60;

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
    let title = format!(
        "{}: bad rounds by {by}, counting only rounds that got this far{remark}",
        of_sequence(sequence)
    );
    let mut table = empty_table(title);
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
    let mut rows = by_position(view, sequence, order.as_deref());
    let all = rows.len();
    if all > DRAWN {
        rows.retain(|(_, row)| row.results.first_attempt.bad > 0);
        rows.truncate(DRAWN);
    }
    let left = (all - rows.len()) as u64;
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
    let mut blocks = Vec::new();
    if !shares.is_empty() {
        let plot = Plot::of_shares(table, &shares, optional_stopping);
        blocks.push(Block::Plot(plot));
    }
    if left > 0 {
        blocks.push(Block::line(format!("{} more chapters", count(left))));
    }
    blocks.extend(order_of_rounds(sequence));
    blocks
}

fn empty_table(title: String) -> Table {
    Table::titled(title)
        .numbers(["position"])
        .texts(["chapter"])
        .numbers(["bad of reached (95%)"])
        .texts(["signals"])
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

/// The rounds of a sequence, a letter each, and what the letters mean.
fn order_of_rounds(sequence: &SequenceRow) -> Option<Block> {
    let letters = letters(&sequence.results)?;
    let legend = legend(std::iter::once(&sequence.results));
    let name = of_sequence(sequence);
    Some(Block::line(format!(
        "order of {name}: {letters} ({legend})"
    )))
}

/// Rounds whose letters are shown.
const SHOWN: usize = 200;
/// Letters between two spaces, so that rounds can be counted.
const TOGETHER: usize = 10;

/// The first attempts of rounds, a letter each; nothing if no round has one, or their order is not
/// known.
pub(super) fn letters(results: &Results) -> Option<String> {
    let cells = &results.cells;
    let shown = cells.iter().take(SHOWN).map(|cell| letter(cell.first));
    let shown: Vec<_> = shown.collect();
    let groups: Vec<String> = shown.chunks(TOGETHER).map(String::from_iter).collect();
    let more = match cells.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {} more rounds", count(more as u64)),
    };
    let any = results.order.is_known() && cells.iter().any(|cell| cell.first.is_some());
    any.then(|| groups.join(" ") + &more)
}

/// What the letters of these rounds mean.
pub(super) fn legend<'a>(all: impl Iterator<Item = &'a Results>) -> String {
    let ordered = all.filter(|results| results.order.is_known());
    let cells = ordered.flat_map(|results| &results.cells);
    // `None` sorts before every outcome, but belongs at the end.
    let seen = cells.map(|cell| (cell.first.is_none(), cell.first));
    let seen: BTreeSet<_> = seen.collect();
    let words = seen.iter().map(|(_, first)| {
        let word = first.map_or("no result yet", Outcome::word);
        format!("{} {word}", letter(*first))
    });
    joined(words, ", ").unwrap_or_default()
}
