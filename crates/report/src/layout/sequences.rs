//! The table of sequences with where each died, and the order of their rounds.

use super::chapters::ResultColumns;
use super::{Table, Text, Tone};
use crate::view::{Cell, Outcomes, Results, SequenceRow, View};
use crate::words::{died_in, letter};

/// A row for each sequence.
pub(crate) fn sequences(view: &View) -> Table {
    let variants = view.sequences.iter().any(|row| row.variant != "default");
    let mut all = Outcomes::default();
    for row in &view.sequences {
        all.add_all(&row.results.outcomes);
    }
    let results = ResultColumns::new(view, all, false);
    let mut table = Table::default().text("sequence");
    if variants {
        table = table.text("variant");
    }
    table = results.heads(table).text("died in");
    for row in &view.sequences {
        let mut cells = vec![Text::plain(&row.sequence)];
        if variants {
            cells.push(Text::plain(&row.variant));
        }
        cells.extend(results.cells(&row.results));
        let died = died_in(&row.died_in);
        cells.push(match died.as_str() {
            "" => Text::plain("-"),
            died => Text {
                // A list of names, each of them made harmless: the list itself may be long.
                text: died.to_owned(),
                tone: Tone::Bad,
            },
        });
        table.rows.push(cells);
    }
    table
}

/// Rounds whose letters are shown.
const SHOWN: usize = 200;
/// Letters between two spaces, so that rounds can be counted.
const TOGETHER: usize = 10;

/// The first attempts of a sequence by round, a letter each; nothing if no round has one, or their order is not known.
pub(crate) fn order(row: &SequenceRow) -> Option<String> {
    letters(&row.results)
}

/// The first attempts of rounds, a letter each; nothing if no round has one, or their order is not known.
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
        more => format!(" and {more} more rounds"),
    };
    let any = !results.unordered && cells.iter().any(|cell| cell.first.is_some());
    any.then(|| groups.join(" ") + &more)
}

/// What the letters mean, of those that occur.
pub(crate) fn order_legend(view: &View) -> String {
    let ordered = view.sequences.iter().map(|row| &row.results);
    let ordered = ordered.filter(|results| !results.unordered);
    legend(ordered.flat_map(|results| &results.cells))
}

/// What the letters of these rounds mean.
pub(super) fn legend<'a>(cells: impl Iterator<Item = &'a Cell>) -> String {
    let mut seen: Vec<Cell> = Vec::new();
    for cell in cells {
        if !seen.iter().any(|other| other.first == cell.first) {
            seen.push(*cell);
        }
    }
    // Nothing sorts before every outcome, and is said last.
    seen.sort_by_key(|cell| (cell.first.is_none(), cell.first));
    let words: Vec<_> = seen
        .iter()
        .map(|cell| match cell.first {
            Some(outcome) => format!("{} {outcome}", letter(Some(outcome))),
            None => format!("{} no end yet", letter(None)),
        })
        .collect();
    words.join(", ")
}
