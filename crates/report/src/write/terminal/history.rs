//! Lists of runs and the history of a suite on a terminal.

use super::table;
use super::text::{Screen, Style};
use super::{NARROWEST, section};
use crate::clean::{NAME, clean};
use crate::compare::{History, history_intro};
use crate::layout;
use crate::view::RunLine;

/// The runs that there are, for a terminal of this many columns, in colour or plain.
pub fn runs_terminal(lines: &[RunLine], width: usize, color: bool) -> String {
    table::draw(&layout::runs(lines), screen(width, color))
}

/// The history of a suite, for a terminal of this many columns, in colour or plain.
pub fn history_terminal(history: &History, width: usize, color: bool) -> String {
    let screen = screen(width, color);
    let title = format!("history of {}", clean(&history.suite, NAME));
    let mut out = screen.paragraph(&title, 0, 0, Style::Bold);
    out += &screen.paragraph(&history_intro(history), 0, 0, Style::Dim);
    let runs = table::draw(&layout::past_runs(history), screen);
    section(&mut out, screen, "runs", &runs);
    for trend in layout::trends(history) {
        // The title is the section's name already.
        let mut numbers = trend.table;
        numbers.title.clear();
        let said = trend.said.join(" ");
        let body = screen.paragraph(&said, 2, 2, Style::Plain) + &table::draw(&numbers, screen);
        section(&mut out, screen, &trend.name, &body);
    }
    out
}

fn screen(width: usize, color: bool) -> Screen {
    Screen {
        width: width.max(NARROWEST),
        color,
    }
}
