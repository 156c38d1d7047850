//! Tests for rounds that were fixed in advance.

use crashrate_model::ALPHA;
use crashrate_stats::{Comparison, Counts, Interval, StatsError, compare, holm, risk_ratio};

use crate::view::Share;

/// Two rates compared. Differences and ratios are those of the second side against the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedTest {
    /// The difference with its interval, and p of this comparison alone.
    pub comparison: Comparison,
    /// p adjusted for all comparisons that are made together.
    pub p: f64,
    /// Whether the test and the interval both say that the rates differ.
    pub differs: bool,
    /// The ratio of the rates with its interval, where both sides had bad ends.
    pub ratio: Option<(f64, Interval)>,
}

pub(super) fn counts(share: Share) -> Result<Counts, StatsError> {
    Counts::new(share.bad.into(), share.n.into())
}

/// Tests that are made together. Sides without rounds say nothing and are no comparison; they take no part in the
/// adjustment.
pub(super) fn fixed(sides: &[[Share; 2]]) -> Vec<Option<FixedTest>> {
    let alone: Vec<_> = sides.iter().map(|sides| test(*sides)).collect();
    let p_values: Vec<f64> = alone.iter().flatten().map(|(c, _)| c.p).collect();
    let mut adjusted = holm(&p_values).unwrap_or_default().into_iter();
    let judged = alone.into_iter().map(|alone| {
        let (comparison, ratio) = alone?;
        let p = adjusted.next()?;
        Some(FixedTest {
            comparison,
            p,
            differs: comparison.differs(p, ALPHA),
            ratio,
        })
    });
    judged.collect()
}

fn test([one, two]: [Share; 2]) -> Option<(Comparison, Option<(f64, Interval)>)> {
    if one.n == 0 || two.n == 0 {
        return None;
    }
    let (first, second) = (counts(one).ok()?, counts(two).ok()?);
    let comparison = compare(second, first, ALPHA).ok()?;
    let ratio = (first.rate().zip(second.rate()))
        .filter(|_| one.bad > 0 && two.bad > 0)
        .and_then(|(a, b)| Some((b / a, risk_ratio(second, first, ALPHA).ok()?)));
    Some((comparison, ratio))
}
