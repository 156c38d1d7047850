//! Writes a document to a terminal.

mod table;
mod text;

pub(super) use text::width;
use text::{Screen, Style, fitting};

use crate::clean;
use crate::compare::{Comparisons, History};
use crate::document::{
    Block, Detail, Document, RunPages, Shown, Signature, Tone, Verdict, comparison_document,
    history_document, report, runs,
};
use crate::view::{RunLine, View};

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
    /// What the title adds, such as the file of the suite.
    pub origin: Option<&'a str>,
}

/// The report of a run.
pub fn terminal(view: &View, options: &TerminalOptions) -> String {
    let screen = Screen::new(options.width, options.color);
    let mut footer = String::new();
    if let Some(page) = options.page {
        footer += &format!("\nreport  {page}");
    }
    if options.detail == Detail::Summary {
        footer += &format!("\nmore    crashrate report {} --full", view.name);
    }
    if !footer.is_empty() {
        footer += "\n";
    }
    let mut document = report(view, None);
    if let Some(origin) = options.origin {
        document.title += &format!(" · {}", clean::one_line(origin));
    }
    draw(&document, options.detail, screen) + &footer
}

/// Comparisons.
pub fn compare_terminal(all: &Comparisons, width: usize, color: bool) -> String {
    let screen = Screen::new(width, color);
    draw(&comparison_document(all), Detail::Full, screen)
}

/// A list of runs.
pub fn runs_terminal(lines: &[RunLine], width: usize, color: bool) -> String {
    table::draw(&runs(lines), INDENT, Screen::new(width, color))
}

/// The histories of a name: one for a suite, one for each command.
pub fn history_terminal(histories: &[History], width: usize, color: bool) -> String {
    let screen = Screen::new(width, color);
    let document = history_document(histories, &RunPages::None);
    draw(&document, Detail::Full, screen)
}

/// Writes the document. The summary has no headings and indents, so that it fits on a screen.
fn draw(document: &Document, detail: Detail, screen: Screen) -> String {
    let mut out = screen.paragraph(&document.title, 0, 0, Style::Bold);
    if detail == Detail::Full && !document.facts.is_empty() {
        out += &screen.paragraph(&document.facts, 0, 0, Style::Dim);
    }
    for section in document.sections(detail) {
        let has_heading = detail == Detail::Full && section.shown != Shown::Headline;
        let indent = if has_heading { INDENT } else { 0 };
        let body = blocks(&section.blocks, indent, screen);
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
            let after_table = indent > 0 && before.as_table().is_some();
            !is_heading(before) && (one.as_table().is_some() || is_heading(one) || after_table)
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
    if let Some(one) = block.as_table() {
        return table::draw(one, indent, screen);
    }
    let paragraph =
        |text: &str, tone| screen.paragraph(text, indent, indent + 2, Style::Tone(tone));
    match block {
        Block::Verdict(verdict) => self::verdict(verdict, screen),
        Block::Heading(heading) => screen.paragraph(heading, indent, indent, Style::Bold),
        Block::Line(line) => paragraph(&line.text, line.tone),
        Block::List(lines) => {
            let lines = lines.iter().map(|line| paragraph(line, Tone::Plain));
            lines.collect()
        }
        Block::Signature(signature) => self::signature(signature, indent, screen),
        Block::Output(lines) => {
            let lines = lines.iter().map(|line| output(line, indent, screen));
            lines.collect()
        }
        Block::Crash(crash) => blocks(&crash.plain(), indent, screen),
        Block::Matrix(matrix) => blocks(&matrix.plain(), indent, screen),
        Block::Fold(title, folded) => {
            let title = screen.paragraph(title, indent, indent, Style::Bold);
            title + &blocks(folded, indent, screen)
        }
        // In a wrapped command, a shell would take each line for a command.
        Block::Command(command) => format!("{}{command}\n", " ".repeat(indent)),
        // A terminal has no pictures, and the verdict already shows the progress.
        _ => String::new(),
    }
}

/// `PASS  15 of 15 rounds passed.`, further lines below the first.
fn verdict(verdict: &Verdict, screen: Screen) -> String {
    let hang = verdict.word.len() + 2;
    let lines = verdict.lines.iter();
    let lines = lines.map(|line| screen.paragraph(line, hang, hang, Style::Plain));
    let lines: String = lines.collect();
    let word = screen.paint(verdict.word, Style::Status(verdict.tone));
    format!("{word}  {}", lines.trim_start())
}

/// Count and place on one line; callers and the command that shows the crash on the next.
fn signature(signature: &Signature, indent: usize, screen: Screen) -> String {
    let (callers, command) = (&signature.callers, &signature.command);
    let hang = indent + 5;
    let paint = |text: &str| screen.paragraph(text, indent + 2, hang, Style::Tone(Tone::Bad));
    let fits = |text: &str, indent: usize| indent + width(text) <= screen.width;
    let head = format!("{}  {}", signature.what, signature.at);
    if callers.is_empty() {
        let all = format!("{head}        {command}");
        if fits(&all, indent + 2) {
            return paint(&all);
        }
    }
    let rest = format!("{callers}        {command}");
    let rest = rest.trim_start();
    let rest = match fits(rest, hang) {
        true => format!("{}{rest}\n", " ".repeat(hang)),
        false => {
            let lines = [callers, command];
            lines
                .map(|line| screen.paragraph(line, hang, hang, Style::Plain))
                .concat()
        }
    };
    paint(&head) + &rest
}

/// A line of output, cut at the screen's width.
fn output(line: &str, indent: usize, screen: Screen) -> String {
    let indent = indent + 4;
    let end = fitting(line, screen.width.saturating_sub(indent));
    let line = screen.paint(&line[..end], Style::Dim);
    format!("{}{line}\n", " ".repeat(indent))
}
