//! Are rounds independent, as every interval here assumes?

use crate::runs::{RunsTest, runs_test};
use crate::trend::{RankTrend, rank_trend};

/// The error of each of the two tests; together at most 0.05.
pub const INDEPENDENCE_ALPHA: f64 = 0.025;

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
    /// What they say together, each at [`INDEPENDENCE_ALPHA`].
    pub pattern: Pattern,
}

/// Tests the order of `rounds` (true for bad, as they were run): [`runs_test`] and [`rank_trend`], see there for the
/// sources. None with fewer than five good or five bad rounds.
pub fn independence(rounds: &[bool]) -> Option<Independence> {
    let bad = rounds.iter().filter(|&&is_bad| is_bad).count() as u64;
    if bad.min(rounds.len() as u64 - bad) < FEWEST_OF_EACH {
        return None;
    }
    let (runs, trend) = (runs_test(rounds), rank_trend(rounds));
    let surprising = runs.two_sided <= INDEPENDENCE_ALPHA;
    // A drift also makes for few runs; clustering is then the more general word.
    let pattern = if surprising && runs.few < runs.many {
        Pattern::Clustered
    } else if trend.p <= INDEPENDENCE_ALPHA {
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
