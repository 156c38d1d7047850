//! Non-inferiority of two independent rates, by the score statistic of their difference.

use crate::counts::Counts;
use crate::error::{StatsError, open_unit};
use crate::special::{LN_ODDS_MAX, bisect, from_log_odds, normal_upper};

/// One-sided p-value of the null "rate one minus rate two is at least `margin`" (0 < `margin` < 1).
/// A small value shows that side one is worse than side two by less than the margin. A side without
/// rounds gives 1.
///
/// Requires independent rounds whose number was fixed in advance; for matched rounds use
/// [`crate::tango_test`]. The variance uses the constrained maximum-likelihood rates under the
/// null, without the factor N/(N-1). The test is asymptotic: with few bad rounds its error
/// probability may exceed the nominal one.
///
/// # Errors
/// `margin` is out of range.
///
/// Farrington and Manning 1990, "Test statistics and sample size formulae for comparative binomial
/// trials with null hypothesis of non-zero risk difference or non-unity relative risk", Statist.
/// Med. 9.
pub fn farrington_manning(one: Counts, two: Counts, margin: f64) -> Result<f64, StatsError> {
    let margin = open_unit("the margin", margin)?;
    if one.n() == 0 || two.n() == 0 {
        return Ok(1.0);
    }
    let (n1, n2) = (one.n() as f64, two.n() as f64);
    let distance = one.bad() as f64 / n1 - two.bad() as f64 / n2 - margin;
    if distance == 0.0 {
        return Ok(0.5);
    }
    let fit = Constrained::fit(one, two, margin);
    // Zero variance away from the observed difference excludes the hypothesis: plus or minus
    // infinity.
    let deviation = (fit.bad1 * fit.good1 / n1 + fit.bad2 * fit.good2 / n2).sqrt();
    Ok(normal_upper(-distance / deviation))
}

/// Probabilities of a bad and of a good round on each side, with a fixed difference.
struct Constrained {
    bad1: f64,
    good1: f64,
    bad2: f64,
    good2: f64,
}

impl Constrained {
    /// The probabilities for a `difference` of 0 to 1, where rate two is the share `at` of the
    /// remaining range.
    fn new(difference: f64, (at, rest): (f64, f64)) -> Self {
        let free = 1.0 - difference;
        Self {
            bad1: free * at + difference,
            good1: free * rest,
            bad2: free * at,
            good2: free * rest + difference,
        }
    }

    /// The maximum-likelihood probabilities. The log-likelihood is concave along the constraint, so
    /// the sign of its slope brackets the maximum. The closed form of the cubic loses digits at
    /// small rates.
    fn fit(one: Counts, two: Counts, difference: f64) -> Self {
        let top = bisect(-LN_ODDS_MAX, LN_ODDS_MAX, |t| {
            let at = Self::new(difference, from_log_odds(t));
            let rising = share(one.bad(), at.bad1) + share(two.bad(), at.bad2);
            let falling = share(one.good(), at.good1) + share(two.good(), at.good2);
            rising <= falling
        });
        Self::new(difference, from_log_odds(top))
    }
}

/// `count / probability`; 0 for a count of 0, whatever the probability.
fn share(count: u64, probability: f64) -> f64 {
    if count == 0 {
        0.0
    } else {
        count as f64 / probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(bad: u64, n: u64) -> Counts {
        Counts::new(bad, n).expect("valid counts")
    }

    fn near(got: f64, expected: f64, within: f64) {
        assert!(
            (got - expected).abs() <= within,
            "{got}, expected {expected}"
        );
    }

    #[test]
    fn the_test_inverts_a_published_interval() {
        // The upper end of the 95 % interval in Fagerland, Lydersen and Laake 2011, "Recommended
        // confidence intervals for two independent binomial proportions", Stat. Methods Med. Res.
        // 24: 0.34 for 7/34 against 1/34.
        let p = farrington_manning(counts(7, 34), counts(1, 34), 0.343_939_921_946).unwrap();
        near(p, 0.025, 1e-9);
    }

    #[test]
    fn edges() {
        let (none, clean) = (counts(0, 0), counts(0, 100));
        assert_eq!(farrington_manning(none, clean, 0.02), Ok(1.0));
        assert_eq!(farrington_manning(clean, none, 0.02), Ok(1.0));
        // Without bad rounds the best fit has rate two at 0 and rate one at the margin.
        let z = (0.02_f64 * 100.0 / 0.98).sqrt();
        let p = farrington_manning(clean, clean, 0.02).unwrap();
        near(p, normal_upper(z), 1e-12);
        assert!(farrington_manning(clean, clean, 0.0).is_err());
        assert!(farrington_manning(clean, clean, f64::NAN).is_err());
    }
}
