//! A run beside the record that its suite repeats, in JSON.

use serde::Serialize;

use super::compared::Set;
use super::values::{Estimated, Rate, pairs};
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
    /// This machine against the record.
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
    baseline_died_in: Option<Places<'a>>,
    died_in: Option<Places<'a>>,
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
            baseline_died_in: row.record_died_in.as_ref().map(Places::of),
            died_in: row.died_in.as_ref().map(Places::of),
        }
    }
}

#[derive(Serialize)]
struct Column {
    first_attempt: Rate,
    crash_rate: Option<Estimated>,
}

impl Column {
    fn of(share: Share, by_data: bool) -> Self {
        Column {
            first_attempt: share.into(),
            crash_rate: Estimated::of(share, by_data),
        }
    }
}

/// Where a sequence died, as elsewhere in the report.
#[derive(Serialize)]
struct Places<'a>(#[serde(serialize_with = "pairs")] Vec<(&'a str, u32)>);

impl<'a> Places<'a> {
    fn of(places: &'a DiedInCounts) -> Self {
        let chapters = places.chapters.iter().map(|(id, n)| (id.as_str(), *n));
        let others = [("between", places.between), ("exit", places.exit)];
        Places(chapters.chain(others).collect())
    }
}
