//! The power of Boschloo's test with the same number of rounds per side.

use std::f64::consts::FRAC_PI_4;

use crate::boschloo::{Cut, TIE, cuts, largest_mean, mean_at};
use crate::counts::MAX_ROUNDS;
use crate::error::{StatsError, open_unit, probability};
use crate::hypergeometric::Hypergeometric;
use crate::plan::{LARGEST_PLAN, Method, Plan, different_rates, normal_plan, normal_power};
use crate::special::ln_binomial;

/// [`rounds_to_detect`] is exact up to this many rounds per side.
const EXACT_PER_SIDE: u64 = 200;

/// The exact search is skipped above this many rounds by the approximation. In a scan of rates,
/// powers and alphas the exact number was never below 0.54 of the approximate one, so it exceeds
/// 200.
const FAR_BEYOND_EXACT: f64 = 400.0;

/// The most rounds per side for which the exact power is computed.
pub const MAX_EXACT_POWER: u64 = 1000;

/// The probability that Boschloo's two-sided test at error `alpha` (0 < `alpha` < 1) finds a
/// difference between two sides of `per_side` rounds each with the rates `rate1` and `rate2` (0 to
/// 1). Sums over all tables.
///
/// Boschloo 1970 (see [`crate::boschloo`]); the sum over tables as in Suissa and Shuster 1985,
/// "Exact unconditional sample sizes for the 2x2 binomial trial", J. R. Statist. Soc. A 148.
pub fn boschloo_power(
    per_side: u64,
    rate1: f64,
    rate2: f64,
    alpha: f64,
) -> Result<f64, StatsError> {
    let half = open_unit("alpha", alpha)? / 2.0;
    let rates = (
        probability("rate one", rate1)?,
        probability("rate two", rate2)?,
    );
    check_size(per_side)?;
    Ok(power_at(per_side, rates, half))
}

/// The smallest number of rounds per side, up to `most` (at most [`MAX_EXACT_POWER`]), whose
/// [`boschloo_power`] reaches `power` (0 < `power` < 1), if any does. The power is saw-toothed: a
/// few more rounds may have slightly less power.
pub fn boschloo_rounds(
    rate1: f64,
    rate2: f64,
    power: f64,
    alpha: f64,
    most: u64,
) -> Result<Option<Plan>, StatsError> {
    let rates = different_rates(rate1, rate2)?;
    let target = open_unit("the power", power)?;
    let half = open_unit("alpha", alpha)? / 2.0;
    check_size(most)?;
    for per_side in 1..=most {
        // Checking only a few common rates makes the region and its power too large, but is fast.
        let generous = rejection(per_side, half, |tails| mean_at_few(tails) <= half);
        if power_of(&generous, per_side, rates) < target {
            continue;
        }
        let power = power_at(per_side, rates, half);
        if power >= target {
            return Ok(Some(Plan {
                per_side,
                power,
                method: Method::Exact,
            }));
        }
    }
    Ok(None)
}

/// The smallest number of rounds per side with which Boschloo's two-sided test at error `alpha`
/// detects a difference between `rate1` and `rate2` (0 to 1, different) with probability `power`
/// (`alpha` and `power` strictly between 0 and 1). Exact up to 200 rounds per side, by the normal
/// approximation beyond; [`Plan::method`] says which.
///
/// See [`boschloo_rounds`] and [`normal_plan`] for the sources.
pub fn rounds_to_detect(
    rate1: f64,
    rate2: f64,
    power: f64,
    alpha: f64,
) -> Result<Plan, StatsError> {
    let approximate = normal_plan(rate1, rate2, power, alpha)?;
    if approximate < FAR_BEYOND_EXACT
        && let Some(plan) = boschloo_rounds(rate1, rate2, power, alpha, EXACT_PER_SIDE)?
    {
        return Ok(plan);
    }
    let per_side = approximate.ceil().max((EXACT_PER_SIDE + 1) as f64);
    if per_side > LARGEST_PLAN as f64 {
        return Err(StatsError::NotReached {
            limit: LARGEST_PLAN,
        });
    }
    let per_side = per_side as u64;
    Ok(Plan {
        per_side,
        power: normal_power(per_side, rate1, rate2, alpha)?,
        method: Method::Normal,
    })
}

