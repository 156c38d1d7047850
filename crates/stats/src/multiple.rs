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
