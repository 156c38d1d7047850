//! Two rates, the number of rounds fixed in advance: which test, and what counts as a difference.

use crate::boschloo::boschloo;
use crate::counts::{Counts, Interval};
use crate::difference::newcombe;
use crate::error::StatsError;
use crate::fisher::fisher_mid_p;

/// Up to this product of the two numbers of rounds [`compare`] uses Boschloo's test, beyond it Fisher's mid-p.
pub const EXACT_TABLES: u64 = 40_000;

/// Which test a p-value is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// Boschloo's exact test.
    Boschloo,
    /// Fisher's test, mid-p, central.
    FisherMidP,
    /// McNemar's exact test on blocks.
    McNemar,
}

/// Two rates compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Rate one minus rate two, as a share; none when a side has no rounds.
    pub difference: Option<f64>,
    /// The interval of the difference: Newcombe's, or Tango's where blocks are compared.
    pub interval: Interval,
    /// The two-sided p-value, not adjusted for other comparisons.
    pub p: f64,
    /// Where the p-value is from.
    pub test: Test,
}

impl Comparison {
    /// Whether the two rates differ: the test (its p-value, adjusted by the caller if there are several comparisons,
    /// is at most `alpha`) and the interval must both say so.
    pub fn differs(&self, adjusted_p: f64, alpha: f64) -> bool {
        adjusted_p <= alpha && !self.interval.contains(0.0)
    }
}

/// Compares two rates at error `alpha` (0 < `alpha` < 1). For independent rounds whose number was fixed in advance: two
/// runs. The two sides of one run are compared by [`crate::compare_blocks`].
///
/// The sources are those of [`boschloo`], [`fisher_mid_p`] and [`newcombe`].
///
/// # Errors
/// `alpha` is not between 0 and 1, or there are too many rounds.
pub fn compare(one: Counts, two: Counts, alpha: f64) -> Result<Comparison, StatsError> {
    let interval = newcombe(one, two, alpha)?;
    let (p, test) = if one.n() * two.n() <= EXACT_TABLES && one.n() + two.n() <= EXACT_TABLES + 1 {
        (boschloo(one, two)?.two_sided, Test::Boschloo)
    } else {
        (fisher_mid_p(one, two).central, Test::FisherMidP)
    };
    Ok(Comparison {
        difference: one.rate().zip(two.rate()).map(|(a, b)| a - b),
        interval,
        p,
        test,
    })
}