/// The curve ends at the first number of rounds with this power.
const ENOUGH: f64 = 0.99;

/// The power of Boschloo's two-sided test at error `alpha` (0 < `alpha` < 1) to detect a difference
/// between `rate_one` and `rate_two` (0 to 1, different), as pairs of rounds per side and power.
/// The rounds are 5, 10, 20, 50, 100 and so on, up to the first with a power of 0.99, or to a
/// billion.
///
/// The power is exact up to [`MAX_EXACT_POWER`] rounds per side, and the normal approximation
/// beyond.
///
/// # Errors
/// The rates are equal or are not probabilities, or `alpha` is out of range.
///
/// See [`boschloo_power`] and [`normal_power`] for the sources.
pub fn power_curve(
    rate_one: f64,
    rate_two: f64,
    alpha: f64,
) -> Result<Vec<(u64, f64)>, StatsError> {
    different_rates(rate_one, rate_two)?;
    open_unit("alpha", alpha)?;
    let mut curve = Vec::new();
    let sizes = (0..).map(|decade| 10_u64.pow(decade));
    let sizes = sizes.flat_map(|ten| [5 * ten, 10 * ten, 20 * ten]);
    for per_side in sizes.take_while(|&n| n <= MAX_ROUNDS) {
        let power = if per_side <= MAX_EXACT_POWER {
            boschloo_power(per_side, rate_one, rate_two, alpha)?
        } else {
            normal_power(per_side, rate_one, rate_two, alpha)?
        };
        curve.push((per_side, power));
        if power >= ENOUGH {
            break;
        }
    }
    Ok(curve)
}

fn check_size(per_side: u64) -> Result<(), StatsError> {
    if per_side > MAX_EXACT_POWER {
        return Err(StatsError::TooManyRounds {
            method: "the exact power",
            n: per_side,
            limit: MAX_EXACT_POWER,
        });
    }
    Ok(())
}

fn power_at(per_side: u64, rates: (f64, f64), half: f64) -> f64 {
    let region = rejection(per_side, half, |tails| largest_mean(tails) <= half);
    power_of(&region, per_side, rates)
}

/// The largest mean at eight common rates up to 1/2; with equal rounds per side the other rates
/// mirror them.
fn mean_at_few(tails: &[f64]) -> f64 {
    (1..=8)
        .map(|i| mean_at(tails, f64::from(i) * FRAC_PI_4 / 8.0))
        .fold(0.0, f64::max)
}

/// The probability that a table falls into `region` or its mirror image. With equal rounds per
/// side, the mirror image is the region with the sides swapped.
fn power_of(region: &[u64], per_side: u64, (rate1, rate2): (f64, f64)) -> f64 {
    let (pmf1, pmf2) = (binomial(per_side, rate1), binomial(per_side, rate2));
    (inside(region, &pmf1, &pmf2) + inside(region, &pmf2, &pmf1)).min(1.0)
}

/// The probability of the tables inside `region`, which gives for each total the number of side
/// one's values, from 0, that belong to it.
fn inside(region: &[u64], pmf1: &[f64], pmf2: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x1, p1) in pmf1.iter().enumerate() {
        let row: f64 = pmf2
            .iter()
            .enumerate()
            .filter(|(x2, _)| (x1 as u64) < region[x1 + x2])
            .map(|(_, p2)| p2)
            .sum();
        sum += p1 * row;
    }
    sum
}

fn binomial(n: u64, rate: f64) -> Vec<f64> {
    (0..=n)
        .map(|x| ln_binomial(x as f64, (n - x) as f64, rate, 1.0 - rate).exp())
        .collect()
}

