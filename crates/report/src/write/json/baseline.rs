//! The comparison with the suite's baseline, in JSON.

use serde::Serialize;

use super::compared::Set;
use super::values::Estimated;
use crate::compare::{BaselineRow, BesideBaseline};
use crate::view::{DiedInCounts, OptionalStopping, Share, View};
use crate::words;

#[derive(Serialize)]
pub(super) struct Beside<'a> {
    number: u32,
    file: Option<&'a str>,
    device: Option<&'a str>,
    rows: Vec<Row<'a>>,
    /// Sequential against isolated on this machine, for whole sequences.
    modes: Option<Set<'a>>,
    /// This machine against the baseline.
    machine: Set<'a>,
    said: Vec<String>,
}

impl<'a> Beside<'a> {
    pub(super) fn of(view: &'a View, all: &'a BesideBaseline) -> Self {
        let run = view.baseline.as_ref().map(|baseline| &baseline.run);
        let imported = run.and_then(|run| run.imported.as_ref());
        let optional_stopping = view.run.optional_stopping();
        Beside {
            number: all.number,
            file: imported.map(|imported| imported.file.as_str()),
            device: run.map(|run| run.device.as_str()),
            rows: all
                .rows
                .iter()
                .map(|row| Row::of(row, optional_stopping))
                .collect(),
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
    fn of(row: &'a BaselineRow, optional_stopping: OptionalStopping) -> Self {
        let column = |share: Option<Share>, optional_stopping| {
            share.map(|share| Column::of(share, optional_stopping))
        };
        Row {
            chapter: row.chapter.as_deref(),
            sequence: row.sequence.as_deref(),
            variant: &row.variant,
            baseline_in_sequence: column(row.baseline_in_sequence, OptionalStopping::No),
            baseline_isolated: column(row.baseline_isolated, OptionalStopping::No),
            in_sequence: column(row.in_sequence, optional_stopping),
            isolated: column(row.isolated, optional_stopping),
            baseline_died_in: row.baseline_died_in.as_ref(),
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
    fn of(share: Share, optional_stopping: OptionalStopping) -> Self {
        Column {
            first_attempt: share,
            crash_rate: Estimated::of(share, optional_stopping),
        }
    }
}
