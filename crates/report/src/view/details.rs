//! What a page says of single attempts.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crashrate_model::Ended;

use super::{Cell, View};

/// Rounds from the one to the other, from 1.
pub type RoundRange = RangeInclusive<u32>;

/// An attempt, read again from the run's files.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttemptDetail {
    /// Its end; an attempt without one is lost. Measures are left out.
    pub(crate) ended: Ended,
    /// The seed of its round, if it is known.
    pub(crate) seed: Option<u64>,
    /// The last lines of its standard output and standard error, of few attempts.
    pub(crate) output: Option<[String; 2]>,
}

/// The rounds that a page describes.
pub(crate) struct Described(BTreeSet<(u32, u32)>);

impl Described {
    pub(crate) fn of(view: &View) -> Described {
        let details = view.details.iter();
        Described(
            details
                .map(|one| (one.ended.unit, one.ended.round))
                .collect(),
        )
    }

    /// Whether it describes this round of this unit.
    pub(crate) fn has(&self, unit: u32, round: u32) -> bool {
        self.0.contains(&(unit, round))
    }

    /// The described round of this unit that a square of these rounds leads to: the first one that
    /// did not pass, or the only round.
    pub(crate) fn linked(&self, unit: u32, rounds: &RoundRange, cells: &[Cell]) -> Option<u32> {
        let mut all = (*rounds.start()..).zip(cells);
        let is_single = rounds.start() == rounds.end();
        let is_linked = |(round, cell): &(u32, &Cell)| {
            (is_single || cell.is_remarkable()) && self.has(unit, *round)
        };
        Some(all.find(is_linked)?.0)
    }
}
