//! The pieces of a document. Their texts are made harmless, and not yet escaped for a format.

use super::cards::{Crash, UnitAttempts};
use super::matrix::{Matrix, PastRuns};
use super::plot::{Commits, Curves, Grid, OverTime, Parts, Plot, RatesPlot};
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

/// Where a section is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Always.
    Headline,
    /// In the summary and in full.
    Always,
    /// In the summary only: a full report has the same at more length.
    Short,
    /// In full.
    Full,
    /// In full; a page shows it when it is opened.
    Folded,
}

impl Shown {
    fn is_in(self, detail: Detail) -> bool {
        match self {
            Shown::Headline => true,
            Shown::Always => detail > Detail::Headline,
            Shown::Short => detail == Detail::Summary,
            Shown::Full | Shown::Folded => detail == Detail::Full,
        }
    }
}

/// A title and sections, the verdict first.
pub(crate) struct Document {
    pub(crate) title: String,
    /// The title of a browser's tab, if it says something else.
    pub(crate) tab: Option<String>,
    /// When it began, and its id; often empty.
    pub(crate) facts: String,
    pub(crate) sections: Vec<Section>,
}

/// The blocks under a heading.
pub(crate) struct Section {
    pub(crate) heading: String,
    pub(crate) shown: Shown,
    pub(crate) blocks: Vec<Block>,
}

impl Document {
    /// The sections of this level of detail, without empty ones.
    pub(crate) fn sections(&self, detail: Detail) -> impl Iterator<Item = &Section> {
        let sections = self.sections.iter();
        sections.filter(move |one| one.shown.is_in(detail) && !one.blocks.is_empty())
    }
}

impl Section {
    pub(crate) fn new(heading: impl Into<String>, shown: Shown, blocks: Vec<Block>) -> Section {
        Section {
            heading: heading.into(),
            shown,
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
    /// A signature with all that is known of it.
    Crash(Box<Crash>),
    /// Lines that a program printed.
    Output(Vec<String>),
    Command(String),
    /// A table with marks on a scale. Renderers without pictures draw the table.
    Plot(Plot),
    /// The same with several marks in a row.
    Rates(RatesPlot),
    /// Crash rates over the rounds of long runs. Renderers without pictures leave it out.
    OverTime(OverTime),
    Grid(Grid),
    /// The attempts of a unit. Formats for lists of attempts have them all; others leave them out.
    Attempts(UnitAttempts),
    /// Blocks that a page shows when they are opened, under this title.
    Fold(String, Vec<Block>),
    Parts(Parts),
    /// The probability of each commit. Renderers without pictures have its table.
    Commits(Commits),
    Curves(Curves),
    PastRuns(PastRuns),
    /// The rates of a history. Renderers without pictures list its rows.
    Matrix(Box<Matrix>),
    /// Rounds that ended, of those planned.
    Progress(u32, u32),
}

/// The result of a run in a word and a few sentences.
pub(crate) struct Verdict {
    /// It follows the exit code.
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    pub(crate) lines: Vec<String>,
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
        let (text, tone) = (text.into(), Tone::Plain);
        Block::Line(Text { text, tone })
    }

    /// A sentence that a reader should not miss.
    pub(crate) fn warning(text: impl Into<String>) -> Block {
        let (text, tone) = (text.into(), Tone::Doubtful);
        Block::Line(Text { text, tone })
    }

    /// A list; no block without lines.
    pub(crate) fn list(lines: Vec<String>) -> Vec<Block> {
        let block = (!lines.is_empty()).then_some(Block::List(lines));
        Vec::from_iter(block)
    }

    /// The table that a format without pictures shows of it.
    pub(crate) fn as_table(&self) -> Option<&Table> {
        match self {
            Block::Table(table) => Some(table),
            Block::Plot(plot) => Some(&plot.table),
            Block::Rates(rates) => Some(&rates.detailed),
            Block::Parts(parts) => Some(&parts.table),
            Block::Commits(commits) => Some(&commits.table),
            Block::PastRuns(past) => Some(&past.table),
            _ => None,
        }
    }

    /// A table; no block without rows.
    pub(crate) fn table(table: Table) -> Vec<Block> {
        let block = (!table.rows.is_empty()).then_some(Block::Table(table));
        Vec::from_iter(block)
    }
}
