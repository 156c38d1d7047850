//! Where and how a rate changed over a history of runs: descriptions of a change, not tests.

use crate::counts::Counts;
use crate::error::{StatsError, open_unit};
use crate::special::ln_beta_kernel;

/// The location of a change, assuming that the rate changed exactly once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// The most probable index: the first point with the new rate.
    pub at: usize,
    /// The posterior probability of that index.
    pub probability: f64,
    /// The first index of the shortest range around `at` that has at least 1 - alpha of the
    /// posterior.
    pub first: usize,
    /// The last index of that range.
    pub last: usize,
    /// The pooled counts before `at`.
    pub before: Counts,
    /// The pooled counts from `at` on.
    pub after: Counts,
}

/// The posterior of the change point, for points in the order of time. The prior is Beta(1/2, 1/2)
/// for the rates before and after the change, and uniform over all indices but the first. `None`
/// with fewer than two points.
///
/// Smith 1975, "A Bayesian approach to inference about a change-point in a sequence of random
/// variables", Biometrika 62: 407-416. It describes a change that a test has shown; it is no
/// evidence that a change exists.
pub fn change_point(points: &[Counts], alpha: f64) -> Result<Option<ChangePoint>, StatsError> {
    let alpha = open_unit("alpha", alpha)?;
    let splits = splits(points)?;
    let weights: Vec<f64> = (splits.iter())
        .map(|&(before, after)| ln_marginal(before) + ln_marginal(after))
        .collect();
    let largest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = weights.iter().map(|w| (w - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    let posterior: Vec<f64> = weights.iter().map(|w| w / sum).collect();
    let likelier = |one: &usize, two: &usize| posterior[*one].total_cmp(&posterior[*two]);
    // Of equally likely splits, the first.
    let Some(best) = (0..posterior.len()).rev().max_by(likelier) else {
        return Ok(None);
    };
    let (first, last) = range(&posterior, best, 1.0 - alpha);
    Ok(Some(ChangePoint {
        at: best + 1,
        probability: posterior[best],
        first: first + 1,
        last: last + 1,
        before: splits[best].0,
        after: splits[best].1,
    }))
}

/// The pooled counts on both sides of each split; none with fewer than two points.
pub(crate) fn splits(points: &[Counts]) -> Result<Vec<(Counts, Counts)>, StatsError> {
    let all = Counts::sum(points.iter().copied())?;
    let before = |end: usize| Counts::sum(points[..end].iter().copied());
    (1..points.len())
        .map(|end| before(end).map(|before| (before, all.without(before))))
        .collect()
}

/// ln B(bad + 1/2, good + 1/2): the probability of the counts under a Beta(1/2, 1/2) rate, up to a
/// constant.
fn ln_marginal(counts: Counts) -> f64 {
    let (a, b) = (counts.bad() as f64 + 0.5, counts.good() as f64 + 0.5);
    let (x, y) = (a / (a + b), b / (a + b));
    a * x.ln() + b * y.ln() - ln_beta_kernel(a, b, x, y)
}

/// The shortest range that contains `best` and has at least this share of the posterior. Of equally
/// short ranges, the one with the largest share.
fn range(posterior: &[f64], best: usize, coverage: f64) -> (usize, usize) {
    // Floating-point sums that should be 1 may be slightly less.
    const ROUNDING: f64 = 1e-12;
    let mut shortest: Option<(usize, usize, f64)> = None;
    for first in 0..=best {
        let mut mass: f64 = posterior[first..best].iter().sum();
        for (last, weight) in posterior.iter().enumerate().skip(best) {
            mass += weight;
            if mass < coverage - ROUNDING {
                continue;
            }
            let better = shortest.is_none_or(|(from, to, most)| {
                let (new, old) = (last - first, to - from);
                new < old || (new == old && mass > most)
            });
            if better {
                shortest = Some((first, last, mass));
            }
            break;
        }
    }
    shortest.map_or((0, posterior.len() - 1), |(first, last, _)| (first, last))
}

/// The shape of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeShape {
    /// An abrupt change from one rate to another.
    Step,
    /// A gradual change from run to run.
    Creeping,
}

/// Whether a single step fits the points better than a trend, by the maximum likelihood of each:
/// two rates and the best index for the step, a logit linear in the index for the trend.
///
/// This is a description, not a test. The step has one more parameter, so a trend is reported only
/// if it clearly fits better.
pub fn change_shape(points: &[Counts]) -> ChangeShape {
    /// The likelihoods of two points, or of points that one step fits perfectly, agree only up to
    /// rounding.
    const ROUNDING: f64 = 1e-6;
    let (Ok(splits), Ok(all)) = (splits(points), Counts::sum(points.iter().copied())) else {
        return ChangeShape::Step;
    };
    if splits.is_empty() {
        return ChangeShape::Step;
    }
    let step = (splits.iter())
        .map(|&(before, after)| ln_likelihood(before) + ln_likelihood(after))
        .fold(f64::NEG_INFINITY, f64::max);
    match logit_trend(points, all) > step + ROUNDING {
        true => ChangeShape::Creeping,
        false => ChangeShape::Step,
    }
}

/// The maximum log-likelihood of counts under one rate.
fn ln_likelihood(counts: Counts) -> f64 {
    let n = counts.n() as f64;
    let term = |k: u64| match k {
        0 => 0.0,
        k => k as f64 * (k as f64 / n).ln(),
    };
    term(counts.bad()) + term(counts.good())
}

/// The maximum log-likelihood of rates whose logit is linear in the index, by Newton's method. The
/// function is concave. If the maximum is at infinity, the steps end close enough to it.
fn logit_trend(points: &[Counts], all: Counts) -> f64 {
    const STEPS: u32 = 60;
    const HALVINGS: u32 = 30;
    // Indices are scaled to -1 to 1, so that both parameters have the same scale.
    let middle = (points.len() - 1) as f64 / 2.0;
    let places = |at: usize| (at as f64 - middle) / middle.max(0.5);
    let value = |level: f64, slope: f64| -> f64 {
        let terms = points.iter().enumerate().map(|(at, counts)| {
            let logit = level + slope * places(at);
            let ln_one_plus_exp = logit.max(0.0) + (-logit.abs()).exp().ln_1p();
            counts.bad() as f64 * logit - counts.n() as f64 * ln_one_plus_exp
        });
        terms.sum()
    };
    let mut level = ((all.bad() as f64 + 0.5) / (all.good() as f64 + 0.5)).ln();
    let mut slope = 0.0;
    let mut best = value(level, slope);
    for _ in 0..STEPS {
        let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (at, counts) in points.iter().enumerate() {
            let (x, n) = (places(at), counts.n() as f64);
            let rate = 1.0 / (1.0 + (-(level + slope * x)).exp());
            let (residual, weight) = (counts.bad() as f64 - n * rate, n * rate * (1.0 - rate));
            g0 += residual;
            g1 += residual * x;
            h00 += weight;
            h01 += weight * x;
            h11 += weight * x * x;
        }
        let determinant = h00 * h11 - h01 * h01;
        if determinant <= f64::MIN_POSITIVE {
            break;
        }
        let (mut d0, mut d1) = (
            (h11 * g0 - h01 * g1) / determinant,
            (h00 * g1 - h01 * g0) / determinant,
        );
        let before = best;
        for _ in 0..HALVINGS {
            let next = value(level + d0, slope + d1);
            if next > best {
                (level, slope, best) = (level + d0, slope + d1, next);
                break;
            }
            (d0, d1) = (d0 / 2.0, d1 / 2.0);
        }
        if best - before <= 1e-10 {
            break;
        }
    }
    best
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn points(counts: &[(u64, u64)]) -> Vec<Counts> {
        let counts = counts.iter().map(|&(bad, n)| Counts::new(bad, n).unwrap());
        counts.collect()
    }

    /// Worked by hand: B(1/2 + k1, 1/2 + n1 - k1) B(1/2 + k2, 1/2 + n2 - k2) for 0/1, 0/1, 1/1 is 3
    /// pi/8 * pi/2 for the first split (0/1 and 1/2: B(1/2, 3/2) B(3/2, 3/2) = pi/2 * pi/8) and
    /// B(1/2, 5/2) B(3/2, 1/2) = 3 pi/8 * pi/2 for the second.
    #[test]
    fn the_posterior_of_three_points_is_that_by_hand() {
        let found = change_point(&points(&[(0, 1), (0, 1), (1, 1)]), 0.05);
        let found = found.unwrap().unwrap();
        assert_eq!((found.at, found.first, found.last), (2, 1, 2));
        assert!((found.probability - 0.75).abs() < 1e-12, "{found:?}");
        let narrow = change_point(&points(&[(0, 1), (0, 1), (1, 1)]), 0.3).unwrap();
        assert_eq!(narrow.map(|found| (found.first, found.last)), Some((2, 2)));
    }

    #[test]
    fn a_clear_step_is_found_where_it_is() {
        let mut row = vec![(5, 50); 10];
        row.extend([(15, 50); 10]);
        let found = change_point(&points(&row), 0.05).unwrap().unwrap();
        assert_eq!(
            (found.at, found.before.bad(), found.after.bad()),
            (10, 50, 150)
        );
        assert!(found.first <= 10 && 10 <= found.last && found.last - found.first <= 4);
        assert_eq!(change_shape(&points(&row)), ChangeShape::Step);
        assert_eq!(change_point(&points(&row[..1]), 0.05).unwrap(), None);
    }

    #[test]
    fn a_step_is_told_from_a_creep() {
        let creep: Vec<_> = (0..20).map(|at| (1 + at, 50)).collect();
        assert_eq!(change_shape(&points(&creep)), ChangeShape::Creeping);
        let down: Vec<_> = creep.into_iter().rev().collect();
        assert_eq!(change_shape(&points(&down)), ChangeShape::Creeping);
        // One step fits perfectly, and so does a trend of infinite slope.
        for step in [
            &[(0, 9), (9, 9)][..],
            &[(0, 50), (0, 50), (50, 50)],
            &[(0, 5)],
            &[],
        ] {
            assert_eq!(change_shape(&points(step)), ChangeShape::Step, "{step:?}");
        }
    }
}
