//! What a run as a whole came to: what its own rule says, and how the program that ran it ends.

use std::collections::HashMap;

use crashrate_model::{Mode, Outcome, StopReason, Stopping};
use crashrate_stats::GateVerdict;

use super::{Cell, GateSeen, PairsSeen, Results, View};

/// What the run's own rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The run has no rule that ends with verdicts.
    None,
    /// Every comparison has its verdict, or every rate is shown to be below its limit.
    Shown,
    /// Something has no verdict.
    Undecided,
    /// A rate is shown to be above its limit.
    Refuted,
}

/// How a program that ran the suite ends, the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExitClass {
    /// The run did not come to the end that it was begun for, or all passed but rounds whose result was lost.
    Incomplete,
    /// A gate was refuted.
    Refuted,
    /// Something has no verdict, and the budget is used up.
    Undecided,
    /// Something was not passed, and it is not for a gate to say whether that is too often.
    NotPassed,
    /// Nothing but passed, or as often as the gates allow.
    Passed,
}

impl View {
    /// What the run's own rule says so far.
    pub fn judgement(&self) -> Judgement {
        match &self.run.stopping {
            Stopping::FixedRounds | Stopping::FirstBad => Judgement::None,
            Stopping::Decided(axis) => {
                let seen = self.pairs.iter().find(|seen| seen.axis == *axis);
                match seen.is_some_and(PairsSeen::is_answered) {
                    true => Judgement::Shown,
                    false => Judgement::Undecided,
                }
            }
            Stopping::Gates(_) => {
                let any = |verdict| self.gates.iter().any(|g| g.verdict() == verdict);
                if any(GateVerdict::Above) {
                    Judgement::Refuted
                } else if any(GateVerdict::Undecided) {
                    Judgement::Undecided
                } else if self.gates.is_empty() {
                    Judgement::None
                } else {
                    Judgement::Shown
                }
            }
        }
    }

    /// The units of the run by name, mode and variant; chapters of sequences are in their sequence's results.
    pub(crate) fn unit_results(&self) -> impl Iterator<Item = ((&str, Mode, &str), &Results)> {
        let isolated = self.chapters.iter().filter(|row| row.sequence.is_none());
        let isolated = isolated.map(|row| {
            let key = (row.chapter.as_str(), Mode::Isolated, row.variant.as_str());
            (key, &row.results)
        });
        let sequences = self.sequences.iter().map(|row| {
            let key = (
                row.sequence.as_str(),
                Mode::Sequential,
                row.variant.as_str(),
            );
            (key, &row.results)
        });
        isolated.chain(sequences)
    }
}

/// How a program that ran the suite ends because of what came of it.
pub fn exit_class(view: &View) -> ExitClass {
    // Interrupted with an end of every round on record: then retries were left out.
    if !view.run.complete || view.run.stopped == Some(StopReason::Interrupted) {
        return ExitClass::Incomplete;
    }
    match view.judgement() {
        Judgement::Refuted => return ExitClass::Refuted,
        Judgement::Undecided => return ExitClass::Undecided,
        Judgement::Shown | Judgement::None => {}
    }
    let mut by_unit: HashMap<_, Vec<&GateSeen>> = HashMap::new();
    for seen in &view.gates {
        let gate = &seen.gate;
        let key = (gate.name.as_str(), gate.mode, gate.variant.as_str());
        by_unit.entry(key).or_default().push(seen);
    }
    let not_passed = view.unit_results().any(|(key, results)| {
        let gates = by_unit.get(&key).map_or(&[][..], Vec::as_slice);
        let is_judged = |last: Outcome| {
            // A gate's word on how often is the last one on everything that is bad, whichever kind of it it counts.
            let counted =
                |seen: &&GateSeen| seen.gate.limit.hits(last, &view.run.bad) == Some(true);
            !gates.is_empty() && (view.run.bad.contains(last) || gates.iter().any(counted))
        };
        let stands = |cell: &Cell| {
            let last = cell.last.filter(|last| *last != Outcome::Passed);
            last.is_some_and(|last| !is_judged(last))
        };
        results.cells.iter().any(stands)
    });
    // Nothing but passed is not known to be true where the result of a round was lost, even if it was run again. A gate
    // has counted such rounds as bad.
    let lost = view.unit_results().any(|(key, results)| {
        let is_gated = by_unit.contains_key(&key);
        !is_gated && results.cells.iter().any(Cell::is_missing)
    });
    match (not_passed, lost) {
        (true, _) => ExitClass::NotPassed,
        (false, true) => ExitClass::Incomplete,
        (false, false) => ExitClass::Passed,
    }
}
