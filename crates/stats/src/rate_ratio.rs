//! The interval of the ratio of two rates of events per unit of exposure.

use crate::counts::Interval;
use crate::error::{StatsError, open_unit, positive};
use crate::special::{LN_ODDS_MAX, beta_at, bisect, from_log_odds};

/// Events and the exposure in which they happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exposure {
    /// The number of events.
    pub events: u64,
    /// The exposure, in units of time, work or rounds.
    pub amount: f64,
}

/// The exact conditional interval of the rate of `one` over the rate of `two` at confidence 1 -
/// `alpha` (0 < `alpha` < 1). The ratio is 0 to infinity. Without events on side one the lower end
/// is 0, without events on side two the upper end is infinite.
///
/// Given the number of all events, those of side one are binomial. Their share is x/(1+x) for x the
/// ratio times the exposure of side one over that of side two. Each tail of its interval has
/// `alpha`/2. Requires Poisson events at constant rates and exposures that do not depend on them.
///
/// # Errors
/// `alpha` is out of range, or an exposure is not positive and finite.
///
/// Przyborowski and Wilenski 1940, "Homogeneity of results in testing samples from Poisson series",
/// Biometrika 31; Clopper and Pearson 1934, Biometrika 26.
pub fn rate_ratio(one: Exposure, two: Exposure, alpha: f64) -> Result<Interval, StatsError> {
    let ln_half = (open_unit("alpha", alpha)? / 2.0).ln();
    let exposures = positive("the exposure of side one", one.amount)?
        / positive("the exposure of side two", two.amount)?;
    let (k, m) = (one.events as f64, two.events as f64);
    let lo = match one.events {
        0 => 0.0,
        _ => bisect(-LN_ODDS_MAX, LN_ODDS_MAX, |ln_odds| {
            let (p, q) = from_log_odds(ln_odds);
            // The probability of at least k events.
            beta_at(k, m + 1.0, p, q).ln_lower >= ln_half
        })
        .exp(),
    };
    let hi = match two.events {
        0 => f64::INFINITY,
        _ => bisect(-LN_ODDS_MAX, LN_ODDS_MAX, |ln_odds| {
            let (p, q) = from_log_odds(ln_odds);
            // The probability of at most k events.
            beta_at(k + 1.0, m, p, q).ln_upper <= ln_half
        })
        .exp(),
    };
    Ok(Interval {
        lo: lo / exposures,
        hi: hi / exposures,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposure(events: u64, amount: f64) -> Exposure {
        Exposure { events, amount }
    }

    #[test]
    fn intervals_from_clopper_and_pearson() {
        // The interval of 8 of 10 is 0.443905 to 0.974789 (Clopper and Pearson 1934).
        let got = rate_ratio(exposure(8, 2.0), exposure(2, 1.0), 0.05).unwrap();
        let odds = |p: f64| p / (1.0 - p);
        assert!((got.lo - odds(0.443_904_5) / 2.0).abs() < 1e-5, "{got:?}");
        assert!((got.hi - odds(0.974_789_3) / 2.0).abs() < 1e-2, "{got:?}");
    }

    #[test]
    fn no_events_bound_one_side() {
        let none = rate_ratio(exposure(0, 1.0), exposure(0, 1.0), 0.05).unwrap();
        assert_eq!((none.lo, none.hi), (0.0, f64::INFINITY));
        // All of 5 events fell in side one: the share is at least (alpha/2)^(1/5).
        let all = rate_ratio(exposure(5, 1.0), exposure(0, 1.0), 0.05).unwrap();
        let share = 0.025_f64.powf(0.2);
        assert!((all.lo - share / (1.0 - share)).abs() < 1e-9 && all.hi == f64::INFINITY);
        let other = rate_ratio(exposure(0, 1.0), exposure(5, 1.0), 0.05).unwrap();
        assert!((other.hi - (1.0 - share) / share).abs() < 1e-9 && other.lo == 0.0);
        assert!(rate_ratio(exposure(1, 0.0), exposure(1, 1.0), 0.05).is_err());
    }
}
