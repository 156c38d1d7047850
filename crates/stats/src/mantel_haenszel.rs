//! Compares two rates within strata: one 2x2 table for each chapter, machine or run.
//!
//! Pooling the tables would confuse a stratum's own rate with a difference between the sides if one
//! side has more of its rounds. These methods compare within each table and combine the results.

use crate::counts::{Counts, Interval};
use crate::error::{StatsError, open_unit};
use crate::fisher::conditional;
use crate::hypergeometric::Hypergeometric;
use crate::plan::Method;
use crate::special::{normal_critical, normal_upper};

/// Up to this many steps [`mantel_haenszel`] computes the exact p-value; that takes some hundredths
/// of a second. A step is one multiplication of two probabilities. Computing a probability counts
/// as 32 steps.
const MAX_CONDITIONAL_STEPS: u64 = 20_000_000;

/// The cost of one probability of a table, in steps.
const STEPS_PER_VALUE: u64 = 32;

/// An odds ratio with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OddsRatio {
    /// The odds of a bad round on side one over those on side two.
    pub estimate: f64,
    /// Its interval.
    pub interval: Interval,
}

/// Two sides compared over several strata.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stratified {
    /// Strata with rounds on both sides; the others are dropped.
    pub strata: usize,
    /// Mantel-Haenszel estimate of rate one minus rate two, as a share; `None` without strata.
    pub difference: Option<f64>,
    /// Interval of the difference; `None` if Sato's variance is not positive, for example without
    /// bad rounds.
    pub interval: Option<Interval>,
    /// Common odds ratio; `None` unless the strata hold evidence in both directions.
    pub odds_ratio: Option<OddsRatio>,
    /// Two-sided p-value of "in no stratum do the sides differ", 1 if only one outcome was
    /// possible.
    pub p: f64,
    /// [`Method::Exact`] for the conditional test, [`Method::Normal`] for the chi-square test.
    pub method: Method,
}

/// Compares side one with side two over `strata` of (side one, side two) at error `alpha` (0 <
/// `alpha` < 1).
///
/// Requires independent rounds whose numbers were fixed in advance. The difference and its interval
/// assume the same difference in each stratum, and the odds ratio the same ratio. The p-value
/// assumes neither.
///
/// The exact p-value is conditional on the bad rounds of each stratum: side one's bad rounds are
/// then a sum of hypergeometric variables. It is twice the smaller tail, at most 1. If the
/// distribution takes more than twenty million steps, the p-value is that of the
/// Cochran-Mantel-Haenszel chi-square test without continuity correction.
///
/// # Errors
/// `alpha` is out of range.
///
/// Mantel and Haenszel 1959, "Statistical aspects of the analysis of data from retrospective
/// studies of disease", J. Natl. Cancer Inst. 22. Difference: Greenland and Robins 1985, Biometrics
/// 41; its variance: Sato 1989, "On the variance estimator for the Mantel-Haenszel risk
/// difference", Biometrics 45. Interval of the odds ratio: Robins, Breslow and Greenland 1986,
/// Biometrics 42. Exact test: Gart 1970, Biometrika 57.
pub fn mantel_haenszel(strata: &[(Counts, Counts)], alpha: f64) -> Result<Stratified, StatsError> {
    let critical = normal_critical(open_unit("alpha", alpha)?);
    let filled: Vec<(Counts, Counts)> = strata
        .iter()
        .copied()
        .filter(|(one, two)| one.n() > 0 && two.n() > 0)
        .collect();
    let (difference, interval) = risk_difference(&filled, critical);
    let (p, method) = match exact_p(&filled) {
        Some(p) => (p, Method::Exact),
        None => (chi_square_p(&filled), Method::Normal),
    };
    Ok(Stratified {
        strata: filled.len(),
        difference,
        interval,
        odds_ratio: odds_ratio(&filled, critical),
        p,
        method,
    })
}

/// The four cells of a table.
struct Table {
    bad1: f64,
    good1: f64,
    n1: f64,
    bad2: f64,
    good2: f64,
    n2: f64,
    n: f64,
}

impl Table {
    fn new(&(one, two): &(Counts, Counts)) -> Self {
        Self {
            bad1: one.bad() as f64,
            good1: one.good() as f64,
            n1: one.n() as f64,
            bad2: two.bad() as f64,
            good2: two.good() as f64,
            n2: two.n() as f64,
            n: one.n() as f64 + two.n() as f64,
        }
    }
}

