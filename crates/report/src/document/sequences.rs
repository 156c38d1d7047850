//! The sequences: all their counts, where each died, and the order of their rounds.

use super::chapters::ResultColumns;
use super::source::Source;
use super::{Block, Table, Text, Tone};
use crate::view::{Cell, Outcomes, Results};
use crate::words::{count, died_in, letter, of_unit};

/// A row for each sequence, then the order of their rounds.
pub(super) fn sequences(source: &Source) -> Vec<Block> {
    let view = source.view;
    if view.sequences.is_empty() {
        return Vec::new();
    }
    let mut all = Outcomes::default();
    for row in &view.sequences {
        all.add_all(&row.results.outcomes);
    }
    let results = ResultColumns::new(view, all, false);
    let mut table = results
        .heads(Table::default().text("sequence"))
        .text("died in");
    for row in &view.sequences {
        let mut cells = vec![Text::plain(&of_unit(&row.sequence, None, &row.variant))];
        cells.extend(results.cells(&row.results));
        let died = died_in(&row.died_in);
        cells.push(match died.as_str() {
            "" => Text::plain("-"),
            died => Text {
                // A list of clean names, which may be longer than a name.
                text: died.to_owned(),
                tone: Tone::Bad,
            },
        });
        table.rows.push(cells);
    }
    let mut blocks = vec![Block::Table(table)];
    let order = view.sequences.iter().filter_map(|row| {
        let name = of_unit(&row.sequence, None, &row.variant);
        Some(format!("order of {name}: {}", letters(&row.results)?))
    });
    let order: Vec<_> = order.collect();
    if !order.is_empty() {
        blocks.push(Block::List(order));
        let ordered = view
            .sequences
            .iter()
            .filter(|row| row.results.order.is_known());
        blocks.push(Block::line(legend(
            ordered.flat_map(|row| &row.results.cells),
        )));
    }
    blocks
}

/// Rounds whose letters are shown.
const SHOWN: usize = 200;
/// Letters between two spaces, so that rounds can be counted.
const TOGETHER: usize = 10;

/// The first attempts of rounds, a letter each; nothing if no round has one, or their order is not
/// known.
pub(super) fn letters(results: &Results) -> Option<String> {
    let cells = &results.cells;
    let shown: Vec<_> = cells
        .iter()
        .take(SHOWN)
        .map(|cell| letter(cell.first))
        .collect();
    let groups: Vec<String> = shown.chunks(TOGETHER).map(String::from_iter).collect();
    let more = match cells.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {} more rounds", count(more as u64)),
    };
    let any = results.order.is_known() && cells.iter().any(|cell| cell.first.is_some());
    any.then(|| groups.join(" ") + &more)
}

/// What the letters of these rounds mean.
pub(super) fn legend<'a>(cells: impl Iterator<Item = &'a Cell>) -> String {
    let mut seen: Vec<Cell> = Vec::new();
    for cell in cells {
        if !seen.iter().any(|other| other.first == cell.first) {
            seen.push(*cell);
        }
    }
    // `None` sorts before every outcome, but belongs at the end.
    seen.sort_by_key(|cell| (cell.first.is_none(), cell.first));
    let words: Vec<_> = seen
        .iter()
        .map(|cell| match cell.first {
            Some(outcome) => format!("{} {outcome}", letter(Some(outcome))),
            None => format!("{} no result yet", letter(None)),
        })
        .collect();
    words.join(", ")
}
