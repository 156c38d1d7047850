//! Compares two rates until decided: one round of each side per pair.

use crate::error::{StatsError, positive};

/// Default `gamma` of crashrate.
pub const DEFAULT_GAMMA: f64 = 0.5;

/// One side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first side.
    One,
    /// The second side.
    Two,
}

/// The e-process against "both sides are bad equally often". Under that null E ever reaches 1/alpha
/// with probability at most alpha, so it may be inspected after every pair. The two rounds of a
/// pair may run in either order. Leave out pairs in which a side was lost or not reached.
///
/// Turner, Ly and Gruenwald 2024, "Generic E-variables for exact sequential k-sample tests that
/// allow for optional stopping", J. Statist. Plann. Inference 230.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairProcess {
    gamma: f64,
    bad_one: u64,
    bad_two: u64,
    pairs: u64,
    ln_e: f64,
}

impl PairProcess {
    /// Creates a process without pairs. `gamma` > 0 is the prior count of good and of bad rounds on
    /// each side; usually [`DEFAULT_GAMMA`].
    pub fn new(gamma: f64) -> Result<Self, StatsError> {
        Ok(Self {
            gamma: positive("gamma", gamma)?,
            bad_one: 0,
            bad_two: 0,
            pairs: 0,
            ln_e: 0.0,
        })
    }

    /// Creates the process after `pairs` of (side one was bad, side two was bad), in the order of
    /// the plan.
    pub fn after(gamma: f64, pairs: &[(bool, bool)]) -> Result<Self, StatsError> {
        let mut process = Self::new(gamma)?;
        for &(one, two) in pairs {
            process.update(one, two);
        }
        Ok(process)
    }

    /// Adds the next pair. Multiplies E by the likelihood of the pair under the sides' own
    /// estimated rates, over that under their mean.
    pub fn update(&mut self, one_bad: bool, two_bad: bool) {
        let rounds = 2.0 * self.gamma + self.pairs as f64;
        let rate = |bad: u64| (self.gamma + bad as f64) / rounds;
        let good = |bad: u64| (self.gamma + (self.pairs - bad) as f64) / rounds;
        let (bad1, good1) = (rate(self.bad_one), good(self.bad_one));
        let (bad2, good2) = (rate(self.bad_two), good(self.bad_two));
        let (bad0, good0) = (0.5 * (bad1 + bad2), 0.5 * (good1 + good2));
        let ln_gain = |is_bad: bool, bad: f64, good: f64| {
            if is_bad {
                ln_quotient(bad, bad0)
            } else {
                ln_quotient(good, good0)
            }
        };
        self.ln_e += ln_gain(one_bad, bad1, good1) + ln_gain(two_bad, bad2, good2);
        self.bad_one += u64::from(one_bad);
        self.bad_two += u64::from(two_bad);
        self.pairs += 1;
    }

    /// The current ln E.
    pub fn ln_e(&self) -> f64 {
        self.ln_e
    }

    /// The number of pairs so far.
    pub fn pairs(&self) -> u64 {
        self.pairs
    }

    /// Bad rounds of side one and of side two so far.
    pub fn bad(&self) -> (u64, u64) {
        (self.bad_one, self.bad_two)
    }

    /// The side that was bad more often so far; `None` if neither was.
    pub fn worse(&self) -> Option<Side> {
        match self.bad_one.cmp(&self.bad_two) {
            std::cmp::Ordering::Greater => Some(Side::One),
            std::cmp::Ordering::Less => Some(Side::Two),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// Whether ln E is at least `ln_threshold`; see [`crate::ln_threshold`]. The first time it is,
    /// the verdict is final, whatever follows.
    pub fn reached(&self, ln_threshold: f64) -> bool {
        self.ln_e >= ln_threshold
    }
}

/// ln(x/y), accurate also if x is close to y.
fn ln_quotient(x: f64, y: f64) -> f64 {
    if (x - y).abs() < 0.5 * y {
        ((x - y) / y).ln_1p()
    } else {
        (x / y).ln()
    }
}
