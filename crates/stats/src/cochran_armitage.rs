//! Trend test: does a rate rise or fall from run to run?

use crate::counts::Counts;
use crate::error::StatsError;
use crate::special::normal_upper;

/// The result of a trend test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrendTest {
    /// The standard normal statistic: positive if the rate rises, negative if it falls, 0 if
    /// undefined.
    pub z: f64,
    /// Two-sided p-value, 1 if undefined.
    pub p: f64,
}

/// The Cochran-Armitage test of a linear trend of the rate over `runs` in order, with the scores 0,
/// 1, 2 and so on. A run without rounds keeps its score and adds nothing. The test is undefined if
/// fewer than two runs have rounds, or if all rounds or none were bad.
///
/// Requires independent rounds whose number was fixed in advance. The test is asymptotic: with
/// fewer than about five bad or five good rounds in total, the p-value is only a rough guide. It is
/// most sensitive to a steady change and may miss one that reverses.
///
/// # Errors
/// The runs together have more than [`crate::MAX_ROUNDS`] rounds.
///
/// Cochran 1954, "Some methods for strengthening the common chi-square tests", Biometrics 10;
/// Armitage 1955, "Tests for linear trends in proportions and frequencies", Biometrics 11.
pub fn cochran_armitage(runs: &[Counts]) -> Result<TrendTest, StatsError> {
    const UNDEFINED: TrendTest = TrendTest { z: 0.0, p: 1.0 };
    let total =
        |of: fn(Counts) -> u64| runs.iter().fold(0, |sum, &run| of(run).saturating_add(sum));
    let all = Counts::new(total(Counts::bad), total(Counts::n))?;
    let filled = runs.iter().filter(|run| run.n() > 0).count();
    if filled < 2 || all.bad() == 0 || all.good() == 0 {
        return Ok(UNDEFINED);
    }
    let sum = |of: &dyn Fn(f64, Counts) -> f64| {
        (0..runs.len())
            .map(|score| of(score as f64, runs[score]))
            .sum::<f64>()
    };
    let (n, bad, good) = (all.n() as f64, all.bad() as f64, all.good() as f64);
    // Scores relative to their mean, so that no digits cancel late in a long history.
    let middle = sum(&|score, run| score * run.n() as f64) / n;
    let lean = sum(&|score, run| (score - middle) * run.bad() as f64);
    let spread = sum(&|score, run| (score - middle).powi(2) * run.n() as f64);
    let z = lean / ((bad / n) * (good / n) * spread).sqrt();
    Ok(TrendTest {
        z,
        p: (2.0 * normal_upper(z.abs())).min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(counts: &[(u64, u64)]) -> Vec<Counts> {
        counts
            .iter()
            .map(|&(bad, n)| Counts::new(bad, n).expect("valid counts"))
            .collect()
    }

    #[test]
    fn a_trend_by_hand() {
        let test = cochran_armitage(&runs(&[(1, 10), (2, 10), (3, 10), (6, 10)])).unwrap();
        // lean = -1.5*1 - 0.5*2 + 0.5*3 + 1.5*6 = 8; spread = 50; rate 0.3.
        let z = 8.0 / (0.3_f64 * 0.7 * 50.0).sqrt();
        assert!((test.z - z).abs() < 1e-12, "{test:?}");
        assert!((test.p - 2.0 * normal_upper(z)).abs() < 1e-14);
    }

    #[test]
    fn a_falling_rate_mirrors_a_rising_one() {
        let mut history = runs(&[(0, 5), (1, 50), (0, 0), (7, 20)]);
        let rising = cochran_armitage(&history).unwrap();
        history.reverse();
        let falling = cochran_armitage(&history).unwrap();
        assert!(rising.z > 0.0);
        assert!((rising.z + falling.z).abs() < 1e-12);
    }

    #[test]
    fn undefined_trends_are_no_trends() {
        for counts in [
            &[][..],
            &[(3, 10)],
            &[(0, 0), (0, 0), (3, 10)],
            &[(0, 0), (0, 0), (0, 0), (1, 7), (0, 0)],
            &[(0, 10), (0, 20)],
            &[(10, 10), (20, 20)],
        ] {
            let test = cochran_armitage(&runs(counts)).unwrap();
            assert_eq!(test, TrendTest { z: 0.0, p: 1.0 }, "{counts:?}");
        }
        assert!(cochran_armitage(&runs(&[(0, 1_000_000_000), (1, 1)])).is_err());
    }
}
