//! Events per unit of exposure: exact intervals of a Poisson rate.

use statrs::function::gamma::{gamma_lr, gamma_ur};

use crate::counts::{Interval, MAX_ROUNDS};
use crate::error::{StatsError, open_unit, positive};
use crate::special::bisect;

/// The exact two-sided interval, at confidence 1 - `alpha` (0 < `alpha` < 1), of the rate of a
/// Poisson process with `events` events in `exposure` units of time, work or rounds (positive and
/// finite). The ends are events per unit; each tail has `alpha`/2. Without events the lower end is
/// 0.
///
/// Requires independent events at a constant rate, and an exposure that does not depend on them.
///
/// # Errors
/// `alpha` or `exposure` is out of range, or there are more than [`MAX_ROUNDS`] events.
///
/// Garwood 1936, "Fiducial limits for the Poisson distribution", Biometrika 28.
pub fn garwood(events: u64, exposure: f64, alpha: f64) -> Result<Interval, StatsError> {
    let half = open_unit("alpha", alpha)? / 2.0;
    let exposure = positive("the exposure", exposure)?;
    if events > MAX_ROUNDS {
        return Err(StatsError::TooManyRounds {
            method: "a Poisson rate",
            n: events,
            limit: MAX_ROUNDS,
        });
    }
    // The probability of at least k events is the regularized lower incomplete gamma function at k
    // and the mean, that of at most k events the upper one at k + 1.
    let k = events as f64;
    let enough = |ln_mean: f64| gamma_lr(k, ln_mean.exp()) >= half;
    let few_enough = |ln_mean: f64| gamma_ur(k + 1.0, ln_mean.exp()) <= half;
    // The bounds hold for the smallest `alpha` that a float can represent.
    let lo = match events {
        0 => 0.0,
        _ => bisect(-745.0, k.ln(), enough).exp(),
    };
    let hi = bisect(k.max(0.5).ln(), (2.0 * k + 1500.0).ln(), few_enough).exp();
    Ok(Interval {
        lo: lo / exposure,
        hi: hi / exposure,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, expected: f64, relative: f64) {
        assert!(
            (got - expected).abs() <= relative * expected.abs(),
            "{got:e}, expected {expected:e}"
        );
    }

    #[test]
    fn intervals_from_chi_square_quantiles() {
        // Half of scipy's chi2.ppf(0.025, 2 k) and chi2.ppf(0.975, 2 k + 2).
        for (events, lo, hi) in [
            (1, 0.025_317_807_984_289_897, 5.571_643_390_938_898),
            (10, 4.795_388_696_132_434, 18.390_356_042_017_775),
        ] {
            let got = garwood(events, 1.0, 0.05).unwrap();
            near(got.lo, lo, 1e-10);
            near(got.hi, hi, 1e-10);
        }
    }

    #[test]
    fn edges() {
        let clean = garwood(0, 300.0, 0.05).unwrap();
        assert_eq!(clean.lo, 0.0);
        near(clean.hi, 40_f64.ln() / 300.0, 1e-14);
        assert!(garwood(1, 0.0, 0.05).is_err());
        assert!(garwood(1, f64::INFINITY, 0.05).is_err());
        assert!(garwood(1, 1.0, 0.0).is_err());
        assert!(garwood(MAX_ROUNDS + 1, 1.0, 0.05).is_err());
        let tiny = f64::from_bits(1);
        for events in [0, 1, 2, 1000] {
            let wide = garwood(events, 1.0, tiny).unwrap();
            assert!(wide.lo >= 0.0 && wide.hi.is_finite() && wide.lo <= wide.hi);
        }
    }

    #[test]
    fn many_events_are_close_to_normal() {
        let got = garwood(MAX_ROUNDS, 1e9, 0.05).unwrap();
        let half = 1.959_964 / 1e9_f64.sqrt();
        near(got.lo, 1.0 - half, 1e-8);
        near(got.hi, 1.0 + half, 1e-8);
    }
}
