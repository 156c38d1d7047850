//! Intervals of one rate and of the difference of two, for numbers of rounds fixed in advance.

use crate::counts::{Counts, Interval};
use crate::error::{StatsError, open_unit};
use crate::special::normal_critical;

/// Wilson's score interval at confidence 1 - `alpha` (0 < `alpha` < 1), for display. It is close to
/// its level on average, but not at every rate, so do not base a gate on it. Without rounds it is 0
/// to 1.
///
/// Wilson 1927, "Probable inference, the law of succession, and statistical inference", JASA 22.
pub fn wilson(counts: Counts, alpha: f64) -> Result<Interval, StatsError> {
    let z = normal_critical(open_unit("alpha", alpha)?);
    if counts.n() == 0 {
        return Ok(Interval::UNIT);
    }
    // Compute with the smaller count, so that no digits cancel.
    if counts.bad() <= counts.good() {
        Ok(wilson_of_minority(counts, z))
    } else {
        Ok(wilson_of_minority(counts.mirrored(), z).mirrored())
    }
}

fn wilson_of_minority(counts: Counts, z: f64) -> Interval {
    let (k, n, z2) = (counts.bad() as f64, counts.n() as f64, z * z);
    let good = counts.good() as f64;
    let spread = z * (k * (good / n) + z2 / 4.0).sqrt();
    let hi = (k + z2 / 2.0 + spread) / (n + z2);
    // The product of the two roots is k^2 / (n (n + z^2)), which gives the lower root without
    // subtraction.
    let lo = if counts.bad() == 0 {
        0.0
    } else {
        k * k / (n * (n + z2) * hi)
    };
    Interval { lo, hi }
}

/// The exact one-sided upper bound when none of `n` rounds was bad: 1 - `alpha`^(1/n) (0 < `alpha`
/// < 1). Without rounds it is 1.
///
/// Clopper and Pearson 1934 without bad rounds; Hanley and Lippman-Hand 1983, "If nothing goes
/// wrong, is everything all right?", JAMA 249.
pub fn zero_failure_upper(n: u64, alpha: f64) -> Result<f64, StatsError> {
    let alpha = open_unit("alpha", alpha)?;
    Ok(-(alpha.ln() / n as f64).exp_m1())
}

/// Newcombe's hybrid score interval of rate one minus rate two (as shares, -1 to 1). The confidence
/// is 1 - `alpha` (0 < `alpha` < 1). A side without rounds contributes the whole range of rates
/// from 0 to 1.
///
/// Newcombe 1998, "Interval estimation for the difference between independent proportions:
/// comparison of eleven methods", Statist. Med. 17, method 10.
pub fn newcombe(one: Counts, two: Counts, alpha: f64) -> Result<Interval, StatsError> {
    let (first, second) = (wilson(one, alpha)?, wilson(two, alpha)?);
    let (Some(rate1), Some(rate2)) = (one.rate(), two.rate()) else {
        return Ok(Interval {
            lo: first.lo - second.hi,
            hi: first.hi - second.lo,
        });
    };
    let difference = rate1 - rate2;
    Ok(Interval {
        lo: (difference - (rate1 - first.lo).hypot(second.hi - rate2)).max(-1.0),
        hi: (difference + (first.hi - rate1).hypot(rate2 - second.lo)).min(1.0),
    })
}
