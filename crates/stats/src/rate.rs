//! Intervals and bounds of one rate, for a number of rounds fixed in advance.

use crate::counts::{Counts, Interval};
use crate::error::{StatsError, open_unit};
use crate::special::{beta_quantile_lower, beta_quantile_upper, normal_critical};

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

/// The exact interval of Clopper and Pearson at confidence 1 - `alpha` (0 < `alpha` < 1). Its
/// coverage is at least that at every rate, if the number of rounds was fixed in advance. Without
/// rounds it is 0 to 1.
///
/// Clopper and Pearson 1934, "The use of confidence or fiducial limits", Biometrika 26.
pub fn clopper_pearson(counts: Counts, alpha: f64) -> Result<Interval, StatsError> {
    let half = open_unit("alpha", alpha)? / 2.0;
    Ok(Interval {
        lo: exact_lower(counts, half),
        hi: exact_upper(counts, half),
    })
}

/// The exact one-sided upper bound of the rate at confidence 1 - `alpha` (0 < `alpha` < 1), for a
/// number of rounds fixed in advance. Without rounds it is 1.
///
/// Clopper and Pearson 1934, "The use of confidence or fiducial limits", Biometrika 26.
pub fn clopper_pearson_upper(counts: Counts, alpha: f64) -> Result<f64, StatsError> {
    Ok(exact_upper(counts, open_unit("alpha", alpha)?))
}

/// The exact one-sided upper bound when none of `n` rounds was bad: 1 - `alpha`^(1/n) (0 < `alpha`
/// < 1). Without rounds it is 1.
///
/// Clopper and Pearson 1934 without bad rounds; Hanley and Lippman-Hand 1983, "If nothing goes
/// wrong, is everything all right?", JAMA 249.
pub fn zero_failure_upper(n: u64, alpha: f64) -> Result<f64, StatsError> {
    let alpha = open_unit("alpha", alpha)?;
    Ok(no_failure_upper(n as f64, alpha))
}

/// The rule of three, 3/`n`: approximates [`zero_failure_upper`] at 95 %. Useful from about thirty
/// rounds; below three it exceeds 1, and without rounds it is infinite.
///
/// Hanley and Lippman-Hand 1983, "If nothing goes wrong, is everything all right?", JAMA 249.
pub fn rule_of_three(n: u64) -> f64 {
    3.0 / n as f64
}

fn no_failure_upper(n: f64, alpha: f64) -> f64 {
    -(alpha.ln() / n).exp_m1()
}

fn exact_lower(counts: Counts, alpha: f64) -> f64 {
    let (k, good) = (counts.bad() as f64, counts.good() as f64);
    if counts.bad() == 0 {
        0.0
    } else if counts.good() == 0 {
        (alpha.ln() / k).exp()
    } else {
        beta_quantile_lower(k, good + 1.0, alpha.ln())
    }
}

fn exact_upper(counts: Counts, alpha: f64) -> f64 {
    let (k, good) = (counts.bad() as f64, counts.good() as f64);
    if counts.good() == 0 {
        1.0
    } else if counts.bad() == 0 {
        no_failure_upper(good, alpha)
    } else {
        beta_quantile_upper(k + 1.0, good, alpha.ln())
    }
}
