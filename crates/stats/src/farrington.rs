//! Non-inferiority of two independent rates, by score statistics of their difference.

use crate::counts::{Counts, Interval};
use crate::error::{StatsError, open_unit};
use crate::special::{LN_ODDS_MAX, bisect, from_log_odds, normal_critical, normal_upper};

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
    Ok(normal_upper(-score(one, two, margin)))
}

/// The score interval of rate one minus rate two (as shares, -1 to 1) at confidence 1 - `alpha` (0
/// < `alpha` < 1): all differences that the two-sided test of Farrington and Manning does not
/// reject. A side without rounds gives -1 to 1.
///
/// Requires independent rounds whose number was fixed in advance. Miettinen and Nurminen's interval
/// differs only by the factor N/(N-1) in the variance.
///
/// # Errors
/// `alpha` is out of range.
///
/// Mee 1984, "Confidence bounds for the difference between two probabilities", Biometrics 40;
/// Farrington and Manning 1990, Statist. Med. 9.
pub fn farrington_interval(one: Counts, two: Counts, alpha: f64) -> Result<Interval, StatsError> {
    let critical = normal_critical(open_unit("alpha", alpha)?);
    if one.n() == 0 || two.n() == 0 {
        return Ok(Interval { lo: -1.0, hi: 1.0 });
    }
    // The score falls as the difference grows. Searching for the cube root keeps small differences
    // accurate: the search ends at 1e-14.
    let end = |beyond: &dyn Fn(f64) -> bool| {
        let root = bisect(-1.0, 1.0, |s| beyond(score(one, two, s.powi(3))));
        root.powi(3)
    };
    Ok(Interval {
        lo: if one.bad() == 0 && two.good() == 0 {
            -1.0
        } else {
            end(&|z| z < critical)
        },
        hi: if one.good() == 0 && two.bad() == 0 {
            1.0
        } else {
            end(&|z| z <= -critical)
        },
    })
}

/// The score statistic of the hypothesis "rate one minus rate two is `difference`". Both sides must
/// have rounds.
fn score(one: Counts, two: Counts, difference: f64) -> f64 {
    if difference < 0.0 {
        return -score(two, one, -difference);
    }
    let (n1, n2) = (one.n() as f64, two.n() as f64);
    let distance = one.bad() as f64 / n1 - two.bad() as f64 / n2 - difference;
    if distance == 0.0 {
        return 0.0;
    }
    let fit = Constrained::fit(one, two, difference);
    // Zero variance away from the observed difference excludes the hypothesis: plus or minus
    // infinity.
    distance / (fit.bad1 * fit.good1 / n1 + fit.bad2 * fit.good2 / n2).sqrt()
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
    fn edges() {
        let (none, clean) = (counts(0, 0), counts(0, 100));
        assert_eq!(farrington_manning(none, clean, 0.02), Ok(1.0));
        assert_eq!(farrington_manning(clean, none, 0.02), Ok(1.0));
        let everything = Interval { lo: -1.0, hi: 1.0 };
        assert_eq!(farrington_interval(none, clean, 0.05), Ok(everything));
        // Without bad rounds the best fit has rate two at 0 and rate one at the margin.
        let z = (0.02_f64 * 100.0 / 0.98).sqrt();
        let p = farrington_manning(clean, clean, 0.02).unwrap();
        near(p, normal_upper(z), 1e-12);
        let apart = farrington_interval(counts(8, 8), counts(0, 8), 0.05).unwrap();
        assert_eq!(apart.hi, 1.0);
        assert!(farrington_manning(clean, clean, 0.0).is_err());
        assert!(farrington_manning(clean, clean, f64::NAN).is_err());
        assert!(farrington_interval(clean, clean, 1.0).is_err());
    }

    #[test]
    fn a_published_interval() {
        // Fagerland, Lydersen and Laake 2011, "Recommended confidence intervals for two independent
        // binomial proportions", Stat. Methods Med. Res. 24, give 0.028 to 0.34.
        let got = farrington_interval(counts(7, 34), counts(1, 34), 0.05).unwrap();
        near(got.lo, 0.028_370_507_969, 1e-11);
        near(got.hi, 0.343_939_921_946, 1e-11);
    }

    #[test]
    fn the_test_inverts_to_the_interval() {
        for (one, two) in [
            (counts(3, 20), counts(1, 30)),
            (counts(0, 50), counts(0, 70)),
            (counts(1_000, 1_000_000), counts(900, 900_000)),
            (counts(5, 5), counts(0, 5)),
        ] {
            let hi = farrington_interval(one, two, 0.1).unwrap().hi;
            if hi < 1.0 {
                near(farrington_manning(one, two, hi).unwrap(), 0.05, 1e-7);
            }
        }
    }

    #[test]
    fn swapped_sides_mirror_the_interval() {
        for (one, two) in [
            (counts(3, 20), counts(1, 30)),
            (counts(0, 1), counts(1, 1)),
            (counts(0, 1_000_000), counts(1_000_000, 1_000_000)),
        ] {
            let there = farrington_interval(one, two, 0.05).unwrap();
            let back = farrington_interval(two, one, 0.05).unwrap();
            near(there.lo, -back.hi, 1e-12);
            near(there.hi, -back.lo, 1e-12);
        }
    }
}
