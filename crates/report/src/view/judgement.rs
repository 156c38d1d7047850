//! The result of a whole run: the verdict of its stopping rule, and the exit class.

use crashrate_model::{Axis, Contrast, Gate, Mode, Outcome, StopReason, Stopping};
use crashrate_stats::{GateVerdict, GateWatch, PairWatch};
use serde::Serialize;

use super::{Cell, Results, Search, View};

/// The verdict of the run's stopping rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// Every comparison is decided, every rate is shown to be below its limit, or the search is
    /// answered.
    Shown,
    /// Some comparison, gate or search has no verdict.
    Undecided,
    /// A rate is shown to be above its limit.
    Refuted,
    /// The run has no rule that gives verdicts: null in JSON.
    #[serde(untagged)]
    None,
}

/// The exit class of a run; the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExitClass {
    /// The run did not complete, or all rounds passed except some whose result was lost.
    Incomplete,
    /// A gate failed.
    Refuted,
    /// Something has no verdict, and the budget is used up.
    Undecided,
    /// Something did not pass, and no gate covers it.
    NotPassed,
    /// Everything passed, or crashed no more often than the gates allow.
    Passed,
}

impl View {
    /// The rule's verdict so far.
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
            Stopping::Minimized(_) => match self.search.as_ref().is_some_and(Search::is_answered) {
                true => Judgement::Shown,
                false => Judgement::Undecided,
            },
            Stopping::Bisected(_) => {
                let rise = self.bisection.as_ref().and_then(|search| search.rise());
                match rise {
                    Some(_) => Judgement::Shown,
                    None => Judgement::Undecided,
                }
            }
            Stopping::Provoked(_) => {
                let shown = self.provocation.as_ref().and_then(|search| search.shown());
                match shown {
                    Some(_) => Judgement::Shown,
                    None => Judgement::Undecided,
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

    /// Whether the run's rule has decided, and needs no more rounds of any shard.
    pub fn has_decided(&self) -> bool {
        match (&self.run.stopping, self.judgement()) {
            (Stopping::FixedRounds, _) => false,
            (Stopping::FirstBad, _) => self.totals.first_attempt.bad > 0,
            (Stopping::Gates(_), _) => self.gates_have_decided(),
            (_, judgement) => judgement == Judgement::Shown,
        }
    }

    /// Whether each unit has a gate, and all gates have verdicts. A unit without a gate runs all its
    /// rounds.
    fn gates_have_decided(&self) -> bool {
        let is_decided = |seen: &GateSeen| seen.verdict() != GateVerdict::Undecided;
        let mut units = self.unit_results();
        self.gates.iter().all(is_decided)
            && units.all(|(unit, _)| self.gates_of(unit).next().is_some())
    }

    /// The gates of the unit with this name, mode and variant.
    pub(crate) fn gates_of(&self, unit: (&str, Mode, &str)) -> impl Iterator<Item = &GateSeen> {
        self.gates.iter().filter(move |seen| {
            let gate = &seen.gate;
            (&*gate.name, gate.mode, &*gate.variant) == unit
        })
    }

    /// The results of units, by name, mode and variant. Chapters of sequences are part of their
    /// sequence's results.
    pub(crate) fn unit_results(&self) -> impl Iterator<Item = ((&str, Mode, &str), &Results)> {
        let isolated = self.chapter_rows().filter(|row| row.sequence.is_none());
        isolated.chain(self.sequence_rows()).filter_map(|row| {
            let name = row.chapter.or(row.sequence)?;
            Some(((name.as_str(), row.mode, row.variant.as_str()), row.results))
        })
    }

    /// The results of the unit with this name, mode and variant.
    pub(crate) fn results_of(&self, name: &str, mode: Mode, variant: &str) -> Option<&Results> {
        let mut all = self.unit_results();
        let found = all.find(|(key, _)| *key == (name, mode, variant));
        found.map(|(_, results)| results)
    }
}

/// The exit class of a run.
pub fn exit_class(view: &View) -> ExitClass {
    // If every round has a result, an interruption only left out retries.
    if !view.run.complete || view.run.stopped == Some(StopReason::Interrupted) {
        return ExitClass::Incomplete;
    }
    match view.judgement() {
        // The merged run is judged, and not its shards.
        _ if view.run.shard.is_some() => {}
        Judgement::Refuted => return ExitClass::Refuted,
        Judgement::Undecided => return ExitClass::Undecided,
        Judgement::Shown | Judgement::None => {}
    }
    let bad = &view.run.bad;
    let (mut not_passed, mut lost) = (false, false);
    for (unit, results) in view.unit_results() {
        let gates: Vec<&Gate> = view.gates_of(unit).map(|seen| &seen.gate).collect();
        // A gate decides about all bad outcomes of its unit, whichever of them it counts.
        let is_judged = |last: Outcome| {
            let counted = |gate: &&Gate| gate.limit.hits(last, bad) == Some(true);
            !gates.is_empty() && (bad.contains(last) || gates.iter().any(counted))
        };
        let mut lasts = results.cells.iter().filter_map(|cell| cell.last);
        not_passed |= lasts.any(|last| !last.is_good() && !is_judged(last));
        // If a round's result was lost, it is unknown whether everything passed, even if the round
        // was run again. A gate has counted such rounds as bad.
        lost |= gates.is_empty() && results.cells.iter().any(Cell::is_missing);
    }
    match (not_passed, lost) {
        (true, _) => ExitClass::NotPassed,
        (false, true) => ExitClass::Incomplete,
        (false, false) => ExitClass::Passed,
    }
}

/// The comparisons of a run along one axis, with their pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct PairsSeen {
    /// The axis.
    pub axis: Axis,
    /// The comparisons, in the order of the plan.
    pub contrasts: Vec<(Contrast, PairWatch)>,
}

impl PairsSeen {
    /// Whether every primary comparison is answered: its sides differ, or the second is worse by at
    /// most the margin.
    pub fn is_answered(&self) -> bool {
        self.primary().all(PairWatch::is_answered)
    }

    /// Whether every primary comparison shows a difference. Then the explanatory ones count.
    pub fn is_decided(&self) -> bool {
        self.primary().all(PairWatch::is_decided)
    }

    fn primary(&self) -> impl Iterator<Item = &PairWatch> {
        let primary = self
            .contrasts
            .iter()
            .filter(|(contrast, _)| contrast.primary);
        primary.map(|(_, watch)| watch)
    }
}

/// A gate and its rounds.
#[derive(Clone, Debug, PartialEq)]
pub struct GateSeen {
    /// The gate.
    pub gate: Gate,
    /// Its rounds up to the verdict.
    pub watch: GateWatch,
    /// Whether its unit's bad rounds cluster or drift. Then the rate is not constant, and there is
    /// no verdict.
    pub clustered: bool,
}

impl GateSeen {
    /// The gate's verdict, unless its rounds cluster.
    pub fn verdict(&self) -> GateVerdict {
        match self.watch.verdict() {
            _ if self.clustered => GateVerdict::Undecided,
            verdict => verdict,
        }
    }
}
