//! Compares two rates by Fisher's conditional test, exact and mid-p.

use crate::counts::Counts;
use crate::hypergeometric::Hypergeometric;
use crate::special::count_while;

/// Two tables count as equally likely if the logarithms of their probabilities agree to this.
const LN_TIE: f64 = 1e-9;

/// p-values of a comparison of two sides. Values below the smallest float are 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PValues {
    /// Against "side one is bad as often or more often": small if side one is bad less often.
    pub less: f64,
    /// Against "side one is bad as often or less often": small if side one is bad more often.
    pub greater: f64,
    /// Against "both sides are bad equally often".
    pub two_sided: f64,
}

impl PValues {
    /// The two-sided p-value as twice the smaller one-sided value.
    pub(crate) fn doubled(less: f64, greater: f64) -> Self {
        Self {
            less,
            greater,
            two_sided: (2.0 * less.min(greater)).min(1.0),
        }
    }
}

/// Fisher's exact test. The two-sided value sums all tables at most as likely as the observed one.
///
/// Fisher 1935, "The logic of inductive inference", J. R. Statist. Soc. 98.
pub fn fisher_exact(one: Counts, two: Counts) -> PValues {
    let table = conditional(one, two);
    let x = one.bad();
    PValues {
        less: table.at_most(x),
        greater: table.at_least(x),
        two_sided: by_likelihood(table, x),
    }
}

/// The observed tail alone: a lower bound of the two-sided value of [`fisher_exact`], and quick.
pub(crate) fn fisher_tail(one: Counts, two: Counts) -> f64 {
    let table = conditional(one, two);
    let x = one.bad();
    match x < table.mode() {
        true => table.at_most(x),
        false => table.at_least(x),
    }
}

/// Fisher's test with mid-p values: the observed table counts with half of its probability. Less
/// conservative than the exact test, but not guaranteed to keep its level at every rate. Intended
/// for tables too large for [`crate::boschloo`], where the difference hardly matters. The two-sided
/// value is twice the smaller one-sided value, at most 1.
///
/// Lancaster 1961, "Significance tests in discrete distributions", JASA 56.
pub fn fisher_mid_p(one: Counts, two: Counts) -> PValues {
    let table = conditional(one, two);
    let x = one.bad();
    let half = 0.5 * table.pmf(x);
    PValues::doubled(
        (table.at_most(x) - half).max(half),
        (table.at_least(x) - half).max(half),
    )
}

/// The distribution of side one's bad rounds given the total of both sides.
pub(crate) fn conditional(one: Counts, two: Counts) -> Hypergeometric {
    Hypergeometric::new(one.n(), two.n(), one.bad() + two.bad())
}

/// The probability of all tables at most as likely as the one with `x`.
fn by_likelihood(table: Hypergeometric, x: u64) -> f64 {
    let (lowest, mode, highest) = (table.lowest(), table.mode(), table.highest());
    let observed = table.ln_pmf(x);
    let unlikely = |at: u64| table.ln_pmf(at) <= observed + LN_TIE;
    // The probability rises up to the mode and falls behind it, so the unlikely tables form two
    // tails.
    let left_end = lowest + count_while(mode - lowest + 1, |i| unlikely(lowest + i));
    if left_end > mode {
        return 1.0;
    }
    let right_start = highest + 1 - count_while(highest - mode + 1, |i| unlikely(highest - i));
    let left = match left_end > lowest {
        true => table.at_most(left_end - 1),
        false => 0.0,
    };
    (left + table.at_least(right_start)).min(1.0)
}
