//! Tables and their cells.

use maud::{Markup, html};

use crate::document::{Column, Table, Text, Tone};

/// A sentence, in which names in backticks are code.
pub(super) fn sentence(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    // A backtick of a name has no partner.
    let is_paired = parts.len() % 2 == 1;
    html! {
        @if is_paired {
            @for (place, part) in parts.iter().enumerate() {
                @if place % 2 == 1 { code { (part) } } @else { (part) }
            }
        } @else { (text) }
    }
}

/// A table in a box that scrolls if the page is too narrow.
pub(super) fn table(table: &Table) -> Markup {
    let rows = html! { @for row in &table.rows { tr { (cells(table, row)) } } };
    scrolled(&table.title, with_heads(table, rows))
}

/// The table with these rows.
pub(super) fn with_heads(table: &Table, rows: Markup) -> Markup {
    html! {
        table {
            (caption(table))
            thead { tr { (heads(table)) } }
            tbody { (rows) }
        }
    }
}

/// The table with a picture in each row, under a head of their own.
pub(super) fn with_tracks(
    table: &Table,
    head: Markup,
    tracks: impl Iterator<Item = Markup>,
) -> Markup {
    html! {
        table class="plot" {
            (caption(table))
            thead { tr { (heads(table)) th scope="col" class="track" { (head) } } }
            tbody {
                @for (row, track) in table.rows.iter().zip(tracks) {
                    tr { (cells(table, row)) td class="track" { (track) } }
                }
            }
        }
    }
}

/// A box that scrolls sideways, also by keyboard.
pub(super) fn scrolled(name: &str, body: Markup) -> Markup {
    let name = if name.is_empty() { "table" } else { name };
    html! { div class="scroll" role="region" tabindex="0" aria-label=(name) { (body) } }
}

pub(super) fn caption(table: &Table) -> Markup {
    html! { @if !table.title.is_empty() { caption { (table.title) } } }
}

pub(super) fn heads(table: &Table) -> Markup {
    html! {
        @for column in &table.columns {
            th scope="col" class=[column.number.then_some("n")] { (column.full_head()) }
        }
    }
}

pub(super) fn cells(table: &Table, row: &[Text]) -> Markup {
    html! {
        @match (table.columns.first(), row.first()) {
            (Some(column), Some(cell)) if !column.number => {
                th scope="row" { (cell.text) }
                (more_cells(table, row))
            }
            _ => { @for (column, cell) in table.columns.iter().zip(row) { (data(column, cell)) } }
        }
    }
}

/// The cells after the first.
pub(super) fn more_cells(table: &Table, row: &[Text]) -> Markup {
    html! {
        @for (column, cell) in table.columns.iter().zip(row).skip(1) { (data(column, cell)) }
    }
}

/// A cell, with its head for narrow pages.
fn data(column: &Column, cell: &Text) -> Markup {
    html! {
        td class=[class(column.number, cell.tone)] data-h=(column.full_head()) { (cell.text) }
    }
}

fn class(number: bool, tone: Tone) -> Option<String> {
    let words = [number.then_some("n"), of_tone(tone)];
    let words: Vec<_> = words.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The class of a tone.
pub(super) fn of_tone(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Plain => None,
        Tone::Good => Some("good"),
        Tone::Bad => Some("bad"),
        Tone::Doubtful => Some("doubt"),
    }
}

/// Lines in a block that scrolls, with a button that copies them.
pub(super) fn output(name: &str, lines: &[String]) -> Markup {
    html! {
        div class="block" {
            pre tabindex="0" role="region" aria-label=(name) { (lines.join("\n")) }
        }
    }
}

/// A command in the same form.
pub(super) fn command(command: &str) -> Markup {
    html! {
        div class="block" {
            pre tabindex="0" role="region" aria-label="command" { code { (command) } }
        }
    }
}