fn risk_difference(strata: &[(Counts, Counts)], critical: f64) -> (Option<f64>, Option<Interval>) {
    let (mut lean, mut weight, mut p, mut q) = (0.0, 0.0, 0.0, 0.0);
    for t in strata.iter().map(Table::new) {
        lean += (t.bad1 * t.n2 - t.bad2 * t.n1) / t.n;
        weight += t.n1 * t.n2 / t.n;
        let (share1, share2) = (t.n1 / t.n, t.n2 / t.n);
        p += share1 * share1 * t.bad2 - share2 * share2 * t.bad1
            + share1 * share2 * (t.n2 - t.n1) / 2.0;
        q += (t.bad1 * t.good2 + t.bad2 * t.good1) / (2.0 * t.n);
    }
    if weight <= 0.0 {
        return (None, None);
    }
    let difference = lean / weight;
    // Sato's variance times the square of the weight. Rounding may leave a remainder where the
    // exact value is 0.
    let variance = difference * p + q;
    let interval = (variance > 1e-12 * q).then(|| {
        let half = critical * variance.sqrt() / weight;
        Interval {
            lo: (difference - half).max(-1.0),
            hi: (difference + half).min(1.0),
        }
    });
    (Some(difference), interval)
}

fn odds_ratio(strata: &[(Counts, Counts)], critical: f64) -> Option<OddsRatio> {
    let (mut r, mut s, mut pr, mut ps_qr, mut qs) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for t in strata.iter().map(Table::new) {
        let (for_one, for_two) = (t.bad1 * t.good2 / t.n, t.good1 * t.bad2 / t.n);
        let (p, q) = ((t.bad1 + t.good2) / t.n, (t.good1 + t.bad2) / t.n);
        r += for_one;
        s += for_two;
        pr += p * for_one;
        ps_qr += p * for_two + q * for_one;
        qs += q * for_two;
    }
    if r <= 0.0 || s <= 0.0 {
        return None;
    }
    let estimate = r / s;
    let variance = pr / (2.0 * r * r) + ps_qr / (2.0 * r * s) + qs / (2.0 * s * s);
    let half = critical * variance.sqrt();
    Some(OddsRatio {
        estimate,
        interval: Interval {
            lo: estimate * (-half).exp(),
            hi: estimate * half.exp(),
        },
    })
}

/// The exact conditional p-value; `None` if it takes too many steps.
fn exact_p(strata: &[(Counts, Counts)]) -> Option<f64> {
    let tables: Vec<Hypergeometric> = strata
        .iter()
        .map(|&(one, two)| conditional(one, two))
        .collect();
    let mut width: u64 = 1;
    let mut steps: u64 = 0;
    for table in &tables {
        let values = table.highest() - table.lowest() + 1;
        let each = width.saturating_add(STEPS_PER_VALUE);
        steps = steps.saturating_add(each.saturating_mul(values));
        width = width.saturating_add(values - 1);
        if steps > MAX_CONDITIONAL_STEPS {
            return None;
        }
    }
    let chances = tables.iter().fold(vec![1.0], |so_far, table| {
        convolved(&so_far, &probabilities(*table))
    });
    // The distribution starts at the sum of the smallest values.
    let seen: u64 = strata
        .iter()
        .zip(&tables)
        .map(|(&(one, _), table)| one.bad() - table.lowest())
        .sum();
    let seen = seen as usize;
    let at_most: f64 = chances[..=seen].iter().sum();
    let at_least: f64 = chances[seen..].iter().rev().sum();
    Some((2.0 * at_most.min(at_least)).min(1.0))
}

/// The probabilities of a table's values, from the smallest to the largest.
fn probabilities(table: Hypergeometric) -> Vec<f64> {
    let (lowest, mode) = (table.lowest(), table.mode());
    let mut chances = vec![0.0; (table.highest() - lowest + 1) as usize];
    let top = (mode - lowest) as usize;
    chances[top] = table.pmf(mode);
    for at in top + 1..chances.len() {
        chances[at] = chances[at - 1] * table.ratio(lowest + at as u64 - 1);
    }
    for at in (0..top).rev() {
        chances[at] = chances[at + 1] / table.ratio(lowest + at as u64);
    }
    chances
}

