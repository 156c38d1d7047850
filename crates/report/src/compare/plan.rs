//! How many rounds would do, where there is no verdict.

use crashrate_model::ALPHA;
use crashrate_stats::{Method, Plan, boschloo_power, normal_power, rounds_to_detect};

use super::test::counts;
use crate::view::Share;

/// The power that plans are made for.
pub const POWER: f64 = 0.8;

/// Two rates to be told apart where the observed ones are equal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detect {
    /// The two rates, each between 0 and 1.
    pub rates: [f64; 2],
    /// Whether somebody asked for these.
    pub asked: bool,
}

/// The change that is planned for unless another is asked for.
pub const DEFAULT_DETECT: Detect = Detect {
    rates: [0.9, 0.99],
    asked: false,
};

/// Up to so many rounds a side the power of those that there are is computed exactly.
const EXACT_PER_SIDE: u64 = 200;

/// A plan for telling two rates apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planned {
    /// The rates.
    pub rates: [f64; 2],
    /// Where they are from.
    pub origin: Origin,
    /// Rounds a side that there are: the smaller number of the two.
    pub per_side: u64,
    /// The probability of a verdict with these, and how it was computed.
    pub power: (f64, Method),
    /// How many it takes for [`POWER`]; nothing if no number is enough.
    pub plan: Option<Plan>,
}

/// Where the rates of a plan are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// They were observed.
    Observed,
    /// They were asked for.
    Asked,
    /// Neither: the observed ones are equal, and none were asked for.
    Assumed,
}

impl Origin {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Origin::Observed => "observed",
            Origin::Asked => "asked for",
            Origin::Assumed => "assumed",
        }
    }
}

/// Plans for comparisons that are made together: the error is shared between them. Those for the same rates are made
/// once.
pub(super) struct Planner {
    detect: Detect,
    alpha: f64,
    made: Vec<([f64; 2], Option<Plan>)>,
}

impl Planner {
    pub(super) fn new(detect: Detect, comparisons: usize) -> Self {
        Planner {
            detect,
            alpha: ALPHA / comparisons.max(1) as f64,
            made: Vec::new(),
        }
    }

    /// A plan for these two sides; nothing where the arguments allow none.
    pub(super) fn plan(&mut self, sides: [Share; 2]) -> Option<Planned> {
        let rate = |share| counts(share).ok()?.rate();
        let observed = rate(sides[0]).zip(rate(sides[1]));
        let (rates, origin) = match observed.filter(|(one, two)| one != two) {
            Some((one, two)) => ([one, two], Origin::Observed),
            None if self.detect.asked => (self.detect.rates, Origin::Asked),
            None => (self.detect.rates, Origin::Assumed),
        };
        let per_side = u64::from(sides[0].n.min(sides[1].n));
        let power = if per_side <= EXACT_PER_SIDE {
            let power = boschloo_power(per_side, rates[0], rates[1], self.alpha).ok()?;
            (power, Method::Exact)
        } else {
            let power = normal_power(per_side, rates[0], rates[1], self.alpha).ok()?;
            (power, Method::Normal)
        };
        Some(Planned {
            rates,
            origin,
            per_side,
            power,
            plan: self.rounds(rates),
        })
    }

    fn rounds(&mut self, rates: [f64; 2]) -> Option<Plan> {
        if let Some((_, plan)) = self.made.iter().find(|(made, _)| *made == rates) {
            return *plan;
        }
        let plan = rounds_to_detect(rates[0], rates[1], POWER, self.alpha).ok();
        self.made.push((rates, plan));
        plan
    }
}
