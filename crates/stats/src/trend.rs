//! Rank test: do bad rounds become more or less frequent?

use std::f64::consts::{PI, TAU};

use crate::plan::Method;
use crate::special::{ln_choose, normal_upper};

/// The rank-sum test of the positions of the bad rounds against those of the good ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankTrend {
    /// The number of (bad, good) pairs in which the good round comes first (Mann-Whitney's U of the
    /// bad rounds).
    pub u: u64,
    /// Two-sided p-value: twice the smaller tail, at most 1.
    pub p: f64,
    /// Exact up to rounding; the normal approximation only for fewer than eight rounds of a kind
    /// among millions.
    pub method: Method,
}

/// Up to this many additions, counting is as fast as inverting.
const FEW_STEPS: u64 = 10_000_000;

/// The most additions for a tail; beyond it the normal approximation is used.
const MOST_STEPS: u64 = 100_000_000;

/// The most rounds of the rarer kind for which counting is numerically stable. Compared with
/// integer arithmetic, its relative error is 4e-15 at 200 among 200 and 6e-13 at 250, and grows
/// quickly beyond.
const MOST_COUNTED: u64 = 200;

/// Computes the rank trend of `rounds`, in the order in which they ran, true for bad.
///
/// Mann and Whitney 1947, "On a test of whether one of two random variables is stochastically
/// larger than the other", Ann. Math. Statist. 18.
pub fn rank_trend(rounds: &[bool]) -> RankTrend {
    let (mut u, mut bad, mut good) = (0, 0, 0);
    for &is_bad in rounds {
        if is_bad {
            u += good;
            bad += 1;
        } else {
            good += 1;
        }
    }
    let (tail, method) = lower_tail(bad.min(good), bad.max(good), u.min(bad * good - u));
    RankTrend {
        u,
        p: (2.0 * tail).min(1.0),
        method,
    }
}

/// P(U <= u) for `few` rounds of one kind among `many` of the other, u at most half of `few` times
/// `many`.
fn lower_tail(few: u64, many: u64, u: u64) -> (f64, Method) {
    let steps = few.saturating_mul(u + 1);
    let countable = |most| few <= MOST_COUNTED && steps <= most;
    if countable(FEW_STEPS) {
        (counted(few, many, u), Method::Exact)
    } else if let Some(tail) = inverted(few, many, u) {
        (tail, Method::Exact)
    } else if countable(MOST_STEPS) {
        (counted(few, many, u), Method::Exact)
    } else {
        (approximated(few, many, u), Method::Normal)
    }
}

/// The tail by counting orders.
///
/// The numbers of orders with each U are the coefficients of the Gaussian binomial, the product
/// over i = 1..few of (1 - q^(many+i)) / (1 - q^i). Each factor is weighted by i/(many+i), which
/// turns the numbers into probabilities.
fn counted(few: u64, many: u64, u: u64) -> f64 {
    let mut chance = vec![0.0; u as usize + 1];
    chance[0] = 1.0;
    for i in 1..=few {
        // Beyond the degree of the product so far all probabilities are 0.
        let top = u.min(i * many) as usize;
        let weight = i as f64 / (many + i) as f64;
        let shift = (many + i) as usize;
        for at in (0..=top).rev() {
            let shifted = if at >= shift { chance[at - shift] } else { 0.0 };
            chance[at] = (chance[at] - shifted) * weight;
        }
        let step = i as usize;
        for at in step..=top {
            chance[at] += chance[at - step];
        }
    }
    chance.iter().sum::<f64>().clamp(0.0, 1.0)
}

/// The tail from the characteristic function, the Gaussian binomial on the unit circle, to about
/// 1e-14. `None` if the function does not decay early.
///
/// A Fourier sum over a period that contains all but 1e-17 of the distribution is accurate to that.
/// The function decays like that of a normal distribution. Its other peaks, of which the one
/// opposite to 1 is the highest, are about as high as the square root of the probability of a
/// single order.
fn inverted(few: u64, many: u64, u: u64) -> Option<f64> {
    let (m, n) = (few as f64, many as f64);
    if ln_choose(m, n) < -2.0 * NEGLIGIBLE.ln() {
        return None;
    }
    let centre = 0.5 * m * n;
    let half = centre.min(9.0 * (m * n * (m + n + 1.0) / 12.0).sqrt());
    let lowest = (centre - half).ceil();
    let period = (2.0 * half).ceil() + 2.0;
    let (u, terms) = (u as f64, u as f64 - lowest + 1.0);
    if terms <= 0.0 {
        return Some(0.0);
    }
    let mut sum = terms;
    let mut j = 1.0;
    loop {
        let t = TAU * j / period;
        if m * t > PI || j * m > MOST_STEPS as f64 {
            return None;
        }
        let (value, faded) = characteristic(few, n, t / 2.0);
        if faded {
            return Some((sum / period).clamp(0.0, 1.0));
        }
        // The sum of the cosines of all values from the lowest to u.
        let width = (t * terms / 2.0).sin() / (t / 2.0).sin();
        sum += 2.0 * value * width * (t * ((u + lowest) / 2.0 - centre)).cos();
        j += 1.0;
    }
}

/// The probability that may be left out.
const NEGLIGIBLE: f64 = 1e-17;

/// The characteristic function of U about its mean at 2 `half`, and whether it stays negligible
/// from there to pi/`few`.
fn characteristic(few: u64, many: f64, half: f64) -> (f64, bool) {
    // With this many factors, each at most about 1/2 where the function first oscillates back, it
    // does not rise again.
    const MANY_FACTORS: u64 = 60;
    let (mut value, mut bound) = (1.0_f64, 1.0_f64);
    for i in 1..=few {
        let i = i as f64;
        let without_numerator = i / ((many + i) * (i * half).sin());
        value *= without_numerator * ((many + i) * half).sin();
        // For fewer factors the bound falls with the angle. For many it may overflow and is not
        // used.
        bound *= without_numerator;
    }
    let faded = if few < MANY_FACTORS {
        bound
    } else {
        value.abs()
    };
    (value, faded < NEGLIGIBLE)
}

/// The tail by the normal approximation with continuity correction.
fn approximated(few: u64, many: u64, u: u64) -> f64 {
    let (few, many) = (few as f64, many as f64);
    let variance = few * many * (few + many + 1.0) / 12.0;
    normal_upper((few * many / 2.0 - u as f64 - 0.5) / variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_and_inverting_agree_where_both_are_exact() {
        for (few, many) in [
            (8, 80_000),
            (12, 5_000),
            (20, 3_000),
            (60, 60),
            (100, 150),
            (190, 200),
        ] {
            let middle = few * many / 2;
            let spread = ((few * many * (few + many)) as f64 / 12.0).sqrt() as u64;
            for u in [
                0,
                middle - 4 * spread.min(middle / 4),
                middle - spread,
                middle,
            ] {
                let (one, other) = (counted(few, many, u), inverted(few, many, u));
                let other = other.unwrap_or_else(|| panic!("{few} among {many} is not inverted"));
                assert!(
                    (one - other).abs() < 1e-12,
                    "{few} among {many}, {u}: {one} {other}"
                );
            }
        }
    }

    #[test]
    fn a_large_balanced_trend_is_close_to_the_normal_approximation() {
        let (tail, method) = lower_tail(50_000, 50_000, 1_240_000_000);
        assert_eq!(method, Method::Exact);
        assert!((tail - approximated(50_000, 50_000, 1_240_000_000)).abs() < 1e-5);
    }
}
