//! The units of a run, with names for a line of text.

use crashrate_model::Mode;
use crashrate_report::{Results, View};
use crashrate_supervisor::suite::DEFAULT_VARIANT;

/// Isolated chapters, then sequences, each as `name (mode)` or `name (mode, variant)`.
pub(super) fn units(view: &View) -> impl Iterator<Item = (String, &Results)> {
    let isolated = view.chapters.iter().filter(|row| row.sequence.is_none());
    let isolated = isolated.map(|row| {
        let name = label(&row.chapter, Mode::Isolated, &row.variant);
        (name, &row.results)
    });
    let sequences = view.sequences.iter().map(|row| {
        let name = label(&row.sequence, Mode::Sequential, &row.variant);
        (name, &row.results)
    });
    isolated.chain(sequences)
}

fn label(name: &str, mode: Mode, variant: &str) -> String {
    match variant {
        DEFAULT_VARIANT => format!("{name} ({mode})"),
        variant => format!("{name} ({mode}, {variant})"),
    }
}
