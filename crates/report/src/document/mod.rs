//! The document: what a report says, in one order and under one set of headings, whatever it is
//! written as.
//!
//! [`report`] builds it from a view by a list of sections. The renderers (terminal, Markdown, HTML)
//! draw its blocks and know nothing about runs.

mod block;
mod comparisons;
mod counts;
mod crashes;
mod efficiency;
mod environment;
mod failures;
mod grid;
mod history;
mod measures;
mod overview;
mod parts;
mod plot;
mod previous;
mod rates;
mod search;
mod table;
mod verdict;

use Detail::{Full, Headline, Summary};

use crate::compare::gates;
use crate::view::View;
use crate::words::{findings, independence, notes, recommendations};
pub use block::Detail;
pub(crate) use block::{Block, Document, Section, Signature, Verdict};
pub(crate) use comparisons::comparison_document;
pub(crate) use failures::{first_seen, unexplained};
pub(crate) use history::{history_document, runs};
pub(crate) use plot::{Curve, Curves, Grid, Mark, Parts, Plot, Square, Tick, TrendPlot};
pub use search::search_in_words;
pub(crate) use table::{Column, Table, Text, Tone};

/// The report of a run. With the run before it, it compares the two. A new section is a function
/// and a line in the list.
pub(crate) fn report(view: &View, previous: Option<&View>) -> Document {
    let sections = [
        ("Verdict", Headline, verdict::verdict(view)),
        ("Running now", Summary, verdict::running(view)),
        ("Smallest part", Summary, search::smallest(view)),
        ("Overview", Summary, overview::overview(view)),
        ("Crashes in short", Summary, crashes::in_short(view)),
        ("Failures", Summary, failures::failures(view)),
        ("Measured", Summary, overview::measured(view)),
        ("Conclusions", Summary, comparisons::conclusions(view)),
        ("Parts", Full, search::parts(view)),
        ("Crash rates", Full, rates::rates(view)),
        ("Rounds", Full, grid::grid(view)),
        (rates::hazard_heading(view), Full, rates::hazards(view)),
        ("Isolated and in sequence", Full, rates::modes(view)),
        ("Comparisons", Full, comparisons::comparisons(view)),
        ("Compared with the baseline", Full, previous::baseline(view)),
        (
            "Claims of the imported report",
            Full,
            environment::claims(view),
        ),
        ("Gates", Full, Block::list(gates(view))),
        ("Efficiency", Full, efficiency::efficiency(view, previous)),
        ("Durations", Full, rates::durations(view)),
        ("Measurements", Full, parts::parts(view)),
        ("Other measures", Full, parts::others(view)),
        ("Crashes by signature", Full, crashes::crashes(view)),
        ("Why rounds did not pass", Full, failures::reasons(view)),
        (
            "Independence of rounds",
            Full,
            Block::list(independence(view)),
        ),
        ("Findings", Full, Block::list(findings(view))),
        ("Chapters", Full, counts::chapters(view)),
        ("Sequences", Full, counts::sequences(view)),
        (
            "Compared with the previous run",
            Full,
            previous::previous(view, previous),
        ),
        ("Warnings", Full, environment::warnings(view)),
        ("Recommendations", Full, Block::list(recommendations(view))),
        ("Notes", Full, Block::list(notes(view))),
        ("Environment", Full, environment::environment(view)),
        ("How to repeat it", Full, environment::command(view)),
    ];
    let sections = sections.map(|(heading, detail, blocks)| Section::new(heading, detail, blocks));
    Document {
        title: verdict::title(view),
        facts: verdict::facts(view),
        sections: sections.into(),
    }
}
