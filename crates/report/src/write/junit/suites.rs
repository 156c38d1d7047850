//! Assigns units to suites, and orders the attempts by suite.

use std::collections::BTreeMap;

use crashrate_model::{Mode, Unit};

use crate::view::{Attempt, View};
use crate::write::listed::{Ends, ListError, attempt};

/// The suite of each unit: by mode, sequence and variant, in order.
pub(super) struct Suites {
    pub(super) of: Vec<usize>,
    count: usize,
}

impl Suites {
    pub(super) fn len(&self) -> usize {
        self.count
    }
}

pub(super) fn suites(view: &View) -> Suites {
    let key = |unit: &'_ Unit| {
        let sequence = (unit.mode == Mode::Sequential).then(|| unit.name.clone());
        (unit.mode, sequence, unit.variant.clone())
    };
    let mut places: BTreeMap<_, usize> = view.units.iter().map(|unit| (key(unit), 0)).collect();
    for (at, place) in places.values_mut().enumerate() {
        *place = at;
    }
    Suites {
        of: view.units.iter().map(|unit| places[&key(unit)]).collect(),
        count: places.len(),
    }
}

/// The indices of the attempts in suite order: by suite, unit and round.
pub(super) fn order(view: &View, suites: &Suites) -> Vec<u32> {
    let all = (0u32..).zip(&view.attempts);
    let known = all.filter(|(_, at)| (at.unit as usize) < view.units.len());
    let mut order: Vec<u32> = known.map(|(place, _)| place).collect();
    order.sort_unstable_by_key(|&place| {
        let at = &view.attempts[place as usize];
        (suites.of[at.unit as usize], at.unit, at.round, place)
    });
    order
}

/// A round of a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Round {
    pub(super) unit: u32,
    pub(super) round: u32,
}

/// Calls back with the attempts of each round in turn.
pub(super) fn each_round(
    view: &View,
    order: &[u32],
    ends: &mut dyn Ends,
    mut take: impl FnMut(Round, &[Attempt], &mut dyn Ends) -> Result<(), ListError>,
) -> Result<(), ListError> {
    let at = |place: &u32| &view.attempts[*place as usize];
    let round = |place: &u32| Round {
        unit: at(place).unit,
        round: at(place).round,
    };
    let mut attempts = Vec::new();
    for of_round in order.chunk_by(|one, other| round(one) == round(other)) {
        let unit = &view.units[round(&of_round[0]).unit as usize];
        // A first attempt that does not count was run again; use the later one.
        let first = of_round.iter().rposition(|place| at(place).attempt == 1);
        attempts.clear();
        for place in &of_round[first.unwrap_or(0)..] {
            attempts.push(attempt(unit, at(place), ends)?);
        }
        take(round(&of_round[0]), &attempts, ends)?;
    }
    Ok(())
}
