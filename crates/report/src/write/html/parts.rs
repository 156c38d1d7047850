//! Sections, tables and lists.

use maud::{Markup, html};

use crate::layout::{Block, Table, Text, Tone};

/// A section with its heading; nothing without a body.
pub(super) fn section(heading: &str, body: Option<Markup>) -> Markup {
    let id = slug(heading);
    html! {
        @if let Some(body) = body {
            section id=(id) aria-labelledby={ (id) "-h" } {
                h2 id={ (id) "-h" } { (heading) }
                (body)
            }
        }
    }
}

/// The heading as the name of a place on the page.
fn slug(heading: &str) -> String {
    let plain = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_lowercase(),
        false => '-',
    };
    heading.chars().map(plain).collect()
}

pub(super) fn list(lines: &[String]) -> Option<Markup> {
    (!lines.is_empty()).then(|| html! { ul { @for line in lines { li { (line) } } } })
}

pub(super) fn blocks(blocks: &[Block]) -> Option<Markup> {
    let drawn = |block: &Block| match block {
        Block::Line(line) => html! { p { (line) } },
        Block::Table(one) => table(one),
    };
    (!blocks.is_empty()).then(|| html! { @for block in blocks { (drawn(block)) } })
}

pub(super) fn tables(tables: &[Table]) -> Option<Markup> {
    (!tables.is_empty()).then(|| html! { @for one in tables { (table(one)) } })
}

/// A table in a box of its own that scrolls where the page is too narrow for it.
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

/// A box that scrolls sideways, also by the keyboard.
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
            th scope="col" class=[column.number.then_some("n")] { (column.head) }
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
