//! The pieces of a document. Their texts are made harmless, and not yet escaped for a format.

use super::plot::{Curves, Grid, Plot, TrendPlot};
use super::table::{Table, Text, Tone};

/// How much a document says, from little to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// The verdict, and what a reader must know before believing it.
    Headline,
    /// The results in short.
    Summary,
    /// Everything.
    Full,
}

/// A title and sections, the verdict first.
pub(crate) struct Document {
    pub(crate) title: String,
    /// When it began, and its id; often empty.
    pub(crate) facts: String,
    pub(crate) sections: Vec<Section>,
}

/// The blocks under a heading.
pub(crate) struct Section {
    pub(crate) heading: String,
    /// From which level of detail on it is shown.
    pub(crate) detail: Detail,
    pub(crate) blocks: Vec<Block>,
}

impl Document {
    /// The sections of this level of detail, without empty ones.
    pub(crate) fn sections(&self, detail: Detail) -> impl Iterator<Item = &Section> {
        let sections = self.sections.iter();
        sections.filter(move |one| one.detail <= detail && !one.blocks.is_empty())
    }
}

impl Section {
    pub(crate) fn new(heading: impl Into<String>, detail: Detail, blocks: Vec<Block>) -> Section {
        Section {
            heading: heading.into(),
            detail,
            blocks,
        }
    }
}

/// A piece of a section.
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
pub(crate) struct Verdict {
    pub(crate) status: Status,
    pub(crate) lines: Vec<String>,
}

/// The result of a run in a word. It follows the exit code.
#[derive(Clone, Copy, PartialEq)]
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
        Block::toned(text, Tone::Plain)
    }

    /// A sentence that a reader should not miss.
    pub(crate) fn warning(text: impl Into<String>) -> Block {
        Block::toned(text, Tone::Doubtful)
    }

    fn toned(text: impl Into<String>, tone: Tone) -> Block {
        let text = text.into();
        Block::Line(Text { text, tone })
    }

    /// A list; no block without lines.
    pub(crate) fn list(lines: Vec<String>) -> Vec<Block> {
        match lines.is_empty() {
            true => Vec::new(),
            false => vec![Block::List(lines)],
        }
    }

    /// The table that a format without pictures shows of it.
    pub(crate) fn as_table(&self) -> Option<&Table> {
        match self {
            Block::Table(table) => Some(table),
            Block::Plot(plot) => Some(&plot.table),
            Block::Trend(trend) => Some(&trend.table),
            _ => None,
        }
    }

    /// A table; no block without rows.
    pub(crate) fn table(table: Table) -> Vec<Block> {
        match table.rows.is_empty() {
            true => Vec::new(),
            false => vec![Block::Table(table)],
        }
    }
}
