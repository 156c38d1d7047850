//! Runs test: do bad rounds cluster?

use crate::hypergeometric::Hypergeometric;
use crate::special::normal_upper;

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
    /// The normal approximation's z, without continuity correction; 0 if only one number of runs is
    /// possible.
    pub z: f64,
    /// The two-sided p-value of `z`.
    pub normal_p: f64,
}

/// Computes the runs test of `rounds`, in the order in which they ran, true for bad.
///
/// Wald and Wolfowitz 1940, "On a test whether two samples are from the same population", Ann.
/// Math. Statist. 11. Given the first and the last round, the number of runs is a hypergeometric
/// variable. The exact tails are therefore sums of three hypergeometric ones.
pub fn runs_test(rounds: &[bool]) -> RunsTest {
    let bad = rounds.iter().filter(|&&is_bad| is_bad).count() as u64;
    let good = rounds.len() as u64 - bad;
    let changes = rounds.windows(2).filter(|pair| pair[0] != pair[1]).count() as u64;
    let runs = changes + u64::from(!rounds.is_empty());
    if bad == 0 || good == 0 {
        return RunsTest {
            runs,
            bad,
            good,
            few: 1.0,
            many: 1.0,
            two_sided: 1.0,
            z: 0.0,
            normal_p: 1.0,
        };
    }
    let (few, many) = tails(runs, bad, good);
    let z = z(runs, bad, good);
    RunsTest {
        runs,
        bad,
        good,
        few,
        many,
        two_sided: (2.0 * few.min(many)).min(1.0),
        z,
        normal_p: (2.0 * normal_upper(z.abs())).min(1.0),
    }
}

/// P(R <= runs) and P(R >= runs), both counts at least 1.
fn tails(runs: u64, bad: u64, good: u64) -> (f64, f64) {
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

fn z(runs: u64, bad: u64, good: u64) -> f64 {
    let (b, g) = (bad as f64, good as f64);
    let (n, product) = (b + g, 2.0 * b * g);
    let variance = product * (product - n) / (n * n * (n - 1.0));
    if variance > 0.0 {
        (runs as f64 - (product / n + 1.0)) / variance.sqrt()
    } else {
        0.0
    }
}
