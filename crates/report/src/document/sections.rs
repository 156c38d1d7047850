//! The sections of a report, in their order. A new section is a function and a line in
//! [`SECTIONS`].

use Detail::{Full, Headline, Summary};

use super::source::Source;
use super::{
    Block, Detail, Document, Section, baseline, chapters, comparisons, crashes, efficiency,
    environment, failures, grid, measures, overview, parts, previous, rates, sequences, verdict,
};
use crate::view::View;

type Blocks = fn(&Source) -> Vec<Block>;

const SECTIONS: &[(&str, Detail, Blocks)] = &[
    ("Verdict", Headline, verdict::verdict),
    ("Running now", Summary, verdict::running),
    ("Overview", Summary, overview::overview),
    ("Crashes in short", Summary, crashes::in_short),
    ("Failures", Summary, failures::failures),
    ("Measured", Summary, overview::measured),
    ("Conclusions", Summary, comparisons::conclusions),
    ("Crash rates", Full, rates::rates),
    ("Rounds", Full, grid::grid),
    ("Hazard by position", Full, rates::hazards),
    ("Isolated and in sequence", Full, rates::modes),
    ("Comparisons", Full, comparisons::comparisons),
    ("Compared with the baseline", Full, baseline::baseline),
    ("Claims of the imported report", Full, environment::claims),
    ("Gates", Full, comparisons::all_gates),
    ("Efficiency", Full, efficiency::efficiency),
    ("Durations", Full, rates::durations),
    ("Measurements", Full, parts::parts),
    ("Other measures", Full, measures::others),
    ("Crashes by signature", Full, crashes::crashes),
    ("Why rounds did not pass", Full, failures::reasons),
    ("Independence of rounds", Full, environment::independent),
    ("Findings", Full, environment::findings_list),
    ("Chapters", Full, chapters::chapters),
    ("Sequences", Full, sequences::sequences),
    ("Compared with the previous run", Full, previous::previous),
    ("Warnings", Full, environment::warnings),
    ("Recommendations", Full, environment::advice),
    ("Notes", Full, environment::notes_list),
    ("Environment", Full, environment::environment),
    ("How to repeat it", Full, environment::command),
];

/// The report of a run. With the run before it, it compares the two.
pub(crate) fn report(view: &View, previous: Option<&View>) -> Document {
    let source = Source { view, previous };
    let sections = SECTIONS.iter().map(|(heading, detail, blocks)| Section {
        heading: (*heading).to_owned(),
        detail: *detail,
        blocks: blocks(&source),
    });
    Document {
        title: verdict::title(view),
        facts: verdict::facts(view),
        sections: sections.collect(),
    }
}
