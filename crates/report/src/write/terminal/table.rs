//! Writes tables to a terminal: in columns if they fit, else as a few lines per row.

use super::text::{Screen, Style, width, wrap};
use crate::document::{Column, Table};

/// Column spacings to try, from the widest to the narrowest.
#[derive(Clone, Copy)]
enum Room {
    /// Widely spaced groups, with columns at their minimum width.
    Wide,
    Usual,
    Narrow,
}

/// The table with its title.
pub(super) fn draw(table: &Table, indent: usize, screen: Screen) -> String {
    let title = match table.title.as_str() {
        "" => String::new(),
        title => screen.paragraph(title, indent, indent + 2, Style::Plain),
    };
    let lines = in_columns(table, indent, screen)
        .or_else(|| in_columns(&without_last_group(table)?, indent, screen));
    title + &lines.unwrap_or_else(|| cards(table, indent, screen))
}

/// The widest columns that fit.
fn in_columns(table: &Table, indent: usize, screen: Screen) -> Option<String> {
    let rooms = [Room::Wide, Room::Usual, Room::Narrow].into_iter();
    let rooms = rooms.skip(usize::from(!table.wide));
    let mut laid = rooms.map(|room| lay_out(table, room));
    let fitting = laid.find(|columns| indent + span(columns) <= screen.width)?;
    Some(lines(table, &fitting, indent, screen))
}

/// A summary without its last column group, the least important one.
fn without_last_group(table: &Table) -> Option<Table> {
    let last = &table.columns.last()?.group;
    let mut short = table.clone();
    let columns = table.columns.iter();
    let kept: Vec<_> = columns.map(|column| column.group != *last).collect();
    short.keep(&kept);
    (table.wide && !last.is_empty() && short.columns.len() > 1).then_some(short)
}

/// A column with its width, the space before it, and its head in lines that keep it narrow.
struct Laid<'a> {
    column: &'a Column,
    wide: usize,
    gap: usize,
    head: Vec<String>,
}

fn lay_out(table: &Table, room: Room) -> Vec<Laid<'_>> {
    let mut laid: Vec<Laid> = Vec::new();
    for (place, column) in table.columns.iter().enumerate() {
        let cells = table.rows.iter().filter_map(|row| row.get(place));
        let cells = cells.map(|cell| width(&cell.text)).max().unwrap_or(0);
        let longest_word = column.head.split(' ').map(width).max().unwrap_or(0);
        // Only heads over numbers are broken into lines: those columns are many and narrow.
        let least = match (column.number, room) {
            (true, _) => longest_word,
            (false, Room::Wide) => width(&column.head).max(column.least),
            (false, Room::Narrow) if !column.group.is_empty() => longest_word,
            (false, _) => width(&column.head),
        };
        let wide = cells.max(least);
        let grouped = |before: &Laid| !column.group.is_empty() && same_group(before, column);
        let gap = match (laid.last(), room) {
            (None, _) => 0,
            (_, Room::Narrow) => 1,
            (Some(before), Room::Wide) if !grouped(before) => 4,
            _ => 2,
        };
        let head = wrap(&column.head, wide, wide);
        laid.push(Laid {
            column,
            wide,
            gap,
            head,
        });
    }
    // A group's last column makes room for the group's name.
    for group in laid.chunk_by_mut(|a, b| same_group(a, b.column)) {
        let missing = width(&group[0].column.group).saturating_sub(span(group));
        if let Some(last) = group.last_mut() {
            last.wide += missing;
        }
    }
    laid
}

fn same_group(laid: &Laid, column: &Column) -> bool {
    laid.column.group == column.group
}

/// The width of neighbouring columns, without the space before the first.
fn span(columns: &[Laid]) -> usize {
    let all: usize = columns.iter().map(|laid| laid.gap + laid.wide).sum();
    all - columns.first().map_or(0, |first| first.gap)
}

fn lines(table: &Table, laid: &[Laid], indent: usize, screen: Screen) -> String {
    let mut out = String::new();
    if laid.iter().any(|laid| !laid.column.group.is_empty()) {
        let mut line = " ".repeat(indent);
        for group in laid.chunk_by(|a, b| same_group(a, b.column)) {
            let name = &group[0].column.group;
            line.push_str(&" ".repeat(group[0].gap));
            line.push_str(&screen.paint(name, Style::Dim));
            line.push_str(&" ".repeat(span(group) - width(name)));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    let heads = laid.iter().map(|laid| laid.head.len()).max().unwrap_or(0);
    for line in 0..heads {
        let cells = laid.iter().map(|laid| {
            // Shorter heads are bottom-aligned, next to the numbers.
            let place = (line + laid.head.len()).checked_sub(heads);
            let text = place.map_or("", |place| laid.head[place].as_str());
            (text, Style::Dim)
        });
        out += &one_line(laid, cells, indent, screen);
    }
    for row in &table.rows {
        let cells = row
            .iter()
            .map(|cell| (cell.text.as_str(), Style::Tone(cell.tone)));
        out += &one_line(laid, cells, indent, screen);
    }
    out
}

fn one_line<'t>(
    laid: &[Laid],
    cells: impl Iterator<Item = (&'t str, Style)>,
    indent: usize,
    screen: Screen,
) -> String {
    let mut line = " ".repeat(indent);
    for (laid, (text, style)) in laid.iter().zip(cells) {
        let padding = " ".repeat(laid.wide.saturating_sub(width(text)));
        let painted = screen.paint(text, style);
        line.push_str(&" ".repeat(laid.gap));
        line += &match laid.column.number {
            true => padding + &painted,
            false => painted + &padding,
        };
    }
    format!("{}\n", line.trim_end())
}

/// A few lines per row: the first cell, then the others with their heads, separated by commas.
fn cards(table: &Table, indent: usize, screen: Screen) -> String {
    let room = screen.width.saturating_sub(indent + 2);
    let mut out = String::new();
    for row in &table.rows {
        let mut cells = table.columns.iter().zip(row);
        let Some((_, first)) = cells.next() else {
            continue;
        };
        out += &screen.paragraph(&first.text, indent, indent, Style::Plain);
        let mut lines: Vec<String> = Vec::new();
        for (column, cell) in cells.filter(|(_, cell)| !cell.text.is_empty()) {
            let piece = format!("{} {}", column.full_head(), cell.text);
            match lines.last_mut() {
                Some(line) if width(line) + width(&piece) + 3 <= room => {
                    *line += &format!(", {piece}");
                }
                _ => lines.push(piece),
            }
        }
        let last = lines.len().saturating_sub(1);
        for (place, line) in lines.iter().enumerate() {
            let comma = if place < last { "," } else { "" };
            let line = format!("{line}{comma}");
            out += &screen.paragraph(&line, indent + 2, indent + 4, Style::Plain);
        }
    }
    out
}
