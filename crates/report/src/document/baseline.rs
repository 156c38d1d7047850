//! The baseline report, this machine in sequence and this machine isolated, side by side; and what
//! that shows.

use super::previous::{differences, throughputs};
use super::source::Source;
use super::{Block, Table, Text, Tone};
use crate::compare::{BaselineRow, BesideBaseline};
use crate::view::{OptionalStopping, Share, View};
use crate::words::{baseline_cell, baseline_sentences, of_unit, short_estimate};

/// Nothing if the run's suite names no baseline.
pub(super) fn baseline(source: &Source) -> Vec<Block> {
    let view = source.view;
    let (Some(all), Some(baseline)) = (view.beside_baseline(), view.baseline.as_deref()) else {
        return Vec::new();
    };
    let mut blocks = vec![Block::Table(rates(view, all))];
    blocks.extend(baseline_sentences(view, all).into_iter().map(Block::line));
    let numbers = [throughputs(view, baseline), differences(view, baseline)];
    let numbers = numbers.into_iter().filter(|table| !table.rows.is_empty());
    blocks.extend(numbers.map(Block::Table));
    blocks
}

fn rates(view: &View, all: &BesideBaseline) -> Table {
    let optional_stopping = view.run.optional_stopping();
    let title = "bad rounds in first attempts; a chapter in sequence counts only rounds that got \
        this far, an isolated \
                 sequence whole blocks of its chapters";
    let mut table = Table::titled(title)
        .text("what")
        .number(&format!("report N={} (95%)", all.number))
        .number("here in sequence (95%)")
        .number("here isolated (95%)");
    for row in &all.rows {
        let cell = |share: Option<Share>| {
            let tone = Tone::of_bad(share.unwrap_or_default().bad);
            let text = share.map(|share| short_estimate(share.bad, share.n, optional_stopping));
            Text::new(text.as_deref().unwrap_or("-"), tone)
        };
        let recorded = baseline_cell(row, |share| {
            short_estimate(share.bad, share.n, OptionalStopping::No)
        });
        table.rows.push(vec![
            Text::long(&name(row)),
            Text::long(&recorded),
            cell(row.in_sequence),
            cell(row.isolated),
        ]);
    }
    table
}

fn name(row: &BaselineRow) -> String {
    match (&row.chapter, &row.sequence) {
        (Some(chapter), _) => of_unit(chapter, None, &row.variant),
        (None, sequence) => {
            let sequence = sequence.as_deref().unwrap_or_default();
            format!("{} as a whole", of_unit(sequence, None, &row.variant))
        }
    }
}
