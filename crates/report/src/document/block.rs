//! Blocks: the pieces of a section. Their texts are made harmless, and not yet escaped for a
//! format.

use super::pictures::{Curves, Grid, TrendPlot};
use super::plot::Plot;
use super::table::{Table, Text, Tone};

/// A piece of a section.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Block {
    Verdict(Verdict),
    /// A heading below the section's own.
    Heading(String),
    Line(Text),
    List(Vec<String>),
    Table(Table),
    Signature(Signature),
    /// Lines that a program printed.
    Output(Vec<String>),
    Command(String),
    /// A table with marks on a scale. Renderers without pictures draw the table.
    Plot(Plot),
    /// The same where another section has the numbers: renderers without pictures leave it out.
    Picture(Plot),
    Grid(Grid),
    Curves(Curves),
    Trend(TrendPlot),
    /// Rounds that ended, of those planned.
    Progress(u32, u32),
}

/// The result of a run in a word and a few sentences.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) status: Status,
    pub(crate) lines: Vec<String>,
}

/// The result of a run in a word. It follows the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Pass,
    Fail,
    Undecided,
    Incomplete,
    Running,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Status::Pass => "PASS",
            Status::Fail => "FAIL",
            Status::Undecided => "UNDECIDED",
            Status::Incomplete => "INCOMPLETE",
            Status::Running => "RUNNING",
        }
    }

    pub(crate) fn tone(self) -> Tone {
        match self {
            Status::Pass => Tone::Good,
            Status::Fail => Tone::Bad,
            Status::Running => Tone::Plain,
            Status::Undecided | Status::Incomplete => Tone::Doubtful,
        }
    }
}

/// The signature of a crash in short.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Signature {
    /// How often, and the signal or exception: `7x SIGSEGV`.
    pub(crate) what: String,
    /// The innermost frame.
    pub(crate) at: String,
    /// The frames that called it.
    pub(crate) callers: String,
    /// The command that shows it whole.
    pub(crate) command: String,
}

impl Block {
    /// A sentence whose parts are clean already.
    pub(crate) fn line(text: impl Into<String>) -> Block {
        Block::Line(Text {
            text: text.into(),
            tone: Tone::Plain,
        })
    }

    /// A sentence that a reader should not miss.
    pub(crate) fn warning(text: impl Into<String>) -> Block {
        Block::Line(Text {
            text: text.into(),
            tone: Tone::Doubtful,
        })
    }

    /// A list; no block without lines.
    pub(crate) fn list(lines: Vec<String>) -> Vec<Block> {
        match lines.is_empty() {
            true => Vec::new(),
            false => vec![Block::List(lines)],
        }
    }
}
