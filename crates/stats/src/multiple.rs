//! Corrections for multiple comparisons.

use crate::error::{StatsError, open_unit, probability};

/// Holm's adjusted p-values, in the order given. Comparing each with alpha keeps the probability of
/// any false verdict among them at most alpha, under any dependence.
///
/// Holm 1979, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, StatsError> {
    for &p in p_values {
        probability("a p-value", p)?;
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&i, &j| p_values[i].total_cmp(&p_values[j]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut least = 0.0_f64;
    for (rank, &i) in order.iter().enumerate() {
        let factor = (p_values.len() - rank) as f64;
        least = least.max(factor * p_values[i]).min(1.0);
        adjusted[i] = least;
    }
    Ok(adjusted)
}

/// ln(m/`alpha`): the threshold for the ln E of each of `comparisons` = m comparisons (0 < `alpha`
/// < 1, m >= 1). By Ville's inequality and the union bound, the probability that any true null ever
/// reaches it is at most `alpha`.
///
/// Ville 1939, "Etude critique de la notion de collectif"; Vovk and Wang 2021, "E-values:
/// calibration, combination and applications", Ann. Statist. 49.
pub fn ln_threshold(alpha: f64, comparisons: usize) -> Result<f64, StatsError> {
    if comparisons == 0 {
        return Err(StatsError::Zero {
            what: "the number of comparisons",
        });
    }
    Ok((comparisons as f64).ln() - open_unit("alpha", alpha)?.ln())
}

/// The purpose of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Answers the question of the run.
    Primary,
    /// Explains the answer.
    Explains,
}

/// Adjusted p-values, in the order given. Primary comparisons are adjusted by [`holm`] among
/// themselves. The others are adjusted among themselves, and none is below the largest adjusted
/// p-value of a primary one. Comparing each with alpha keeps the probability of any false verdict
/// at most alpha, because the others are shown only if all primary ones are.
///
/// Maurer, Hothorn and Lehmacher 1995, "Multiple comparisons in drug clinical trials and
/// preclinical assays: a-priori ordered hypotheses"; Westfall and Krishen 2001, "Optimally
/// weighted, fixed sequence and gatekeeper multiple testing procedures", J. Statist. Plann.
/// Inference 99.
///
/// # Errors
/// A p-value is not between 0 and 1.
pub fn gatekeeping(tests: &[(Role, f64)]) -> Result<Vec<f64>, StatsError> {
    let of = |role: Role| -> Vec<f64> {
        let same = tests.iter().filter(|(other, _)| *other == role);
        same.map(|(_, p)| *p).collect()
    };
    let primary = holm(&of(Role::Primary))?;
    let gate = primary.iter().copied().fold(0.0, f64::max);
    let mut primary = primary.into_iter();
    let mut others = holm(&of(Role::Explains))?.into_iter().map(|p| p.max(gate));
    let adjusted = tests.iter().map(|(role, _)| match role {
        Role::Primary => primary.next(),
        Role::Explains => others.next(),
    });
    Ok(adjusted.map(|p| p.unwrap_or(1.0)).collect())
}

/// The shares of the error that the first of several claims may spend. Later ones halve the last
/// share.
const SPENDING: [f64; 4] = [0.8, 0.15, 0.025, 0.0125];

/// The share of the error that claim number `at` (from 0) of a search may spend, when each claim is
/// chosen after the ones before failed. All shares together are 1. The first claim is usually the
/// right one, so it has most of the error (alpha spending: Lan and DeMets 1983, Biometrika 70).
pub(crate) fn spending_share(at: usize) -> f64 {
    let last = SPENDING.len() - 1;
    let halvings = at.saturating_sub(last).min(1000);
    SPENDING[at.min(last)] * 0.5_f64.powi(halvings as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Role::{Explains, Primary};

    #[test]
    fn the_primary_comparison_gets_the_whole_alpha() {
        let mut tests = vec![(Primary, 0.0078)];
        tests.extend([(Explains, 0.001), (Explains, 0.4)]);
        assert_eq!(gatekeeping(&tests), Ok(vec![0.0078, 0.0078, 0.4]));
        // An explanation is shown only if the primary comparison is.
        assert_eq!(
            gatekeeping(&[(Explains, 0.0001), (Primary, 0.2)]),
            Ok(vec![0.2, 0.2])
        );
        assert_eq!(
            gatekeeping(&[(Primary, 0.02), (Primary, 0.01), (Explains, 0.01)]),
            Ok(vec![0.02, 0.02, 0.02])
        );
        assert_eq!(gatekeeping(&[(Explains, 0.03)]), Ok(vec![0.03]));
    }

    #[test]
    fn all_claims_together_spend_the_error() {
        let sum: f64 = (0..60).map(spending_share).sum();
        assert!((sum - 1.0).abs() < 1e-12);
        assert_eq!(spending_share(4), spending_share(3) / 2.0);
    }
}
