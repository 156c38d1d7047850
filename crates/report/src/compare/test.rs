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
    /// Whether it takes no part in that: with so few rounds it could not show anything, whatever they came to.
    pub apart: bool,
    /// Whether the test and the interval both say that the rates differ.
    pub differs: bool,
    /// The ratio of the rates with its interval, where both sides had bad ends.
    pub ratio: Option<(f64, Interval)>,
}

pub(super) fn counts(share: Share) -> Result<Counts, StatsError> {
    Counts::new(share.bad.into(), share.n.into())
}

/// With this many rounds on both sides a test can always show a difference.
const ENOUGH: u32 = 10;

/// Whether a test of so many rounds could show a difference at all, whatever they came to.
///
/// Those that cannot are left out of the adjustment (Tarone 1990). That adds nothing to the error because it goes by the
/// rounds that were run and not by what came of them: of a chapter in a sequence, also those that did not reach it.
pub(super) fn can_show([one, two]: [u32; 2]) -> bool {
    if one.min(two) >= ENOUGH {
        return true;
    }
    let most_unlike = || {
        let none = Counts::new(0, one.into()).ok()?;
        let all = Counts::new(two.into(), two.into()).ok()?;
        compare(none, all, ALPHA).ok()
    };
    one > 0 && two > 0 && most_unlike().is_some_and(|c| c.p <= ALPHA)
}

/// Two sides to be tested.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) shares: [Share; 2],
    /// How many rounds were run on each side.
    pub(super) rounds: [u32; 2],
}

impl Pair {
    /// Sides without rounds say nothing and are no comparison.
    fn takes_part(&self) -> bool {
        self.shares.iter().all(|share| share.n > 0) && can_show(self.rounds)
    }
}

/// How many of these share the error between them.
pub(super) fn taking_part(pairs: &[Pair]) -> usize {
    pairs.iter().filter(|pair| pair.takes_part()).count()
}

/// Tests that are made together.
pub(super) fn fixed(pairs: &[Pair]) -> Vec<Option<FixedTest>> {
    let alone: Vec<_> = (pairs.iter())
        .map(|pair| Some((pair.takes_part(), test(pair.shares)?)))
        .collect();
    let tested = alone.iter().flatten().filter(|(takes_part, _)| *takes_part);
    let p_values: Vec<f64> = tested.map(|(_, (c, _))| c.p).collect();
    let mut adjusted = holm(&p_values).unwrap_or_default().into_iter();
    let judged = alone.into_iter().map(|alone| {
        let (takes_part, (comparison, ratio)) = alone?;
        let p = match takes_part {
            true => adjusted.next()?,
            false => comparison.p,
        };
        Some(FixedTest {
            comparison,
            p,
            apart: !takes_part,
            differs: takes_part && comparison.differs(p, ALPHA),
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
