//! The document: what a report says, in one order and under one set of headings, whatever it is
//! written as.
//!
//! [`report`] builds it from a view by a list of sections. The renderers (terminal, Markdown, HTML)
//! draw its blocks and know nothing about runs.

mod anchors;
mod attempts;
mod bisection;
mod block;
mod cards;
mod chosen;
mod comparisons;
mod crashes;
mod devices;
mod durations;
mod efficiency;
mod environment;
mod failures;
mod grid;
mod history;
mod lines;
mod machines;
mod matrix;
mod measures;
mod over_time;
mod overview;
mod parts;
mod plot;
mod previous;
mod provocation;
mod rates;
mod run_pages;
mod running;
mod search;
mod sequences;
mod sides;
mod table;
mod trends;
mod unfinished;
mod unit_rows;
mod verdict;

use Shown::{Always, Folded, Full, Headline, Short};

use crate::compare::gates;
use crate::view::View;
use crate::words::{independence, notes, recommendations};
pub use block::Detail;
pub(crate) use block::{Block, Document, Section, Shown, Signature, Verdict};
pub(crate) use cards::{Attempt, Crash, UnitAttempts};
pub use chosen::add_details;
pub(crate) use comparisons::comparison_document;
pub(crate) use failures::{first_seen, unexplained};
pub(crate) use history::{DIFFERENCES, history_document, runs, state_of};
pub(crate) use matrix::{
    Matrix, MatrixCell, MatrixRow, MatrixRun, PastRunRow, PastRuns, RateLevel, Sparkline,
};
pub(crate) use plot::{
    Commits, Curve, Curves, Grid, GridRow, Mark, OverTime, Parts, Plot, RateKind, RateMarks,
    RatesPlot, Square, Tick, TrendPlot,
};
pub use run_pages::RunPages;
pub(crate) use run_pages::segment;
pub use search::search_in_words;
pub(crate) use table::{Column, Table, Text, Tone};
pub(crate) use verdict::in_words;

/// The rounds one by one, and each attempt.
fn rounds(view: &View) -> Vec<Block> {
    let rates = over_time::over_time(view).into_iter();
    let rounds = rates.chain(grid::grid(view));
    rounds.chain(attempts::attempts(view)).collect()
}

/// The report of a run. With the run before it, it compares the two. A new section is a function
/// and a line in the list.
pub(crate) fn report(view: &View, previous: Option<&View>) -> Document {
    let sections = [
        ("Verdict", Headline, verdict::verdict(view)),
        ("Running now", Always, running::running(view)),
        ("Smallest part", Always, search::smallest(view)),
        ("Where the rate rose", Always, bisection::rise(view)),
        ("Perturbations", Always, provocation::arms(view)),
        ("Overview", Short, overview::overview(view)),
        ("Devices", Always, devices::devices(view)),
        ("Crashes in short", Short, crashes::in_short(view)),
        ("Failures", Short, failures::failures(view)),
        ("Measured", Short, overview::measured(view)),
        ("Conclusions", Short, comparisons::conclusions(view)),
        ("Crashes", Full, crashes::crashes(view)),
        ("Parts", Full, search::parts(view)),
        (bisection::heading(view), Full, bisection::commits(view)),
        ("Rates", Full, rates::rates(view)),
        ("Machines", Full, machines::machines(view)),
        ("Disturbed rounds", Folded, devices::disturbed(view)),
        ("Rounds", Full, rounds(view)),
        ("Why rounds did not pass", Full, failures::reasons(view)),
        ("Where sequences die", Full, sequences::hazards(view)),
        ("Efficiency", Full, efficiency::efficiency(view, previous)),
        ("Durations", Full, durations::durations(view)),
        ("Measurements", Folded, parts::parts(view)),
        ("Other measures", Folded, parts::others(view)),
        ("Comparisons", Full, comparisons::comparisons(view)),
        ("Compared with the baseline", Full, previous::baseline(view)),
        (
            "Claims of the imported report",
            Full,
            environment::claims(view),
        ),
        ("Gates", Full, Block::list(gates(view))),
        ("Recommendations", Full, Block::list(recommendations(view))),
        (
            "Compared with the previous run",
            Folded,
            previous::previous(view, previous),
        ),
        ("Warnings", Full, environment::warnings(view)),
        ("How to repeat it", Full, environment::command(view)),
        ("Environment", Folded, environment::environment(view)),
        (
            "Independence of rounds",
            Folded,
            Block::list(independence(view)),
        ),
        ("Notes", Folded, Block::list(notes(view))),
    ];
    let sections = sections.map(|(heading, shown, blocks)| Section::new(heading, shown, blocks));
    Document {
        title: verdict::title(view),
        tab: verdict::tab(view),
        facts: verdict::facts(view),
        sections: sections.into(),
    }
}
