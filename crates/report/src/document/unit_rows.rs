//! The rows that a report has of a run: every chapter in each mode, then the sequences.

use std::collections::HashMap;

use crashrate_model::Mode;

use crate::view::{ByChapter, Results, View};
use crate::words::{of_chapter, of_sequence};

/// A chapter in a mode, or a sequence as a whole.
pub(super) struct UnitRow<'a> {
    pub(super) name: String,
    /// The place of its unit in [`View::units`]. A chapter of a sequence has the sequence's.
    pub(super) unit: Option<u32>,
    pub(super) results: &'a Results,
}

/// Every chapter in each mode, then the sequences.
pub(super) fn unit_rows(view: &View) -> Vec<UnitRow<'_>> {
    let units = (0..).zip(&view.units);
    let units = units.map(|(place, unit)| ((&*unit.name, unit.mode, &*unit.variant), place));
    let units: HashMap<(&str, Mode, &str), u32> = units.collect();
    let by_chapter = ByChapter::of(view);
    let chapters = by_chapter.ids().flat_map(|id| by_chapter.rows(id));
    let chapters = chapters.map(|row| {
        let unit = row.sequence.as_ref().unwrap_or(&row.chapter);
        let unit = (unit.as_str(), row.mode, row.variant.as_str());
        UnitRow {
            name: of_chapter(row),
            unit: units.get(&unit).copied(),
            results: &row.results,
        }
    });
    let sequences = view.sequences.iter().map(|row| {
        let unit = (
            row.sequence.as_str(),
            Mode::Sequential,
            row.variant.as_str(),
        );
        UnitRow {
            name: format!("{} as a whole", of_sequence(row)),
            unit: units.get(&unit).copied(),
            results: &row.results,
        }
    });
    chapters.chain(sequences).collect()
}
