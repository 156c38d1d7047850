//! Compares two rates with numbers of rounds fixed in advance: selects the test and defines a
//! difference.

use crate::boschloo::boschloo;
use crate::counts::{Counts, Interval};
use crate::error::StatsError;
use crate::fisher::fisher_mid_p;
use crate::rate::newcombe;

/// [`compare`] uses Boschloo's test up to this product of the two numbers of rounds, and Fisher's
/// mid-p beyond it.
const EXACT_TABLES: u64 = 40_000;

/// The test that a p-value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// Boschloo's exact test.
    Boschloo,
    /// Fisher's test, mid-p, central.
    FisherMidP,
    /// McNemar's exact test on blocks.
    McNemar,
    /// The conditional test over several machines: each is compared within itself.
    MantelHaenszel,
}

/// Two rates compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Rate one minus rate two, as a share; `None` if a side has no rounds.
    pub difference: Option<f64>,
    /// The interval of the difference: Newcombe's, Tango's if blocks are compared, or Sato's over
    /// several machines.
    pub interval: Interval,
    /// The two-sided p-value, not adjusted for other comparisons.
    pub p: f64,
    /// The test that the p-value comes from.
    pub test: Test,
}

impl Comparison {
    /// Whether the two rates differ. Both must say so: `adjusted_p` (adjusted by the caller for
    /// multiple comparisons) is at most `alpha`, and the interval excludes 0.
    pub fn differs(&self, adjusted_p: f64, alpha: f64) -> bool {
        adjusted_p <= alpha && !self.interval.contains(0.0)
    }
}

/// Compares two rates at error `alpha` (0 < `alpha` < 1). Requires independent rounds whose number
/// was fixed in advance, such as those of two runs. For the two sides of one run, use
/// [`crate::compare_blocks`].
///
/// See [`boschloo`], [`fisher_mid_p`] and [`newcombe`] for the sources.
///
/// # Errors
/// `alpha` is not between 0 and 1, or there are too many rounds.
pub fn compare(one: Counts, two: Counts, alpha: f64) -> Result<Comparison, StatsError> {
    let interval = newcombe(one, two, alpha)?;
    let (p, test) = if one.n() * two.n() <= EXACT_TABLES && one.n() + two.n() <= EXACT_TABLES + 1 {
        (boschloo(one, two)?.two_sided, Test::Boschloo)
    } else {
        (fisher_mid_p(one, two).two_sided, Test::FisherMidP)
    };
    Ok(Comparison {
        difference: one.rate().zip(two.rate()).map(|(a, b)| a - b),
        interval,
        p,
        test,
    })
}
