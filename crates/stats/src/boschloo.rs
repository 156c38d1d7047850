//! Two rates by Boschloo's unconditional exact test.
//!
//! The test orders all tables by Fisher's one-sided p-value. Its p-value is the probability of a
//! table at least as extreme as the observed one, at the worst common rate. A sum over all n1 n2
//! tables is not needed. Given the total s of bad rounds on both sides, the extreme tables are a
//! lower tail of the hypergeometric distribution, whose probability F(s) does not depend on the
//! rate. The probability of the whole region at the common rate p is therefore the mean of F over
//! the binomial distribution of s, a sum over one index.

use std::f64::consts::FRAC_PI_2;

use crate::counts::Counts;
use crate::error::StatsError;
use crate::fisher::{PValues, conditional};
use crate::hypergeometric::Hypergeometric;
use crate::special::ln_binomial;

/// The most rounds of both sides together that [`boschloo`] accepts; at this size it takes about
/// two seconds.
pub const MAX_BOSCHLOO_ROUNDS: u64 = 100_000;

/// Fisher p-values count as equal if they agree to this relative difference: mirrored tables have
/// the same p-value up to rounding.
pub(crate) const TIE: f64 = 1e-9;

/// Boschloo's exact test of two rates; the number of rounds must be fixed in advance. `less` is
/// small if side one is bad less often than side two. The two-sided value is twice the smaller
/// one-sided value, at most 1. A side without rounds gives 1.
///
/// Boschloo 1970, "Raised conditional level of significance for the 2x2-table when testing the
/// equality of two probabilities", Statist. Neerl. 24; the doubling as in scipy's `boschloo_exact`.
pub fn boschloo(one: Counts, two: Counts) -> Result<PValues, StatsError> {
    let n = one.n() + two.n();
    if n > MAX_BOSCHLOO_ROUNDS {
        return Err(StatsError::TooManyRounds {
            method: "Boschloo's test",
            n,
            limit: MAX_BOSCHLOO_ROUNDS,
        });
    }
    Ok(PValues::doubled(
        boschloo_less(one, two),
        boschloo_less(two, one),
    ))
}

/// The one-sided p-value, small if side one is bad less often.
fn boschloo_less(one: Counts, two: Counts) -> f64 {
    let limit = conditional(one, two).at_most(one.bad()) * (1.0 + TIE);
    if limit >= 1.0 {
        return 1.0;
    }
    let cuts = cuts(one.n(), two.n(), limit);
    let tails: Vec<f64> = cuts.iter().map(|cut| cut.tail).collect();
    largest_mean(&tails).min(1.0)
}

/// The extreme tables among those with the same total of bad rounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Number of side one's values of bad rounds, from 0 on, that are extreme or impossible.
    pub(crate) below: u64,
    /// Their probability given the total.
    pub(crate) tail: f64,
}

/// For each total of bad rounds, the tables whose one-sided Fisher p-value is at most `limit` < 1.
///
/// By Barnard's convexity, one more bad round on side one never makes a table more extreme, and one
/// more on side two never makes it less extreme. The cut therefore moves by at most one from a
/// total to the next.
pub(crate) fn cuts(first: u64, second: u64, limit: f64) -> Vec<Cut> {
    let mut below = 0;
    (0..=first + second)
        .map(|total| {
            let table = Hypergeometric::new(first, second, total);
            let next = table.at_most(below);
            let tail = if next <= limit {
                below += 1;
                next
            } else if below > 0 {
                table.at_most(below - 1)
            } else {
                0.0
            };
            Cut { below, tail }
        })
        .collect()
}

/// The mean of `tails` over binomial totals, maximised over all rates.
pub(crate) fn largest_mean(tails: &[f64]) -> f64 {
    let grid = grid(tails.len());
    let step = FRAC_PI_2 / grid as f64;
    let means: Vec<f64> = (0..=grid)
        .map(|i| mean_at(tails, i as f64 * step))
        .collect();
    let best = means.iter().copied().fold(0.0, f64::max);
    // Between neighbouring grid points the mean rises by well under 1 % of itself; see `grid`.
    let worth_refining = |i: usize| {
        let left = if i > 0 { means[i - 1] } else { 0.0 };
        let right = means.get(i + 1).copied().unwrap_or(0.0);
        means[i] >= left && means[i] >= right && means[i] >= 0.97 * best
    };
    (0..=grid)
        .filter(|&i| worth_refining(i))
        .map(|i| {
            let middle = i as f64 * step;
            refine(
                tails,
                (middle - step).max(0.0),
                (middle + step).min(FRAC_PI_2),
            )
        })
        .fold(best, f64::max)
}

/// Number of steps of the angle from 0 to a right angle. With the rate as the squared sine of the
/// angle, the binomial share of `n` has a standard deviation of about 1/(2 sqrt n) at every rate.
/// The mean over it cannot change on a much smaller scale, and the steps are a tenth of that.
pub(crate) fn grid(tails: usize) -> usize {
    (31.5 * (tails as f64).sqrt()).ceil() as usize
}

/// Golden-section search for the largest mean between two angles.
fn refine(tails: &[f64], mut lo: f64, mut hi: f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let mut best = 0.0_f64;
    // The mean is flat at its maximum: an angle to 1e-5 of a step gives the mean to 1e-10.
    for _ in 0..24 {
        let left = hi - GOLDEN * (hi - lo);
        let right = lo + GOLDEN * (hi - lo);
        let (at_left, at_right) = (mean_at(tails, left), mean_at(tails, right));
        best = best.max(at_left).max(at_right);
        if at_left > at_right {
            hi = right;
        } else {
            lo = left;
        }
    }
    best
}

/// The mean of `tails` over the binomial distribution of 0..tails.len() at the rate sin^2(angle).
pub(crate) fn mean_at(tails: &[f64], angle: f64) -> f64 {
    let n = tails.len() - 1;
    let (p, q) = (angle.sin().powi(2), angle.cos().powi(2));
    if p <= 0.0 {
        return tails[0];
    }
    if q <= 0.0 {
        return tails[n];
    }
    let mode = (((n + 1) as f64 * p) as usize).min(n);
    let top = ln_binomial(mode as f64, (n - mode) as f64, p, q).exp();
    let odds = p / q;
    let mut sum = top * tails[mode];
    let mut weight = top;
    for (s, tail) in tails.iter().enumerate().skip(mode + 1) {
        weight *= odds * ((n - s + 1) as f64 / s as f64);
        sum += weight * tail;
        if weight < NEGLIGIBLE {
            break;
        }
    }
    weight = top;
    for s in (0..mode).rev() {
        weight *= ((s + 1) as f64 / (n - s) as f64) / odds;
        sum += weight * tails[s];
        if weight < NEGLIGIBLE {
            break;
        }
    }
    sum
}

/// Totals less likely than this are left out of a mean. All tails lie below Fisher's p-value, which
/// exceeds the result by at most a factor of about the square root of the rounds. The bound is
/// therefore also relative to the result.
const NEGLIGIBLE: f64 = 1e-18;