/// The distribution of the sum of two independent variables.
fn convolved(one: &[f64], two: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; one.len() + two.len() - 1];
    for (shift, p) in one.iter().enumerate() {
        for (at, q) in sum[shift..].iter_mut().zip(two) {
            *at += p * q;
        }
    }
    sum
}

/// The p-value of the Cochran-Mantel-Haenszel test without continuity correction.
fn chi_square_p(strata: &[(Counts, Counts)]) -> f64 {
    let (mut lean, mut variance) = (0.0, 0.0);
    for t in strata.iter().map(Table::new) {
        let (share1, share2) = (t.n1 / t.n, t.n2 / t.n);
        lean += t.bad1 * share2 - t.bad2 * share1;
        variance += share1 * share2 * (t.bad1 + t.bad2) * ((t.good1 + t.good2) / (t.n - 1.0));
    }
    if variance > 0.0 {
        (2.0 * normal_upper(lean.abs() / variance.sqrt())).min(1.0)
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fisher::fisher_exact;

    fn stratum(bad1: u64, n1: u64, bad2: u64, n2: u64) -> (Counts, Counts) {
        let counts = |bad, n| Counts::new(bad, n).expect("valid counts");
        (counts(bad1, n1), counts(bad2, n2))
    }

    fn near(got: f64, expected: f64, within: f64) {
        assert!(
            (got - expected).abs() <= within,
            "{got}, expected {expected}"
        );
    }

    #[test]
    fn one_stratum_is_a_plain_table() {
        let table = stratum(7, 20, 2, 30);
        let got = mantel_haenszel(&[table], 0.05).unwrap();
        near(got.difference.unwrap(), 7.0 / 20.0 - 2.0 / 30.0, 1e-15);
        near(
            got.odds_ratio.unwrap().estimate,
            7.0 * 28.0 / (13.0 * 2.0),
            1e-12,
        );
        let fisher = fisher_exact(table.0, table.1);
        near(got.p, 2.0 * fisher.less.min(fisher.greater), 1e-14);
        assert_eq!((got.strata, got.method), (1, Method::Exact));
    }

    #[test]
    fn strata_without_a_side_are_dropped() {
        let empty = [stratum(0, 0, 3, 9), stratum(4, 4, 0, 0)];
        let got = mantel_haenszel(&empty, 0.05).unwrap();
        assert_eq!((got.strata, got.p), (0, 1.0));
        assert_eq!(
            (got.difference, got.interval, got.odds_ratio),
            (None, None, None)
        );
        let table = stratum(7, 20, 2, 30);
        assert_eq!(
            mantel_haenszel(&[empty[0], table, empty[1]], 0.05),
            mantel_haenszel(&[table], 0.05)
        );
        assert_eq!(mantel_haenszel(&[], 0.05).unwrap().p, 1.0);
        assert!(mantel_haenszel(&[], 0.0).is_err());
    }

    #[test]
    fn no_interval_without_variance() {
        for tables in [
            [stratum(0, 20, 0, 30), stratum(0, 7, 0, 5)],
            [stratum(20, 20, 0, 30), stratum(7, 7, 0, 5)],
        ] {
            let got = mantel_haenszel(&tables, 0.05).unwrap();
            assert_eq!((got.interval, got.odds_ratio), (None, None), "{got:?}");
            assert!((0.0..=1.0).contains(&got.p));
        }
    }

    #[test]
    fn pooling_would_reverse_the_sign() {
        // Simpson's paradox: side one is better in both strata but has more rounds in the bad one.
        let tables = [stratum(60, 90, 8, 10), stratum(1, 10, 18, 90)];
        let got = mantel_haenszel(&tables, 0.05).unwrap();
        assert!(got.difference.unwrap() < 0.0);
        assert!(got.odds_ratio.unwrap().estimate < 1.0);
    }

    #[test]
    fn large_tables_fall_back_to_chi_square() {
        let large = stratum(100_100, 1_000_000, 100_000, 1_000_000);
        let tables = [large, large];
        let got = mantel_haenszel(&tables, 0.05).unwrap();
        assert_eq!(got.method, Method::Normal);
        near(got.p, 0.738, 0.001);
        let middle = stratum(510, 1_000, 480, 1_000);
        let exact = mantel_haenszel(&[middle; 3], 0.05).unwrap();
        assert_eq!(exact.method, Method::Exact);
        near(exact.p, chi_square_p(&[middle; 3]), 0.01);
    }
}
