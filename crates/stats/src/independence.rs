//! Tests whether rounds are independent, as all intervals of this crate assume.

use crate::hypergeometric::Hypergeometric;
use crate::special::normal_upper;

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

/// The runs test of Wald and Wolfowitz on a sequence of good and bad rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunsTest {
    /// Maximal stretches of equal rounds.
    pub runs: u64,
    /// Bad rounds.
    pub bad: u64,
    /// Good rounds.
    pub good: u64,
    /// Exact probability of at most this many runs if all orders are equally likely: small if bad
    /// rounds cluster.
    pub few: f64,
    /// Exact probability of at least this many runs: small if good and bad rounds alternate.
    pub many: f64,
    /// Twice the smaller of `few` and `many`, at most 1.
    pub two_sided: f64,
}

/// Computes the runs test of `rounds`, in the order in which they ran, true for bad.
///
/// Wald and Wolfowitz 1940, "On a test whether two samples are from the same population", Ann.
/// Math. Statist. 11. Given the first and the last round, the number of runs is a hypergeometric
/// variable. The exact tails are therefore sums of three hypergeometric ones.
pub fn runs_test(rounds: &[bool]) -> RunsTest {
    let bad = rounds.iter().filter(|&&is_bad| is_bad).count() as u64;
    let good = rounds.len() as u64 - bad;
    let runs = rounds.chunk_by(|one, next| one == next).count() as u64;
    let (few, many) = match bad == 0 || good == 0 {
        true => (1.0, 1.0),
        false => run_tails(runs, bad, good),
    };
    RunsTest {
        runs,
        bad,
        good,
        few,
        many,
        two_sided: (2.0 * few.min(many)).min(1.0),
    }
}

/// P(R <= runs) and P(R >= runs), both counts at least 1.
fn run_tails(runs: u64, bad: u64, good: u64) -> (f64, f64) {
    let (b, g) = (bad as f64, good as f64);
    let orders = (b + g) * (b + g - 1.0);
    let (mut few, mut many) = (0.0, 0.0);
    // First and last round differ: R = 2 (J + 1).
    let differ = Hypergeometric::new(bad - 1, good - 1, good - 1);
    let weight = 2.0 * b * g / orders;
    if runs >= 2 {
        few += weight * differ.at_most(runs / 2 - 1);
    }
    many += weight * differ.at_least(runs.div_ceil(2) - 1);
    // First and last round are equal: R = 2 J + 1, where J is the number of runs of the other kind.
    for (ends, others) in [(bad, good), (good, bad)] {
        if ends < 2 {
            continue;
        }
        let alike = Hypergeometric::new(ends - 1, others - 1, others);
        let weight = ends as f64 * (ends as f64 - 1.0) / orders;
        few += weight * alike.at_most((runs - 1) / 2);
        many += weight * alike.at_least(runs / 2);
    }
    (few.min(1.0), many.min(1.0))
}

/// The rank-sum test of the positions of the bad rounds against those of the good ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankTrend {
    /// The number of (bad, good) pairs in which the good round comes first (Mann-Whitney's U of the
    /// bad rounds).
    pub u: u64,
    /// Two-sided p-value: twice the smaller tail, at most 1. Exact up to rounding, or by the normal
    /// approximation where the exact value takes too many steps.
    pub p: f64,
}

/// The most additions for an exact tail.
const MOST_STEPS: u64 = 20_000_000;

/// The most rounds of the rarer kind for which counting is numerically stable. Compared with
/// integer arithmetic, its relative error is 4e-15 at 200 among 200 and 6e-13 at 250, and grows
/// quickly beyond.
const MOST_COUNTED: u64 = 200;

/// Computes the rank trend of `rounds`, in the order in which they ran, true for bad.
///
/// Mann and Whitney 1947, "On a test of whether one of two random variables is stochastically
/// larger than the other", Ann. Math. Statist. 18.
pub fn rank_trend(rounds: &[bool]) -> RankTrend {
    let (mut u, mut bad, mut good) = (0, 0, 0);
    for &is_bad in rounds {
        if is_bad {
            u += good;
            bad += 1;
        } else {
            good += 1;
        }
    }
    let tail = lower_tail(bad.min(good), bad.max(good), u.min(bad * good - u));
    RankTrend {
        u,
        p: (2.0 * tail).min(1.0),
    }
}

/// P(U <= u) for `few` rounds of one kind among `many` of the other, u at most half of `few` times
/// `many`.
fn lower_tail(few: u64, many: u64, u: u64) -> f64 {
    if few <= MOST_COUNTED && few.saturating_mul(u + 1) <= MOST_STEPS {
        counted(few, many, u)
    } else {
        approximated(few, many, u)
    }
}

/// The tail by counting orders.
///
/// The numbers of orders with each U are the coefficients of the Gaussian binomial, the product
/// over i = 1..few of (1 - q^(many+i)) / (1 - q^i). Each factor is weighted by i/(many+i), which
/// turns the numbers into probabilities.
fn counted(few: u64, many: u64, u: u64) -> f64 {
    let mut chance = vec![0.0; u as usize + 1];
    chance[0] = 1.0;
    for i in 1..=few {
        // Beyond the degree of the product so far all probabilities are 0.
        let top = u.min(i * many) as usize;
        let weight = i as f64 / (many + i) as f64;
        let shift = (many + i) as usize;
        for at in (0..=top).rev() {
            let shifted = if at >= shift { chance[at - shift] } else { 0.0 };
            chance[at] = (chance[at] - shifted) * weight;
        }
        let step = i as usize;
        for at in step..=top {
            chance[at] += chance[at - step];
        }
    }
    chance.iter().sum::<f64>().clamp(0.0, 1.0)
}

/// The tail by the normal approximation with continuity correction.
fn approximated(few: u64, many: u64, u: u64) -> f64 {
    let (few, many) = (few as f64, many as f64);
    let variance = few * many * (few + many + 1.0) / 12.0;
    normal_upper((few * many / 2.0 - u as f64 - 0.5) / variance.sqrt())
}
