//! Blocks: the pieces of a section. Their texts are made harmless, and not yet escaped for a
//! format.

use super::efficiency::Curves;
use super::grid::Grid;
use super::history::TrendPlot;
use super::plot::Plot;
use crate::clean::{NAME, SENTENCE, clean};

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

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    /// Empty where the section's heading is enough.
    pub(crate) title: String,
    pub(crate) columns: Vec<Column>,
    /// Each with as many cells as there are columns.
    pub(crate) rows: Vec<Vec<Text>>,
    /// Whether a terminal leaves more room between columns.
    pub(crate) wide: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Column {
    pub(crate) head: String,
    /// What this column and its neighbours of the same group have in common; often empty.
    pub(crate) group: String,
    /// Numbers are aligned to the right.
    pub(crate) number: bool,
    /// The least width on a terminal.
    pub(crate) least: usize,
}

impl Column {
    /// The head where columns have only one.
    pub(crate) fn full_head(&self) -> String {
        match self.group.as_str() {
            "" => self.head.clone(),
            group => format!("{group} {}", self.head),
        }
    }
}

/// A text, and what it means to a reader in a hurry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    /// A crash or another bad outcome.
    Bad,
    /// Failed, flaky, not measured, or a warning.
    Doubtful,
}

impl Tone {
    /// Bad if something bad was counted.
    pub(crate) fn of_bad(bad: u32) -> Tone {
        match bad {
            0 => Tone::Plain,
            _ => Tone::Bad,
        }
    }
}

impl Text {
    pub(crate) fn new(text: &str, tone: Tone) -> Self {
        Text {
            text: clean(text, NAME),
            tone,
        }
    }

    /// A sentence, or a list of names.
    pub(crate) fn long(text: &str) -> Self {
        Text {
            text: clean(text, SENTENCE),
            tone: Tone::Plain,
        }
    }

    pub(crate) fn plain(text: &str) -> Self {
        Text::new(text, Tone::Plain)
    }
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

impl Table {
    pub(crate) fn titled(title: &str) -> Table {
        Table {
            title: title.to_owned(),
            ..Table::default()
        }
    }

    /// Adds a column of text.
    pub(crate) fn text(self, head: &str) -> Self {
        self.column("", head, false)
    }

    /// Adds a column of numbers.
    pub(crate) fn number(self, head: &str) -> Self {
        self.column("", head, true)
    }

    /// Adds a column of text that shares a head with its neighbours.
    pub(crate) fn grouped(self, group: &str, head: &str) -> Self {
        self.column(group, head, false)
    }

    fn column(mut self, group: &str, head: &str, number: bool) -> Self {
        self.columns.push(Column {
            head: clean(head, NAME),
            group: clean(group, NAME),
            number,
            least: 0,
        });
        self
    }
}
