//! The hypergeometric distribution: how the bad rounds of two sides together fall on the first
//! side.
//!
//! statrs' version subtracts log-factorials, which loses eight digits at a million rounds. This one
//! computes a single probability in the deviance form (Loader 2000) and sums by the ratio of
//! neighbours.

use crate::special::ln_binomial;

/// X of the `drawn` bad rounds belong to the `first` rounds of side one, the others to the `second`
/// rounds of side two.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hypergeometric {
    first: u64,
    second: u64,
    drawn: u64,
}

impl Hypergeometric {
    /// `drawn` must be at most `first + second`.
    pub(crate) fn new(first: u64, second: u64, drawn: u64) -> Self {
        debug_assert!(drawn <= first + second);
        Self {
            first,
            second,
            drawn,
        }
    }

    /// The smallest possible X.
    pub(crate) fn lowest(self) -> u64 {
        self.drawn.saturating_sub(self.second)
    }

    /// The largest possible X.
    pub(crate) fn highest(self) -> u64 {
        self.drawn.min(self.first)
    }

    /// A most likely X.
    pub(crate) fn mode(self) -> u64 {
        let top = u128::from(self.drawn + 1) * u128::from(self.first + 1);
        let mode = top / u128::from(self.first + self.second + 2);
        // The quotient is at most `drawn`, so it fits.
        (mode as u64).clamp(self.lowest(), self.highest())
    }

    /// ln P(X = x) for an x between lowest and highest.
    pub(crate) fn ln_pmf(self, x: u64) -> f64 {
        let total = (self.first + self.second) as f64;
        let rest = (self.first + self.second - self.drawn) as f64;
        let (p, q) = if total > 0.0 {
            (self.drawn as f64 / total, rest / total)
        } else {
            (0.5, 0.5)
        };
        let (bad1, bad2) = (x as f64, (self.drawn - x) as f64);
        let (good1, good2) = (self.first as f64 - bad1, self.second as f64 - bad2);
        ln_binomial(bad1, good1, p, q) + ln_binomial(bad2, good2, p, q)
            - ln_binomial(self.drawn as f64, rest, p, q)
    }

    /// P(X = x); zero outside the support.
    pub(crate) fn pmf(self, x: u64) -> f64 {
        if x < self.lowest() || x > self.highest() {
            return 0.0;
        }
        self.ln_pmf(x).exp().min(1.0)
    }

    /// P(X = x + 1) / P(X = x).
    pub(crate) fn ratio(self, x: u64) -> f64 {
        let (first, second) = (self.first as f64, self.second as f64);
        let (drawn, x) = (self.drawn as f64, x as f64);
        ((first - x) * (drawn - x)) / ((x + 1.0) * (second - drawn + x + 1.0))
    }

    /// P(X <= x). A lower tail keeps its relative accuracy; below the smallest float it is 0.
    pub(crate) fn at_most(self, x: u64) -> f64 {
        if x < self.lowest() {
            0.0
        } else if x >= self.highest() {
            1.0
        } else if x < self.mode() {
            self.sum_down(x)
        } else {
            (1.0 - self.sum_up(x + 1)).max(0.0)
        }
    }

    /// P(X >= x), with the same accuracy.
    pub(crate) fn at_least(self, x: u64) -> f64 {
        if x <= self.lowest() {
            1.0
        } else if x > self.highest() {
            0.0
        } else if x > self.mode() {
            self.sum_up(x)
        } else {
            (1.0 - self.sum_down(x - 1)).max(0.0)
        }
    }

    fn sum_down(self, x: u64) -> f64 {
        let lowest = self.lowest();
        sum_tail((lowest..x).rev().map(|below| 1.0 / self.ratio(below))) * self.pmf(x)
    }

    fn sum_up(self, x: u64) -> f64 {
        sum_tail((x..self.highest()).map(|at| self.ratio(at))) * self.pmf(x)
    }
}

/// 1 + r1 + r1 r2 + ...: a tail in units of its first term. The ratios fall away from the mode, so
/// a geometric series bounds the rest.
pub(crate) fn sum_tail(ratios: impl Iterator<Item = f64>) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for ratio in ratios {
        term *= ratio;
        sum += term;
        if term < sum * 1e-17 * (1.0 - ratio) {
            break;
        }
    }
    sum
}
