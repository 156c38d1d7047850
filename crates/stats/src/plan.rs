//! Sample sizes: how many rounds a question takes.

use crate::error::{StatsError, open_unit, probability};
use crate::special::{normal_critical, normal_quantile, normal_upper};

/// The largest plan: every integer up to it is exactly representable as a float.
pub(crate) const LARGEST_PLAN: u64 = 1 << 53;

/// How a number was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// From the exact distribution.
    Exact,
    /// From the normal approximation.
    Normal,
}

/// A number of rounds for each of two sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Rounds of each side.
    pub per_side: u64,
    /// Their power.
    pub power: f64,
    /// How the number and the power were computed.
    pub method: Method,
}

/// The smallest number of rounds that, if none is bad, shows the rate to be below `limit` at error
/// `alpha` (both strictly between 0 and 1): ceil(ln alpha / ln(1 - limit)). In the same number of
/// rounds a chapter of rate `limit` is bad at least once with probability 1 - `alpha`.
///
/// Hanley and Lippman-Hand 1983, "If nothing goes wrong, is everything all right?", JAMA 249.
pub fn rounds_without_failure(limit: f64, alpha: f64) -> Result<u64, StatsError> {
    let limit = open_unit("the limit", limit)?;
    let rounds = open_unit("alpha", alpha)?.ln() / (-limit).ln_1p();
    // The quotient may exceed an integer by a rounding error.
    let whole = rounds.round();
    let least = if (rounds - whole).abs() <= 4.0 * f64::EPSILON * whole {
        whole
    } else {
        rounds.ceil()
    };
    if least > LARGEST_PLAN as f64 {
        return Err(StatsError::NotReached {
            limit: LARGEST_PLAN,
        });
    }
    Ok((least as u64).max(1))
}

/// The rounds per side, before rounding up, needed to detect a difference between `rate1` and
/// `rate2` (0 to 1, different) with probability `power`, in a two-sided test at error `alpha` (both
/// strictly between 0 and 1). By the normal approximation without continuity correction, which is
/// close to what Boschloo's test needs.
///
/// Fleiss, Levin and Paik 2003, "Statistical methods for rates and proportions", 3rd edition,
/// chapter 4.
pub fn normal_plan(rate1: f64, rate2: f64, power: f64, alpha: f64) -> Result<f64, StatsError> {
    let spread = Spread::new(rate1, rate2)?;
    let critical = normal_critical(open_unit("alpha", alpha)?);
    let beyond = normal_quantile(open_unit("the power", power)?);
    // A power below alpha/2 requires no rounds.
    let width = (critical * spread.under_null + beyond * spread.apart).max(0.0);
    Ok((width / spread.distance).powi(2))
}

/// The power of `per_side` rounds per side by the normal approximation without continuity
/// correction. The arguments are those of [`normal_plan`].
pub fn normal_power(per_side: u64, rate1: f64, rate2: f64, alpha: f64) -> Result<f64, StatsError> {
    let spread = Spread::new(rate1, rate2)?;
    let critical = normal_critical(open_unit("alpha", alpha)?);
    let signal = spread.distance * (per_side as f64).sqrt() - critical * spread.under_null;
    // With rates of 0 and 1 the variance is 0: the test decides with certainty, either way.
    Ok(if spread.apart > 0.0 {
        normal_upper(-signal / spread.apart)
    } else if signal >= 0.0 {
        1.0
    } else {
        0.0
    })
}

/// Standard deviations of the difference of two rounds.
struct Spread {
    distance: f64,
    under_null: f64,
    apart: f64,
}

impl Spread {
    fn new(rate1: f64, rate2: f64) -> Result<Self, StatsError> {
        let (p1, p2) = different_rates(rate1, rate2)?;
        let mean = 0.5 * (p1 + p2);
        Ok(Self {
            distance: (p1 - p2).abs(),
            under_null: (2.0 * mean * (1.0 - mean)).sqrt(),
            apart: (p1 * (1.0 - p1) + p2 * (1.0 - p2)).sqrt(),
        })
    }
}

/// Checks that two rates lie between 0 and 1, ends included, and differ.
pub(crate) fn different_rates(rate1: f64, rate2: f64) -> Result<(f64, f64), StatsError> {
    let rates = (
        probability("rate one", rate1)?,
        probability("rate two", rate2)?,
    );
    if rate1 == rate2 {
        return Err(StatsError::EqualRates { rate: rate1 });
    }
    Ok(rates)
}
