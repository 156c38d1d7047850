//! Tests whether a run's rounds are independent. All tests share one error budget.

use crashrate_model::OutcomeSet;
use crashrate_stats::{INDEPENDENCE_ALPHA, has_order, independence};

use crate::view::{ChapterRow, Results, SequenceRow, View};

/// Tests every unit and every chapter of a sequence with enough good and bad rounds.
pub(super) fn test(chapters: &mut [ChapterRow], sequences: &mut [SequenceRow], bad: &OutcomeSet) {
    let rows = chapters.iter_mut().map(|row| &mut row.results);
    let rows = rows.chain(sequences.iter_mut().map(|row| &mut row.results));
    let known = rows.filter(|results| results.order.is_known());
    let tested: Vec<_> = known
        .map(|results| {
            let firsts = results.cells.iter().filter_map(|cell| cell.first);
            let counted = firsts.filter(|outcome| outcome.counts());
            let rounds: Vec<bool> = counted.map(|outcome| bad.contains(outcome)).collect();
            (results, rounds)
        })
        .filter(|(_, rounds)| has_order(rounds))
        .collect();
    let alpha = INDEPENDENCE_ALPHA / tested.len().max(1) as f64;
    for (results, rounds) in tested {
        results.independence = independence(&rounds, alpha);
    }
}

/// Marks gates whose rounds cluster; they get no verdict.
pub(super) fn mark_gates(view: &mut View) {
    let mut gates = std::mem::take(&mut view.gates);
    for seen in &mut gates {
        let gate = &seen.gate;
        let results = view.results_of(&gate.name, gate.mode, &gate.variant);
        seen.clustered = results.is_some_and(Results::is_clustered);
    }
    view.gates = gates;
}
