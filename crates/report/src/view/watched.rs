//! What a run's own stopping rule has seen.

use crashrate_model::{Axis, Contrast, Gate};
use crashrate_stats::{GateVerdict, GateWatch, PairWatch};

/// The comparisons of a run along one axis, each with its pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct PairsSeen {
    /// Which two sides are compared.
    pub axis: Axis,
    /// The comparisons, in the order of the plan.
    pub contrasts: Vec<(Contrast, PairWatch)>,
}

impl PairsSeen {
    /// Whether every primary comparison is answered: its sides differ, or the second is no worse by more than the margin.
    pub fn is_answered(&self) -> bool {
        let mut primary = self
            .contrasts
            .iter()
            .filter(|(contrast, _)| contrast.primary);
        primary.all(|(_, watch)| watch.is_answered())
    }

    /// Whether every primary comparison shows a difference: then those that explain it count.
    pub fn is_decided(&self) -> bool {
        let mut primary = self
            .contrasts
            .iter()
            .filter(|(contrast, _)| contrast.primary);
        primary.all(|(_, watch)| watch.is_decided())
    }
}

/// A gate, and the rounds that it has seen.
#[derive(Clone, Debug, PartialEq)]
pub struct GateSeen {
    /// The gate.
    pub gate: Gate,
    /// Its rounds up to its verdict.
    pub watch: GateWatch,
    /// Whether the bad rounds of its unit cluster or drift: then there is no one rate, and no verdict on it.
    pub clustered: bool,
}

impl GateSeen {
    /// The verdict that may be said.
    pub fn verdict(&self) -> GateVerdict {
        match self.clustered {
            true => GateVerdict::Undecided,
            false => self.watch.verdict(),
        }
    }
}
