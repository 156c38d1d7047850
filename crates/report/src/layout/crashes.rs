//! Deaths by their signature: how often, where, how to see them again, and the beginning of a stack.

use super::{Block, Section, Table, Text, Tone};
use crate::clean::{SENTENCE, clean};
use crate::view::{CrashRow, View};
use crate::words::{crash_place, crash_share, estimates_head};

/// Signatures that are shown; `crashrate crashes` lists them all.
const SHOWN: usize = 10;

/// The section on crashes; nothing if none has a signature.
pub(crate) fn crashes(view: &View) -> Option<Section> {
    if view.crashes.is_empty() {
        return None;
    }
    let by_data = view
        .crashes
        .iter()
        .flat_map(|row| &row.places)
        .any(|p| p.by_data);
    let mut table = Table::default()
        .number("no.")
        .text("in")
        .number(&estimates_head("rate", by_data))
        .text("rounds")
        .text("signature");
    for (number, row) in (1..).zip(&view.crashes).take(SHOWN) {
        add(&mut table, number, row);
    }
    let mut blocks = vec![Block::Table(table)];
    for (number, row) in (1..).zip(&view.crashes).take(SHOWN) {
        if let Some(repeat) = &row.repeat {
            blocks.push(line(&format!("{number} again: {repeat}")));
        }
        if !row.excerpt.is_empty() {
            blocks.push(line(&format!(
                "{number} stack: {}",
                row.excerpt.join(" < ")
            )));
        }
    }
    let left = view.crashes.len().saturating_sub(SHOWN);
    if left > 0 {
        blocks.push(line(&format!(
            "{left} more signatures: crashrate crashes {}",
            view.run.number
        )));
    }
    Some(Section {
        heading: "crashes".to_owned(),
        blocks,
    })
}

fn add(table: &mut Table, number: usize, row: &CrashRow) {
    for (at, place) in row.places.iter().enumerate() {
        let first = at == 0;
        let rounds = match place.first == place.last {
            true => place.first.to_string(),
            false => format!("{} to {}", place.first, place.last),
        };
        let number = if first {
            number.to_string()
        } else {
            String::new()
        };
        table.rows.push(vec![
            Text::plain(&number),
            Text::plain(&crash_place(place)),
            Text::new(&crash_share(place), Tone::Bad),
            Text::plain(&rounds),
            Text::long(if first { &row.signature } else { "" }),
        ]);
    }
}

fn line(text: &str) -> Block {
    Block::Line(clean(text, SENTENCE))
}
