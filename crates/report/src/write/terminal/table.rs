//! Tables on a terminal: as columns if they fit, else a few lines for each row.

use super::text::{Screen, Style, width, wrap};
use crate::layout::{Column, Table, Text};

const INDENT: usize = 2;
/// Spaces between columns: two if there is room.
const GAPS: [usize; 2] = [2, 1];

/// Whether the table fits as columns, with the usual space between them.
pub(super) fn fits(table: &Table, screen: Screen) -> bool {
    Drawn::new(table).width(GAPS[0]) <= screen.width
}

/// The table with its title.
pub(super) fn draw(table: &Table, screen: Screen) -> String {
    let mut out = String::new();
    if !table.title.is_empty() {
        out.push_str(&screen.paragraph(&table.title, INDENT, 2 * INDENT, Style::Plain));
    }
    let drawn = Drawn::new(table);
    match GAPS
        .into_iter()
        .find(|gap| drawn.width(*gap) <= screen.width)
    {
        Some(gap) => out.push_str(&drawn.columns(gap, screen)),
        None => out.push_str(&cards(table, screen)),
    }
    out
}

/// A table with the width of each column, and its head in as many lines as keep the column narrow.
struct Drawn<'a> {
    table: &'a Table,
    widths: Vec<usize>,
    heads: Vec<Vec<String>>,
}

impl<'a> Drawn<'a> {
    fn new(table: &'a Table) -> Self {
        let (mut widths, mut heads) = (Vec::new(), Vec::new());
        for (place, column) in table.columns.iter().enumerate() {
            let cells = table.rows.iter().filter_map(|row| row.get(place));
            let cells = cells.map(|cell| width(&cell.text)).max().unwrap_or(0);
            // Only a head over numbers is broken: those columns are the many and narrow ones.
            let least = match column.number {
                true => column.head.split(' ').map(width).max().unwrap_or(0),
                false => width(&column.head),
            };
            let head = wrap(&column.head, cells.max(least), cells.max(least));
            widths.push(cells.max(least));
            heads.push(head);
        }
        Drawn {
            table,
            widths,
            heads,
        }
    }

    fn width(&self, gap: usize) -> usize {
        let gaps = gap * self.widths.len().saturating_sub(1);
        INDENT + gaps + self.widths.iter().sum::<usize>()
    }

    fn columns(&self, gap: usize, screen: Screen) -> String {
        let lines = self.heads.iter().map(Vec::len).max().unwrap_or(0);
        let mut out = String::new();
        for line in 0..lines {
            let cells = self.heads.iter().map(|head| {
                // Heads stand on the line above the numbers.
                let skipped = lines - head.len();
                let text = line.checked_sub(skipped).and_then(|line| head.get(line));
                let text = text.map_or("", String::as_str);
                (text, screen.paint(text, Style::Dim))
            });
            self.line(cells, gap, &mut out);
        }
        for row in &self.table.rows {
            let cells = row.iter().map(|cell| {
                (
                    cell.text.as_str(),
                    screen.paint(&cell.text, Style::Tone(cell.tone)),
                )
            });
            self.line(cells, gap, &mut out);
        }
        out
    }

    /// One line of cells, each as plain text (for its width) and as painted.
    fn line<'t>(
        &self,
        cells: impl Iterator<Item = (&'t str, String)>,
        gap: usize,
        out: &mut String,
    ) {
        let mut line = " ".repeat(INDENT);
        let columns = self.table.columns.iter().zip(&self.widths);
        for (place, ((column, wide), (plain, painted))) in columns.zip(cells).enumerate() {
            if place > 0 {
                line.push_str(&" ".repeat(gap));
            }
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

/// A few lines for each row: the first cell, and under it what the others are.
fn cards(table: &Table, screen: Screen) -> String {
    let mut out = String::new();
    for row in &table.rows {
        let mut cells = table.columns.iter().zip(row);
        let Some((_, first)) = cells.next() else {
            continue;
        };
        out.push_str(&screen.paragraph(&first.text, INDENT, INDENT, Style::Plain));
        let said = cells.filter_map(|(column, cell)| said(column, cell));
        for line in packed(said, screen.width.saturating_sub(2 * INDENT)) {
            out.push_str(&screen.paragraph(&line, 2 * INDENT, 3 * INDENT, Style::Plain));
        }
    }
    out
}

fn said(column: &Column, cell: &Text) -> Option<String> {
    (!cell.text.is_empty()).then(|| format!("{} {}", column.head, cell.text))
}

/// The pieces with commas between them, in lines that are broken between pieces.
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
