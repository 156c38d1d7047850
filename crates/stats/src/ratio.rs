//! The interval of the ratio of two rates.

use crate::counts::{Counts, Interval};
use crate::error::{StatsError, open_unit};
use crate::special::{bisect, normal_critical};

/// Search range of the log-ratio; the ratio of two rates of at most a billion rounds lies well
/// inside.
const LN_RATIO_MAX: f64 = 60.0;

/// The score interval of rate one over rate two at confidence 1 - `alpha` (0 < `alpha` < 1).
/// Without a bad round on side one its lower end is 0; without one on side two its upper end is
/// infinite. If a side has no rounds, it is 0 to infinity.
///
/// Miettinen and Nurminen 1985, "Comparative analysis of two rates", Statist. Med. 4, with their
/// variance factor N/(N-1) and the closed form of the constrained estimate.
pub fn risk_ratio(one: Counts, two: Counts, alpha: f64) -> Result<Interval, StatsError> {
    let critical = normal_critical(open_unit("alpha", alpha)?);
    if one.n() == 0 || two.n() == 0 {
        return Ok(Interval {
            lo: 0.0,
            hi: f64::INFINITY,
        });
    }
    // The score falls as the ratio grows, and is 0 at the observed ratio.
    let lo = if one.bad() == 0 {
        0.0
    } else {
        bisect(-LN_RATIO_MAX, LN_RATIO_MAX, |ln_ratio| {
            score(one, two, ln_ratio) < critical
        })
        .exp()
    };
    let hi = if two.bad() == 0 {
        f64::INFINITY
    } else {
        bisect(-LN_RATIO_MAX, LN_RATIO_MAX, |ln_ratio| {
            score(one, two, ln_ratio) <= -critical
        })
        .exp()
    };
    Ok(Interval { lo, hi })
}

/// The score statistic of the hypothesis "the logarithm of rate one over rate two is `ln_ratio`".
///
/// The likelihood equation is quadratic in the rates. Its root is written in both the good and the
/// bad rounds, so that no digits cancel when both rates are close to 1.
fn score(one: Counts, two: Counts, ln_ratio: f64) -> f64 {
    let (n1, n2) = (one.n() as f64, two.n() as f64);
    let (x1, x2) = (one.bad() as f64, two.bad() as f64);
    let (good1, good2) = (one.good() as f64, two.good() as f64);
    let ratio = ln_ratio.exp();
    let lean = ln_ratio.exp_m1() * (n1 + x2) + (good1 - good2);
    let product = 4.0 * ratio * good1 * good2;
    let root = (lean * lean + product).sqrt();
    // lean + root and root - lean, without subtraction.
    let (up, down) = if lean > 0.0 {
        (lean + root, product / (lean + root))
    } else {
        (product / (root - lean).max(f64::MIN_POSITIVE), root - lean)
    };
    let scale = ratio * (n1 + x2) + x1 + n2 + root;
    let rate2 = 2.0 * (x1 + x2) / scale;
    let (not1, not2) = (
        (down + 2.0 * ratio * good1) / scale,
        (up + 2.0 * good2) / scale,
    );
    let total = n1 + n2;
    let variance = ratio * rate2 * (not1 / n1 + ratio * not2 / n2) * (total / (total - 1.0));
    let distance = x1 / n1 - ratio * (x2 / n2);
    if distance == 0.0 {
        0.0
    } else {
        // Zero variance away from the observed ratio excludes the hypothesis: plus or minus
        // infinity.
        distance / variance.sqrt()
    }
}
