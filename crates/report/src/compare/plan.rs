//! How many rounds would do, where there is no verdict. Only for a difference that somebody states: the power of a test to
//! find what it has just seen says nothing beyond its p-value (Hoenig and Heisey 2001, Amer. Statist. 55).

use crashrate_stats::{Plan, rounds_to_detect};

use super::test::counts;
use crate::view::Share;

/// The power that plans are made for.
pub const POWER: f64 = 0.8;

/// Two rates to be told apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detect {
    /// The two rates, each between 0 and 1.
    pub rates: [f64; 2],
    /// Whether somebody asked for these.
    pub asked: bool,
}

/// The difference that is planned for unless another is asked for: 90 % against 99 % of rounds that are not bad.
pub const DEFAULT_DETECT: Detect = Detect {
    rates: [0.9, 0.99],
    asked: false,
};

/// A plan for telling two rates apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planned {
    /// What is to be told apart.
    pub detect: Detect,
    /// Rounds a side that there are: the smaller number of the two.
    pub per_side: u64,
    /// How many it takes for [`POWER`]; nothing if no number is enough.
    pub plan: Option<Plan>,
    /// The error of each of the comparisons that it is for.
    pub alpha: f64,
}

impl Planned {
    /// Whether there are fewer rounds than it takes.
    pub fn is_short(&self) -> bool {
        self.plan.is_none_or(|plan| self.per_side < plan.per_side)
    }
}

/// Plans for comparisons that are made together: the error is shared between them.
pub(super) struct Planner {
    detect: Detect,
    alpha: f64,
    plan: Option<Plan>,
}

impl Planner {
    pub(super) fn new(detect: Detect, alpha: f64, comparisons: usize) -> Self {
        let alpha = alpha / comparisons.max(1) as f64;
        let [one, two] = detect.rates;
        Planner {
            detect,
            alpha,
            plan: rounds_to_detect(one, two, POWER, alpha).ok(),
        }
    }

    /// A plan for these two sides; nothing without rounds.
    pub(super) fn plan(&self, sides: [Share; 2]) -> Option<Planned> {
        counts(sides[0])
            .ok()?
            .rate()
            .zip(counts(sides[1]).ok()?.rate())?;
        Some(Planned {
            detect: self.detect,
            per_side: u64::from(sides[0].n.min(sides[1].n)),
            plan: self.plan,
            alpha: self.alpha,
        })
    }
}
