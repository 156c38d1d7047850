//! Writes tables to a terminal: in columns if they fit, else as a few lines per row.

use super::text::{Screen, Style, width, wrap};
use crate::document::{Column, Table, Text};

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
    let mut out = String::new();
    if !table.title.is_empty() {
        out.push_str(&screen.paragraph(&table.title, indent, indent + 2, Style::Plain));
    }
    let rooms = match table.wide {
        true => &[Room::Wide, Room::Usual, Room::Narrow][..],
        false => &[Room::Usual, Room::Narrow],
    };
    let drawn = |table: &Table| {
        let drawn = rooms.iter().map(|room| Drawn::new(table, *room));
        let mut fitting = drawn.filter(|drawn| indent + drawn.width() <= screen.width);
        fitting.next().map(|drawn| drawn.lines(indent, screen))
    };
    let lines = drawn(table).or_else(|| drawn(&without_last_group(table)?));
    out + &lines.unwrap_or_else(|| cards(table, indent, screen))
}

/// A summary without its last column group, the least important one.
fn without_last_group(table: &Table) -> Option<Table> {
    let last = &table.columns.last()?.group;
    let kept = table
        .columns
        .iter()
        .take_while(|column| column.group != *last);
    let kept = kept.count();
    let mut short = table.clone();
    short.columns.truncate(kept);
    short.rows.iter_mut().for_each(|row| row.truncate(kept));
    (table.wide && !last.is_empty() && kept > 1).then_some(short)
}

/// A table with its column widths, and heads broken into lines to keep columns narrow.
struct Drawn<'a> {
    table: &'a Table,
    widths: Vec<usize>,
    heads: Vec<Vec<String>>,
    /// The space before each column.
    gaps: Vec<usize>,
}

impl<'a> Drawn<'a> {
    fn new(table: &'a Table, room: Room) -> Self {
        let (mut widths, mut heads, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
        let mut before: Option<&Column> = None;
        for (place, column) in table.columns.iter().enumerate() {
            let cells = table.rows.iter().filter_map(|row| row.get(place));
            let cells = cells.map(|cell| width(&cell.text)).max().unwrap_or(0);
            // Only heads over numbers are broken into lines: those columns are many and narrow.
            let least = match (column.number, room) {
                (true, _) => longest_word(&column.head),
                (false, Room::Wide) => width(&column.head).max(column.least),
                (false, Room::Narrow) if !column.group.is_empty() => longest_word(&column.head),
                (false, _) => width(&column.head),
            };
            let wide = cells.max(least);
            widths.push(wide);
            heads.push(wrap(&column.head, wide, wide));
            let same = |before: &Column| !column.group.is_empty() && before.group == column.group;
            gaps.push(match (before, room) {
                (None, _) => 0,
                (_, Room::Narrow) => 1,
                (Some(before), Room::Wide) if !same(before) => 4,
                _ => 2,
            });
            before = Some(column);
        }
        let mut drawn = Drawn {
            table,
            widths,
            heads,
            gaps,
        };
        drawn.make_room_for_groups();
        drawn
    }

    /// Ranges of columns with the same group.
    fn groups(&self) -> Vec<std::ops::Range<usize>> {
        let columns = &self.table.columns;
        let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
        for (place, column) in columns.iter().enumerate() {
            match groups.last_mut() {
                Some(last) if columns[last.start].group == column.group => last.end = place + 1,
                _ => groups.push(place..place + 1),
            }
        }
        groups
    }

    /// Widens a group's last column if the group's name is longer than its columns.
    fn make_room_for_groups(&mut self) {
        for group in self.groups() {
            let name = width(&self.table.columns[group.start].group);
            let wide = self.widths[group.clone()].iter().sum::<usize>()
                + self.gaps[group.start + 1..group.end].iter().sum::<usize>();
            self.widths[group.end - 1] += name.saturating_sub(wide);
        }
    }

    fn width(&self) -> usize {
        self.gaps.iter().chain(&self.widths).sum()
    }

    fn lines(&self, indent: usize, screen: Screen) -> String {
        let mut out = String::new();
        if self.table.columns.iter().any(|c| !c.group.is_empty()) {
            let mut line = " ".repeat(indent);
            for group in self.groups() {
                let name = &self.table.columns[group.start].group;
                line.push_str(&" ".repeat(self.gaps[group.start]));
                let wide = self.widths[group.clone()].iter().sum::<usize>()
                    + self.gaps[group.start + 1..group.end].iter().sum::<usize>();
                line.push_str(&screen.paint(name, Style::Dim));
                line.push_str(&" ".repeat(wide - width(name)));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        let lines = self.heads.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..lines {
            let cells = self.heads.iter().map(|head| {
                // Shorter heads are bottom-aligned, next to the numbers.
                let skipped = lines - head.len();
                let text = line.checked_sub(skipped).and_then(|line| head.get(line));
                let text = text.map_or("", String::as_str);
                (text, screen.paint(text, Style::Dim))
            });
            self.line(cells, indent, &mut out);
        }
        for row in &self.table.rows {
            let cells = row.iter().map(|cell| {
                let painted = screen.paint(&cell.text, Style::Tone(cell.tone));
                (cell.text.as_str(), painted)
            });
            self.line(cells, indent, &mut out);
        }
        out
    }

    /// One line of cells, each as plain text (to measure) and as painted.
    fn line<'t>(
        &self,
        cells: impl Iterator<Item = (&'t str, String)>,
        indent: usize,
        out: &mut String,
    ) {
        let mut line = " ".repeat(indent);
        let columns = self.table.columns.iter().zip(&self.widths).zip(&self.gaps);
        for (((column, wide), gap), (plain, painted)) in columns.zip(cells) {
            line.push_str(&" ".repeat(*gap));
            let padding = " ".repeat(wide.saturating_sub(width(plain)));
            let (left, right) = match column.number {
                true => (padding.as_str(), ""),
                false => ("", padding.as_str()),
            };
            line.push_str(left);
            line.push_str(&painted);
            line.push_str(right);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn longest_word(head: &str) -> usize {
    head.split(' ').map(width).max().unwrap_or(0)
}

/// A few lines per row: the first cell, then the others with their heads.
fn cards(table: &Table, indent: usize, screen: Screen) -> String {
    let mut out = String::new();
    for row in &table.rows {
        let mut cells = table.columns.iter().zip(row);
        let Some((_, first)) = cells.next() else {
            continue;
        };
        out.push_str(&screen.paragraph(&first.text, indent, indent, Style::Plain));
        let rest = cells.filter_map(|(column, cell)| labelled(column, cell));
        for line in packed(rest, screen.width.saturating_sub(indent + 2)) {
            out.push_str(&screen.paragraph(&line, indent + 2, indent + 4, Style::Plain));
        }
    }
    out
}

fn labelled(column: &Column, cell: &Text) -> Option<String> {
    (!cell.text.is_empty()).then(|| format!("{} {}", column.full_head(), cell.text))
}

/// Wraps comma-separated pieces to this width.
fn packed(pieces: impl Iterator<Item = String>, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if width(line) + width(&piece) + 3 <= room => {
                line.push_str(", ");
                line.push_str(&piece);
            }
            line => {
                if let Some(line) = line {
                    line.push(',');
                }
                lines.push(piece);
            }
        }
    }
    lines
}
