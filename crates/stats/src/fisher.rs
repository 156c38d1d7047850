//! Compares two rates by Fisher's conditional test, exact and mid-p.

use crate::counts::Counts;
use crate::hypergeometric::Hypergeometric;

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

/// Mid-p values: the observed table counts with half of its probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MidP {
    /// Small if side one is bad less often.
    pub less: f64,
    /// Small if side one is bad more often.
    pub greater: f64,
    /// Two-sided: twice the smaller of `less` and `greater`, at most 1. [`crate::compare`] uses
    /// this value.
    pub central: f64,
    /// Two-sided by likelihood: all tables less likely than the observed one, plus half of those
    /// equally likely.
    pub minlike: f64,
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
        two_sided: by_likelihood(table, x).0,
    }
}

/// Fisher's test with mid-p values. Less conservative than the exact test, but not guaranteed to
/// keep its level at every rate. Intended for tables too large for [`crate::boschloo`], where the
/// difference hardly matters.
///
/// Lancaster 1961, "Significance tests in discrete distributions", JASA 56; the two-sided forms as
/// in Hirji, Tan and Elashoff 1991, "A quasi-exact test for comparing two binomial proportions",
/// Statist. Med. 10.
pub fn fisher_mid_p(one: Counts, two: Counts) -> MidP {
    let table = conditional(one, two);
    let x = one.bad();
    let half = 0.5 * table.pmf(x);
    let less = (table.at_most(x) - half).max(half);
    let greater = (table.at_least(x) - half).max(half);
    let (likely, ties) = by_likelihood(table, x);
    MidP {
        less,
        greater,
        central: (2.0 * less.min(greater)).min(1.0),
        minlike: (likely - 0.5 * ties).max(0.0),
    }
}

/// The distribution of side one's bad rounds given the total of both sides.
pub(crate) fn conditional(one: Counts, two: Counts) -> Hypergeometric {
    Hypergeometric::new(one.n(), two.n(), one.bad() + two.bad())
}

/// The probability of all tables at most as likely as the one with `x`, and of those equally
/// likely.
fn by_likelihood(table: Hypergeometric, x: u64) -> (f64, f64) {
    let (lowest, mode, highest) = (table.lowest(), table.mode(), table.highest());
    let observed = table.ln_pmf(x);
    let unlikely = |at: u64| table.ln_pmf(at) <= observed + LN_TIE;
    // The probability rises up to the mode and falls behind it, so the unlikely tables form two
    // tails.
    let left_end = lowest + count_while(mode - lowest + 1, |i| unlikely(lowest + i));
    let right_start = highest + 1 - count_while(highest - mode + 1, |i| unlikely(highest - i));
    let all = if left_end > mode {
        1.0
    } else {
        let left = if left_end > lowest {
            table.at_most(left_end - 1)
        } else {
            0.0
        };
        (left + table.at_least(right_start)).min(1.0)
    };
    (all, ties(table, observed, left_end, right_start))
}

/// The probability of all tables as likely as the observed one. They lie at the inner edges of the
/// two tails, or are the one or two most likely tables.
fn ties(table: Hypergeometric, observed: f64, left_end: u64, right_start: u64) -> f64 {
    let mut near = vec![
        left_end.saturating_sub(2),
        left_end.saturating_sub(1),
        right_start,
        right_start + 1,
    ];
    near.sort_unstable();
    near.dedup();
    near.into_iter()
        .filter(|&at| (table.lowest()..=table.highest()).contains(&at))
        .filter(|&at| (table.ln_pmf(at) - observed).abs() <= LN_TIE)
        .map(|at| table.pmf(at))
        .sum()
}

/// How many of 0..`n` satisfy `holds`, which is true up to some point and false from there on.
fn count_while(n: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut yes, mut no) = (0, n);
    while yes < no {
        let middle = yes + (no - yes) / 2;
        if holds(middle) {
            yes = middle + 1;
        } else {
            no = middle;
        }
    }
    yes
}