/// All tables whose one-sided p-value is at most `level`: for each total of bad rounds, the number
/// of side one's values.
///
/// These are the tables whose Fisher p-value is at most c, for the largest c whose tails, one for
/// each total, satisfy `fits`. Fisher's test is conservative, so c is at least `level`. Above it,
/// the search bisects the Fisher p-values that occur.
fn rejection(per_side: u64, level: f64, fits: impl Fn(&[f64]) -> bool) -> Vec<u64> {
    let base = cuts(per_side, per_side, level);
    let mut most = level;
    loop {
        // c is seldom much larger than `level`, so only few of the p-values must be computed.
        most *= 3.0;
        let totals = totals(per_side, &base, most);
        let mut steps: Vec<f64> = totals.iter().flat_map(|l| &l.p_values).copied().collect();
        steps.sort_by(f64::total_cmp);
        steps.dedup_by(|next, kept| *next <= *kept * (1.0 + TIE));
        let fitting = steps.partition_point(|&limit| {
            let tails: Vec<f64> = totals.iter().map(|l| l.tail(limit)).collect();
            fits(&tails)
        });
        if fitting < steps.len() || most >= 1.0 {
            let limit = fitting.checked_sub(1).map_or(level, |last| steps[last]);
            return totals.iter().map(|l| l.below(limit)).collect();
        }
    }
}

/// The Fisher p-values of the tables with one total.
struct TotalPValues {
    /// The tables inside the region at the level itself.
    base: Cut,
    /// The relevant p-values above the level, ascending.
    p_values: Vec<f64>,
}

impl TotalPValues {
    fn reached(&self, limit: f64) -> usize {
        self.p_values.partition_point(|&p| p <= limit * (1.0 + TIE))
    }

    /// The largest p-value up to `limit`; the tail at the level if no p-value is that small.
    fn tail(&self, limit: f64) -> f64 {
        match self.reached(limit) {
            0 => self.base.tail,
            reached => self.p_values[reached - 1],
        }
    }

    /// The number of side one's values with a p-value up to `limit`.
    fn below(&self, limit: f64) -> u64 {
        self.base.below + self.reached(limit) as u64
    }
}

fn totals(per_side: u64, base: &[Cut], most: f64) -> Vec<TotalPValues> {
    base.iter()
        .zip(0..)
        .map(|(&base, total)| {
            let table = Hypergeometric::new(per_side, per_side, total);
            let mut sum = base.tail;
            let mut chance = table.pmf(base.below);
            let p_values = (base.below..table.highest())
                .map(|x| {
                    sum += chance;
                    chance *= table.ratio(x);
                    sum
                })
                .take_while(|&p| p <= most)
                .collect();
            TotalPValues { base, p_values }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_ends_with_enough_power() {
        let curve = power_curve(0.4, 0.9, 0.05).unwrap();
        let sizes: Vec<u64> = curve.iter().map(|&(n, _)| n).collect();
        assert_eq!(sizes, [5, 10, 20, 50]);
        assert!(curve.windows(2).all(|pair| pair[0].1 < pair[1].1));
        assert_eq!(curve[1].1, boschloo_power(10, 0.4, 0.9, 0.05).unwrap());
        assert!(curve[3].1 >= ENOUGH);
    }

    #[test]
    fn close_rates_use_the_normal_approximation() {
        let curve = power_curve(0.5, 0.51, 0.05).unwrap();
        let (last, power) = curve[curve.len() - 1];
        assert!(last > MAX_EXACT_POWER && power >= ENOUGH, "{last} {power}");
        let hopeless = power_curve(0.5, 0.500_000_01, 0.05).unwrap();
        assert_eq!(hopeless[hopeless.len() - 1].0, MAX_ROUNDS);
    }

    #[test]
    fn bad_arguments_are_refused() {
        assert!(power_curve(0.5, 0.5, 0.05).is_err());
        assert!(power_curve(0.5, 1.5, 0.05).is_err());
        assert!(power_curve(0.5, 0.6, 1.0).is_err());
    }
}
