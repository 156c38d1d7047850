//! The rounds needed for a verdict. A plan uses a difference stated in advance: the power to detect
//! the observed difference adds nothing to its p-value (Hoenig and Heisey 2001, Amer. Statist. 55).

use crashrate_stats::Plan;

/// The power that plans are made for.
pub const POWER: f64 = 0.8;

/// Two rates to be told apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detect {
    /// The two rates, each between 0 and 1.
    pub rates: [f64; 2],
    /// Whether the user asked for them.
    pub asked: bool,
}

/// The default difference: 90% against 99% good rounds.
pub const DEFAULT_DETECT: Detect = Detect {
    rates: [0.9, 0.99],
    asked: false,
};

/// A plan for detecting a difference between two rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planned {
    /// The difference to detect.
    pub detect: Detect,
    /// Rounds per side so far: the smaller of the two.
    pub per_side: u64,
    /// Rounds per side needed for [`POWER`]; `None` if no number suffices.
    pub plan: Option<Plan>,
    /// The error budget of each comparison.
    pub alpha: f64,
}

impl Planned {
    /// Whether there are fewer rounds than needed.
    pub fn is_short(&self) -> bool {
        self.plan.is_none_or(|plan| self.per_side < plan.per_side)
    }
}
