//! Are rounds independent, as every interval here assumes?

use crate::runs::{RunsTest, runs_test};
use crate::trend::{RankTrend, rank_trend};

/// The error of all tests of independence that are made together.
pub const INDEPENDENCE_ALPHA: f64 = 0.05;

/// Fewer good or fewer bad rounds than this say nothing about their order.
const FEWEST_OF_EACH: u64 = 5;

/// How the bad rounds lie among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// Nothing speaks against independence.
    Independent,
    /// Bad rounds come in clusters: intervals and p-values claim too much.
    Clustered,
    /// The rate changes over the run: there is no one rate to estimate.
    Drifting,
    /// Good and bad alternate more than chance would have it.
    Alternating,
}

/// The two tests of independence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Independence {
    /// The runs test.
    pub runs: RunsTest,
    /// The rank trend.
    pub trend: RankTrend,
    /// What they say together, at the error that was given to them.
    pub pattern: Pattern,
}

/// Whether the order of `rounds` can say anything: there are at least five good and five bad ones.
pub fn has_order(rounds: &[bool]) -> bool {
    let bad = rounds.iter().filter(|&&is_bad| is_bad).count() as u64;
    bad.min(rounds.len() as u64 - bad) >= FEWEST_OF_EACH
}

/// Tests the order of `rounds` (true for bad, in the order of the plan): [`runs_test`] and [`rank_trend`], see there for the
/// sources. Each is made at half of `alpha` (0 < `alpha` < 1), which for one of several series tested together is the
/// common error divided by their number. None unless the rounds [`has_order`].
pub fn independence(rounds: &[bool], alpha: f64) -> Option<Independence> {
    if !has_order(rounds) {
        return None;
    }
    let alpha = alpha / 2.0;
    let (runs, trend) = (runs_test(rounds), rank_trend(rounds));
    let surprising = runs.two_sided <= alpha;
    // A drift also makes for few runs; clustering is then the more general word.
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
