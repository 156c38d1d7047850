//! Tests whether rounds are independent, as all intervals of this crate assume.

use crate::runs::{RunsTest, runs_test};
use crate::trend::{RankTrend, rank_trend};

/// The error shared by all tests of independence of a run.
pub const INDEPENDENCE_ALPHA: f64 = 0.05;

/// With fewer good or fewer bad rounds than this, the order is uninformative.
const FEWEST_OF_EACH: u64 = 5;

/// The pattern of bad rounds in a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// No evidence against independence.
    Independent,
    /// Bad rounds cluster: intervals are too narrow and p-values too small.
    Clustered,
    /// The rate changes over the run, so no single rate describes it.
    Drifting,
    /// Good and bad rounds alternate more often than by chance.
    Alternating,
}

/// The two tests of independence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Independence {
    /// The runs test.
    pub runs: RunsTest,
    /// The rank trend.
    pub trend: RankTrend,
    /// Their combined result at the given error.
    pub pattern: Pattern,
}

/// Whether `rounds` has enough of both kinds to test their order: at least five good and five bad
/// ones.
pub fn has_order(rounds: &[bool]) -> bool {
    let bad = rounds.iter().filter(|&&is_bad| is_bad).count() as u64;
    bad.min(rounds.len() as u64 - bad) >= FEWEST_OF_EACH
}

/// Tests the order of `rounds` (true for bad, in the order of the plan) by [`runs_test`] and
/// [`rank_trend`]; see those for the sources. Each test uses half of `alpha` (0 < `alpha` < 1). For
/// several series tested together, pass the common error divided by their number. `None` unless the
/// rounds satisfy [`has_order`].
pub fn independence(rounds: &[bool], alpha: f64) -> Option<Independence> {
    if !has_order(rounds) {
        return None;
    }
    let alpha = alpha / 2.0;
    let (runs, trend) = (runs_test(rounds), rank_trend(rounds));
    let surprising = runs.two_sided <= alpha;
    // A drift also reduces the number of runs; clustering is then the more general term.
    let pattern = if surprising && runs.few < runs.many {
        Pattern::Clustered
    } else if trend.p <= alpha {
        Pattern::Drifting
    } else if surprising {
        Pattern::Alternating
    } else {
        Pattern::Independent
    };
    Some(Independence {
        runs,
        trend,
        pattern,
    })
}
