//! The document: what a report says, in one order and under one set of headings, whatever it is
//! written as.
//!
//! [`report`] builds it from a view by a list of sections. The renderers (terminal, Markdown, HTML)
//! draw its blocks and know nothing about runs.

mod baseline;
mod block;
mod chapters;
mod comparisons;
mod crashes;
mod efficiency;
mod environment;
mod failures;
mod grid;
mod history;
mod measures;
mod overview;
mod parts;
mod pictures;
mod plot;
mod previous;
mod rates;
mod sections;
mod sequences;
mod source;
mod table;
mod verdict;

pub(crate) use block::{Block, Signature, Status, Verdict};
pub(crate) use comparisons::comparison_document;
pub(crate) use failures::{first_seen, unexplained};
pub(crate) use history::{history_document, runs};
pub(crate) use pictures::{Curve, Curves, Grid, Square, TrendPlot};
pub(crate) use plot::{Mark, Plot, Tick};
pub(crate) use sections::report;
pub(crate) use table::{Column, Table, Text, Tone};

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
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    pub(crate) title: String,
    /// When it began, and its id; often empty.
    pub(crate) facts: String,
    pub(crate) sections: Vec<Section>,
}

/// The blocks under a heading.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Section {
    pub(crate) heading: String,
    /// From which level of detail on it is shown.
    pub(crate) detail: Detail,
    pub(crate) blocks: Vec<Block>,
}

impl Document {
    /// The sections of this level of detail, without empty ones.
    pub(crate) fn sections(&self, detail: Detail) -> impl Iterator<Item = &Section> {
        let shown = move |section: &&Section| section.detail <= detail;
        let sections = self.sections.iter().filter(shown);
        sections.filter(|section| !section.blocks.is_empty())
    }
}
