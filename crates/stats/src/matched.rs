//! Compares two sides within blocks; may be inspected after every block.

use crate::special::ln_beta_kernel;

/// ln E against "of the blocks in which the sides differ, each side is the bad one with probability
/// 1/2": E = 2^(k+m) B(1/2+k, 1/2+m) / B(1/2, 1/2) after `only_one` = k blocks with only side one
/// bad and `only_two` = m with only side two bad. It is the likelihood under a Beta(1/2, 1/2)
/// mixture over that under 1/2. Under the null E ever reaches 1/alpha with probability at most
/// alpha, regardless of any correlation within blocks and any change over the run. Blocks in which
/// the sides agree do not change it.
///
/// This is the anytime-valid form of McNemar's test. Robbins 1970, "Statistical methods related to
/// the law of the iterated logarithm", Ann. Math. Statist. 41.
pub fn ln_e_matched(only_one: u64, only_two: u64) -> f64 {
    let (k, m) = (only_one as f64, only_two as f64);
    // Bayes' rule at 1/2: the prior density over the posterior density.
    ln_beta_kernel(0.5, 0.5, 0.5, 0.5) - ln_beta_kernel(0.5 + k, 0.5 + m, 0.5, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_of_predictions() {
        // Krichevsky and Trofimov: the next block is of a kind with probability (1/2 + seen) / (1 +
        // all).
        let (mut k, mut m, mut ln_e) = (0_u64, 0_u64, 0.0_f64);
        for one in [true, true, false, true, true, true, false, true] {
            let seen = if one { k } else { m };
            ln_e += (2.0 * (0.5 + seen as f64) / (1.0 + (k + m) as f64)).ln();
            (k, m) = (k + u64::from(one), m + u64::from(!one));
            assert!((ln_e_matched(k, m) - ln_e).abs() < 1e-12);
        }
        assert!((ln_e_matched(7, 0).exp() - 26.812_5).abs() < 1e-9);
    }
}
