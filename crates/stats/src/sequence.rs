//! Confidence sequences: intervals of one rate that are valid whenever the run stops.

use crate::counts::{Counts, Interval};
use crate::error::{StatsError, open_unit};
use crate::special::{LN_ODDS_MAX, bisect, from_log_odds, ln_beta_kernel};

/// The prior count of bad and of good rounds: E mixes rates by Beta(1/2, 1/2). It determines where
/// the method is most precise, not whether it is valid.
const PRIOR: f64 = 0.5;

/// The beta-binomial confidence sequence at error `alpha` (0 < `alpha` < 1): all rates p with
/// `ln_e_point` < ln(1/alpha). Over the whole course of a run it ever excludes the true rate with
/// probability at most `alpha`, however often it is inspected and whenever the run stops. Without
/// rounds it is 0 to 1.
///
/// Robbins 1970, "Statistical methods related to the law of the iterated logarithm", Ann. Math.
/// Statist. 41; Howard, Ramdas, McAuliffe and Sekhon 2021, "Time-uniform, nonparametric,
/// nonasymptotic confidence sequences", Ann. Statist. 49.
pub fn confidence_sequence(counts: Counts, alpha: f64) -> Result<Interval, StatsError> {
    let limit = -open_unit("alpha", alpha)?.ln();
    if counts.n() == 0 {
        return Ok(Interval::UNIT);
    }
    // E falls up to the observed rate, where it is below 1, and rises beyond it.
    let observed = (counts.bad() as f64 / counts.good() as f64)
        .ln()
        .clamp(-LN_ODDS_MAX, LN_ODDS_MAX);
    let ln_e = |t: f64| {
        let (p, q) = from_log_odds(t);
        ln_e_point(counts, p, q)
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

/// ln E of the null "the rate is `p`" (`q` = 1 - `p`) against the mixture:
/// ln B(a+k, a+n-k) - ln B(a, a) - k ln p - (n-k) ln q. Under the null the mean of E is at most 1
/// at any stopping time, so E >= 1/alpha happens with probability at most alpha.
///
/// Uses Bayes' rule, the prior density at p over the posterior density. The definition would
/// subtract terms of the order of n ln n from each other.
fn ln_e_point(counts: Counts, p: f64, q: f64) -> f64 {
    let (a, b) = (PRIOR + counts.bad() as f64, PRIOR + counts.good() as f64);
    ln_beta_kernel(PRIOR, PRIOR, p, q) - ln_beta_kernel(a, b, p, q)
}
