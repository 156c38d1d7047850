//! The record, this machine in sequence and this machine isolated, side by side; and what that shows.

use super::previous::{differences, throughputs};
use super::{Block, Section, Table, Text, Tone};
use crate::compare::{BaselineRow, BesideBaseline, beside_baseline};
use crate::view::{Share, View};
use crate::words::{beside, estimates_head, of_unit, on_record, short_estimate};

/// Nothing if the run's suite names no record.
pub(crate) fn baseline_section(view: &View) -> Option<Section> {
    let (all, record) = (beside_baseline(view)?, view.baseline.as_deref()?);
    let mut blocks = vec![Block::Table(rates(view, &all))];
    blocks.extend(beside(view, &all).into_iter().map(Block::Line));
    let numbers = [throughputs(view, record), differences(view, record)];
    let numbers = numbers.into_iter().filter(|table| !table.rows.is_empty());
    blocks.extend(numbers.map(Block::Table));
    Some(Section {
        heading: "Beside the record".to_owned(),
        blocks,
    })
}

fn rates(view: &View, all: &BesideBaseline) -> Table {
    let by_data = view.run.is_by_data();
    let title = "bad ends of first attempts; a chapter in sequence of the rounds that reached it, a sequence isolated by \
                 whole blocks of its chapters";
    let mut table = Table {
        title: title.to_owned(),
        ..Table::default()
    }
    .text("what")
    .number(&format!("record, N={} (95%)", all.number))
    .number(&estimates_head("here in sequence", by_data))
    .number(&estimates_head("here isolated", by_data));
    for row in &all.rows {
        let cell = |share: Option<Share>| {
            let bad = share.is_some_and(|share| share.bad > 0);
            let tone = if bad { Tone::Bad } else { Tone::Plain };
            let said = share.map(|share| short_estimate(share.bad, share.n, by_data));
            Text::new(said.as_deref().unwrap_or("-"), tone)
        };
        let recorded = on_record(row, |share| short_estimate(share.bad, share.n, false));
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
