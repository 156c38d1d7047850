//! One rate, looked at as often as one likes.

use crate::counts::{Counts, Interval};
use crate::error::{StatsError, open_unit, positive};
use crate::special::{LN_ODDS_MAX, bisect, from_log_odds, ln_beta_kernel};

/// A beta distribution over a rate: the mixture behind an e-value. It tunes where the method is sharp, not whether it
/// is valid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaPrior {
    a: f64,
    b: f64,
}

impl BetaPrior {
    /// Beta(1/2, 1/2).
    pub const HALF: Self = Self { a: 0.5, b: 0.5 };

    /// Beta(`a`, `b`), both positive and finite.
    pub fn new(a: f64, b: f64) -> Result<Self, StatsError> {
        Ok(Self {
            a: positive("a", a)?,
            b: positive("b", b)?,
        })
    }

    /// The first parameter: bad rounds assumed.
    pub fn a(self) -> f64 {
        self.a
    }

    /// The second parameter: good rounds assumed.
    pub fn b(self) -> f64 {
        self.b
    }

    /// The parameters after having seen `counts`.
    pub(crate) fn updated(self, counts: Counts) -> (f64, f64) {
        (self.a + counts.bad() as f64, self.b + counts.good() as f64)
    }
}

/// The beta-binomial confidence sequence at error `alpha` (0 < `alpha` < 1): all rates p with
/// [`ln_e_point`] < ln(1/alpha). Over the whole course of a run it excludes the true rate at any look with
/// probability at most `alpha`, however often one looks and whenever one stops. Without rounds it is 0 to 1.
///
/// Robbins 1970, "Statistical methods related to the law of the iterated logarithm", Ann. Math. Statist. 41; Howard,
/// Ramdas, McAuliffe and Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Ann. Statist. 49.
pub fn confidence_sequence(
    counts: Counts,
    alpha: f64,
    prior: BetaPrior,
) -> Result<Interval, StatsError> {
    let limit = -open_unit("alpha", alpha)?.ln();
    if counts.n() == 0 {
        return Ok(Interval::UNIT);
    }
    // E falls up to the observed rate and rises behind it, and there it is below 1.
    let observed = (counts.bad() as f64 / counts.good() as f64)
        .ln()
        .clamp(-LN_ODDS_MAX, LN_ODDS_MAX);
    let ln_e = |t: f64| {
        let (p, q) = from_log_odds(t);
        ln_e_between(counts, p, q, prior)
    };
    let lo = if counts.bad() == 0 {
        0.0
    } else {
        from_log_odds(bisect(-LN_ODDS_MAX, observed, |t| ln_e(t) < limit)).0
    };
    let hi = if counts.good() == 0 {
        1.0
    } else {
        from_log_odds(bisect(observed, LN_ODDS_MAX, |t| ln_e(t) >= limit)).0
    };
    Ok(Interval { lo, hi })
}

/// ln E of the null "the rate is `p`" (0 < `p` < 1) against the mixture `prior`:
/// ln B(a+k, b+n-k) - ln B(a, b) - k ln p - (n-k) ln(1-p). Under the null the mean of E is at most 1 at any stopping
/// time, so E >= 1/alpha happens with probability at most alpha.
///
/// Robbins 1970, "Statistical methods related to the law of the iterated logarithm", Ann. Math. Statist. 41.
pub fn ln_e_point(counts: Counts, p: f64, prior: BetaPrior) -> Result<f64, StatsError> {
    let p = open_unit("p", p)?;
    Ok(ln_e_between(counts, p, 1.0 - p, prior))
}

/// Bayes' rule in place of the definition: the prior density at p over the posterior density. The definition subtracts
/// terms of the size of n ln n from each other.
fn ln_e_between(counts: Counts, p: f64, q: f64, prior: BetaPrior) -> f64 {
    let (a, b) = prior.updated(counts);
    ln_beta_kernel(prior.a, prior.b, p, q) - ln_beta_kernel(a, b, p, q)
}
