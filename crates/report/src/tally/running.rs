//! The attempts that run.

use std::collections::BTreeMap;

use super::unit::UnitTally;
use crate::view::{AttemptPlace, Running};

/// When an attempt started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// Seconds since its journal was opened.
    pub(super) at: f64,
    /// By the clock of the stopping rule.
    pub(super) begun: f64,
}

/// The attempts that have started and not ended, by their start times.
pub(super) fn attempts(open: &BTreeMap<AttemptPlace, Start>, units: &[UnitTally]) -> Vec<Running> {
    let running = open.iter().filter_map(|(attempt, start)| {
        let unit = &units.get(attempt.unit as usize)?.unit;
        Some(Running {
            name: unit.name.clone(),
            mode: unit.mode,
            variant: unit.variant.clone(),
            round: attempt.round,
            attempt: attempt.attempt,
            at: start.at,
        })
    });
    running.collect()
}

/// When the oldest first attempt among them was begun, by the clock of the stopping rule.
pub(super) fn oldest(open: &BTreeMap<AttemptPlace, Start>) -> Option<f64> {
    let firsts = open.iter().filter(|(attempt, _)| attempt.attempt == 1);
    firsts.map(|(_, start)| start.begun).reduce(f64::min)
}
