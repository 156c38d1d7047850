//! Sections, tables and lists.

use maud::{Markup, html};

use crate::document::{Table, Text, Tone};

/// A section with its heading.
pub(super) fn section(id: &str, heading: &str, body: Markup) -> Markup {
    let label = (!heading.is_empty()).then(|| format!("{id}-h"));
    html! {
        section id=(id) aria-labelledby=[&label] {
            @if let Some(label) = &label { h2 id=(label) { (heading) } }
            (body)
        }
    }
}

pub(super) fn list(lines: &[String]) -> Markup {
    html! { ul { @for line in lines { li { (line) } } } }
}

/// A table in a box that scrolls if the page is too narrow.
pub(super) fn table(table: &Table) -> Markup {
    scrolled(
        &table.title,
        html! {
            table {
                (caption(table))
                thead { tr { (heads(table)) } }
                tbody { @for row in &table.rows { tr { (cells(table, row)) } } }
            }
        },
    )
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
        @for (place, (column, cell)) in table.columns.iter().zip(row).enumerate() {
            @if place == 0 && !column.number {
                th scope="row" { (cell.text) }
            } @else {
                td class=[class(column.number, cell.tone)] { (cell.text) }
            }
        }
    }
}

fn class(number: bool, tone: Tone) -> Option<&'static str> {
    match (number, tone) {
        (false, Tone::Plain) => None,
        (false, Tone::Good) => Some("good"),
        (false, Tone::Bad) => Some("bad"),
        (false, Tone::Doubtful) => Some("doubt"),
        (true, Tone::Plain) => Some("n"),
        (true, Tone::Good) => Some("n good"),
        (true, Tone::Bad) => Some("n bad"),
        (true, Tone::Doubtful) => Some("n doubt"),
    }
}
