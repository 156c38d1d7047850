//! Writes a document to a terminal.

mod table;
mod text;

pub(super) use text::width;
use text::{Screen, Style, fitting};

use crate::compare::{Comparisons, History};
use crate::document::{
    Block, Detail, Document, Signature, Status, Tone, comparison_document, history_document,
    report, runs,
};
use crate::view::{RunLine, View};

/// The narrowest width that lines are wrapped to.
const NARROWEST: usize = 40;
/// The indent of blocks below a heading.
const INDENT: usize = 2;

/// How a report is shown on a terminal.
#[derive(Clone, Copy, Debug)]
pub struct TerminalOptions<'a> {
    /// Columns.
    pub width: usize,
    /// Whether to use colours.
    pub color: bool,
    /// How much to show.
    pub detail: Detail,
    /// The path of the full page, if there is one.
    pub page: Option<&'a str>,
}

/// The report of a run.
pub fn terminal(view: &View, options: &TerminalOptions) -> String {
    let screen = screen(options.width, options.color);
    let mut out = draw(&report(view, None), options.detail, screen);
    let mut footer = String::new();
    if let Some(page) = options.page {
        footer += &format!("report  {page}\n");
    }
    if options.detail < Detail::Full {
        footer += &format!("more    crashrate report {} --full\n", view.run.number);
    }
    if !footer.is_empty() {
        out += &format!("\n{footer}");
    }
    out
}

/// Comparisons.
pub fn compare_terminal(all: &Comparisons, width: usize, color: bool) -> String {
    draw(
        &comparison_document(all),
        Detail::Full,
        screen(width, color),
    )
}

/// A list of runs.
pub fn runs_terminal(lines: &[RunLine], width: usize, color: bool) -> String {
    table::draw(&runs(lines), INDENT, screen(width, color))
}

/// The history of a suite.
pub fn history_terminal(history: &History, width: usize, color: bool) -> String {
    draw(
        &history_document(history),
        Detail::Full,
        screen(width, color),
    )
}

fn screen(width: usize, color: bool) -> Screen {
    Screen {
        width: width.max(NARROWEST),
        color,
    }
}

/// Writes the document. The summary has no headings and indents, so that it fits on a screen.
fn draw(document: &Document, detail: Detail, screen: Screen) -> String {
    let mut out = screen.paragraph(&document.title, 0, 0, Style::Bold);
    if detail == Detail::Full && !document.facts.is_empty() {
        out += &screen.paragraph(&document.facts, 0, 0, Style::Dim);
    }
    for section in document.sections(detail) {
        let has_heading = detail == Detail::Full && section.detail > Detail::Headline;
        let body = blocks(
            &section.blocks,
            if has_heading { INDENT } else { 0 },
            screen,
        );
        if body.is_empty() {
            continue;
        }
        out.push('\n');
        if has_heading && !section.heading.is_empty() {
            out += &screen.paragraph(&section.heading, 0, 0, Style::Bold);
        }
        out += &body;
    }
    out
}

fn blocks(blocks: &[Block], indent: usize, screen: Screen) -> String {
    let is_table =
        |block: &Block| matches!(block, Block::Table(_) | Block::Plot(_) | Block::Trend(_));
    let is_heading = |block: &Block| matches!(block, Block::Heading(_));
    let mut out = String::new();
    let mut before: Option<&Block> = None;
    for one in blocks {
        let drawn = block(one, indent, screen);
        if drawn.is_empty() {
            continue;
        }
        // The summary has no blank line between a table and its remark.
        let apart = |before: &Block| {
            let after_table = indent > 0 && is_table(before);
            !is_heading(before) && (is_table(one) || is_heading(one) || after_table)
        };
        if before.is_some_and(apart) {
            out.push('\n');
        }
        out += &drawn;
        before = Some(one);
    }
    out
}

fn block(block: &Block, indent: usize, screen: Screen) -> String {
    let paragraph =
        |text: &str, tone| screen.paragraph(text, indent, indent + 2, Style::Tone(tone));
    match block {
        Block::Verdict(verdict) => self::verdict(verdict.status, &verdict.lines, screen),
        Block::Heading(heading) => screen.paragraph(heading, indent, indent, Style::Bold),
        Block::Line(line) => paragraph(&line.text, line.tone),
        Block::List(lines) => lines
            .iter()
            .map(|line| paragraph(line, Tone::Plain))
            .collect(),
        Block::Table(one) => table::draw(one, indent, screen),
        Block::Plot(plot) => table::draw(&plot.table, indent, screen),
        Block::Trend(trend) => table::draw(&trend.table, indent, screen),
        Block::Signature(signature) => self::signature(signature, indent, screen),
        Block::Output(lines) => lines
            .iter()
            .map(|line| output(line, indent, screen))
            .collect(),
        Block::Command(command) => paragraph(command, Tone::Plain),
        // A terminal has no pictures, and the verdict already shows the progress.
        Block::Picture(_) | Block::Grid(_) | Block::Curves(_) | Block::Progress(..) => {
            String::new()
        }
    }
}

/// `PASS  15 of 15 rounds passed.`, further lines below the first.
fn verdict(status: Status, lines: &[String], screen: Screen) -> String {
    let hang = status.word().len() + 2;
    let mut out = String::new();
    for (place, line) in lines.iter().enumerate() {
        let text = screen.paragraph(line, hang, hang, Style::Plain);
        out += &match place {
            0 => format!(
                "{}  {}",
                screen.paint(status.word(), Style::Status(status.tone())),
                text.trim_start()
            ),
            _ => text,
        };
    }
    out
}

/// Count and place on one line; callers and the command that shows the crash on the next.
fn signature(signature: &Signature, indent: usize, screen: Screen) -> String {
    let Signature {
        what,
        at,
        callers,
        command,
    } = signature;
    let hang = indent + 5;
    let paint = |text: &str| screen.paragraph(text, indent + 2, hang, Style::Tone(Tone::Bad));
    let head = format!("{what}  {at}");
    let fits = |text: &str, indent: usize| indent + width(text) <= screen.width;
    let with_command = |text: &str| format!("{text}        {command}");
    if callers.is_empty() && fits(&with_command(&head), indent + 2) {
        return paint(&with_command(&head));
    }
    let mut out = paint(&head);
    let rest = with_command(callers);
    match fits(rest.trim_start(), hang) {
        true => out += &format!("{}{}\n", " ".repeat(hang), rest.trim_start()),
        false => {
            for line in [callers, command] {
                out += &screen.paragraph(line, hang, hang, Style::Plain);
            }
        }
    }
    out
}

/// A line of output, cut at the screen's width.
fn output(line: &str, indent: usize, screen: Screen) -> String {
    let indent = indent + 4;
    let end = fitting(line, screen.width.saturating_sub(indent));
    let line = screen.paint(&line[..end], Style::Dim);
    format!("{}{line}\n", " ".repeat(indent))
}
