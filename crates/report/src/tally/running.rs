//! The attempts that run.

use std::collections::BTreeMap;

use super::unit::UnitTally;
use crate::view::{AttemptPlace, Running};

/// The attempts that have started and not ended, by their start times.
pub(super) fn attempts(open: &BTreeMap<AttemptPlace, f64>, units: &[UnitTally]) -> Vec<Running> {
    let running = open.iter().filter_map(|(attempt, at)| {
        let unit = &units.get(attempt.unit as usize)?.unit;
        Some(Running {
            name: unit.name.clone(),
            mode: unit.mode,
            variant: unit.variant.clone(),
            round: attempt.round,
            attempt: attempt.attempt,
            at: *at,
        })
    });
    running.collect()
}

/// The rounds and start times of first attempts among them.
pub(super) fn firsts(open: &BTreeMap<AttemptPlace, f64>) -> Vec<(u32, f64)> {
    let firsts = open.iter().filter(|(attempt, _)| attempt.attempt == 1);
    firsts.map(|(attempt, at)| (attempt.round, *at)).collect()
}
