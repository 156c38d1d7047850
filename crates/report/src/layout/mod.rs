//! What the tables of a report hold, whatever they are written as: terminal, Markdown and others draw the same ones.

mod baseline;
mod blockers;
mod chapters;
mod crashes;
mod efficiency;
mod environment;
mod grid;
mod hazard;
mod history;
mod measures;
mod modes;
mod parts;
mod plot;
mod previous;
mod rates;
mod running;
mod sequences;
mod told;

pub(crate) use baseline::baseline_section;
pub(crate) use blockers::blockers;
pub(crate) use chapters::{ChapterColumns, chapters, groups, reasons};
pub(crate) use crashes::crashes;
pub(crate) use efficiency::{Curve, Curves, efficiency};
pub(crate) use environment::environment;
pub(crate) use grid::{Grid, Square, grid};
pub(crate) use hazard::{hazard, hazard_plots};
pub(crate) use history::{TrendPlot, past_runs, runs, trends};
pub(crate) use measures::measures;
pub(crate) use modes::modes;
pub(crate) use parts::parts;
pub(crate) use plot::{Mark, Plot, Tick};
pub(crate) use previous::previous;
pub(crate) use rates::{durations, rates};
pub(crate) use running::running;
pub(crate) use sequences::{order, order_legend, sequences};
pub(crate) use told::told;

use crate::clean::{NAME, SENTENCE, clean};

/// What stands under a heading of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Section {
    pub(crate) heading: String,
    pub(crate) blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Block {
    /// A line of text, made harmless but not yet escaped.
    Line(String),
    Table(Table),
}

/// A table, with its texts made harmless but not yet escaped for a format.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Table {
    /// Empty where the section's heading says it all.
    pub(crate) title: String,
    pub(crate) columns: Vec<Column>,
    /// Each with as many cells as there are columns.
    pub(crate) rows: Vec<Vec<Text>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) head: String,
    /// Numbers stand at the right.
    pub(crate) number: bool,
}

/// The text of a cell, and what it means to a reader in a hurry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    /// As wished.
    Good,
    /// A bad end.
    Bad,
    /// To be looked at: failed, flaky, or not measured.
    Doubtful,
}

impl Text {
    pub(crate) fn new(text: &str, tone: Tone) -> Self {
        Text {
            text: clean(text, NAME),
            tone,
        }
    }

    /// A sentence, or a list of things of which each may be as long as a name.
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

impl Table {
    fn text(mut self, head: &str) -> Self {
        self.push_column(head, false);
        self
    }

    fn number(mut self, head: &str) -> Self {
        self.push_column(head, true);
        self
    }

    fn push_column(&mut self, head: &str, number: bool) {
        self.columns.push(Column {
            head: clean(head, NAME),
            number,
        });
    }
}
