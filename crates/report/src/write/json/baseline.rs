//! The comparison with the suite's baseline, in JSON.

use serde::Serialize;

use super::compared::Set;
use super::values::Estimated;
use crate::compare::{BaselineRow, BesideBaseline};
use crate::view::{DiedInCounts, Share, View};
use crate::words;

#[derive(Serialize)]
pub(super) struct Beside<'a> {
    number: u32,
    file: Option<&'a str>,
    device: Option<&'a str>,
    rows: Vec<Row<'a>>,
    /// Sequential against isolated, whole sequences on this machine.
    modes: Option<Set<'a>>,
    /// This machine against the baseline.
    machine: Set<'a>,
    said: Vec<String>,
}

impl<'a> Beside<'a> {
    pub(super) fn of(view: &'a View, all: &'a BesideBaseline) -> Self {
        let run = view.baseline.as_ref().map(|record| &record.run);
        let imported = run.and_then(|run| run.imported.as_ref());
        let by_data = view.run.is_by_data();
        Beside {
            number: all.number,
            file: imported.map(|imported| imported.file.as_str()),
            device: run.map(|run| run.device.as_str()),
            rows: all.rows.iter().map(|row| Row::of(row, by_data)).collect(),
            modes: all.modes.as_ref().map(Set::of),
            machine: Set::of(&all.machine),
            said: words::baseline_sentences(view, all),
        }
    }
}

#[derive(Serialize)]
struct Row<'a> {
    chapter: Option<&'a str>,
    sequence: Option<&'a str>,
    variant: &'a str,
    baseline_in_sequence: Option<Column>,
    baseline_isolated: Option<Column>,
    in_sequence: Option<Column>,
    isolated: Option<Column>,
    baseline_died_in: Option<&'a DiedInCounts>,
    died_in: Option<&'a DiedInCounts>,
}

impl<'a> Row<'a> {
    fn of(row: &'a BaselineRow, by_data: bool) -> Self {
        let column = |share: Option<Share>, by_data| share.map(|share| Column::of(share, by_data));
        Row {
            chapter: row.chapter.as_deref(),
            sequence: row.sequence.as_deref(),
            variant: &row.variant,
            baseline_in_sequence: column(row.record_in_sequence, false),
            baseline_isolated: column(row.record_isolated, false),
            in_sequence: column(row.in_sequence, by_data),
            isolated: column(row.isolated, by_data),
            baseline_died_in: row.record_died_in.as_ref(),
            died_in: row.died_in.as_ref(),
        }
    }
}

#[derive(Serialize)]
struct Column {
    first_attempt: Share,
    crash_rate: Option<Estimated>,
}

impl Column {
    fn of(share: Share, by_data: bool) -> Self {
        Column {
            first_attempt: share,
            crash_rate: Estimated::of(share, by_data),
        }
    }
}
