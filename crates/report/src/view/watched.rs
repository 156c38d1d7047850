//! The state of a run's stopping rule.

use crashrate_model::{Axis, Contrast, Gate};
use crashrate_stats::{GateVerdict, GateWatch, PairWatch};

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
        let mut primary = self
            .contrasts
            .iter()
            .filter(|(contrast, _)| contrast.primary);
        primary.all(|(_, watch)| watch.is_answered())
    }

    /// Whether every primary comparison shows a difference. Then the explanatory ones count.
    pub fn is_decided(&self) -> bool {
        let mut primary = self
            .contrasts
            .iter()
            .filter(|(contrast, _)| contrast.primary);
        primary.all(|(_, watch)| watch.is_decided())
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
        match self.clustered {
            true => GateVerdict::Undecided,
            false => self.watch.verdict(),
        }
    }
}
