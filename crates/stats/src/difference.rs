//! Newcombe's interval of the difference of two rates.

use crate::counts::{Counts, Interval};
use crate::error::StatsError;
use crate::rate::wilson;

/// Newcombe's hybrid score interval of rate one minus rate two (as shares, -1 to 1). The confidence
/// is 1 - `alpha` (0 < `alpha` < 1). A side without rounds contributes the whole range of rates
/// from 0 to 1.
///
/// Newcombe 1998, "Interval estimation for the difference between independent proportions:
/// comparison of eleven methods", Statist. Med. 17, method 10.
pub fn newcombe(one: Counts, two: Counts, alpha: f64) -> Result<Interval, StatsError> {
    let (first, second) = (wilson(one, alpha)?, wilson(two, alpha)?);
    let (Some(rate1), Some(rate2)) = (one.rate(), two.rate()) else {
        return Ok(Interval {
            lo: first.lo - second.hi,
            hi: first.hi - second.lo,
        });
    };
    let difference = rate1 - rate2;
    Ok(Interval {
        lo: (difference - (rate1 - first.lo).hypot(second.hi - rate2)).max(-1.0),
        hi: (difference + (first.hi - rate1).hypot(rate2 - second.lo)).min(1.0),
    })
}
