//! Non-inferiority in matched pairs, valid whenever the run stops.

use std::f64::consts::LN_2;

use crate::error::{StatsError, open_unit};
use crate::special::ln_add_exp;

/// Maximum number of bets below the middle of the grid; margins under 1e-19 are not resolved
/// further.
const MOST_HALVINGS: i32 = 64;

/// The bets above the middle of the grid, as fractions of the largest one.
const BOLD: [f64; 2] = [0.875, 0.75];

/// The e-process against "side two is worse than side one by at least the margin". Under that null
/// E ever reaches 1/alpha with probability at most alpha, so it may be inspected after every block.
///
/// For a block let y be 1 if only side two was bad, -1 if only side one was, and 0 otherwise. The
/// null is that the mean of y, given the blocks before, is at least the margin m. A bet of size l
/// multiplies the capital by 1 + l (m - y). This factor has a mean of at most 1 under the null and
/// is never negative for l up to 1/(1 - m). E is the weighted mean of the capitals of a fixed grid
/// of bets. It depends only on the numbers of blocks, not on their order.
///
/// The bets are fractions f of the largest one. f = 1 has half of the weight: it grows fastest
/// while side two is never bad alone, and is lost the first time that happens. The fractions 7/8,
/// 3/4, 1/2, 1/4 and so on share the other half. They end at or below m, close to the best bet when
/// the rates are equal and the sides differ in every block.
///
/// Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by betting", J. R.
/// Statist. Soc. B 86.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarginProcess {
    margin: f64,
    halvings: i32,
    only_one: u64,
    only_two: u64,
    blocks: u64,
}

impl MarginProcess {
    /// Creates a process without blocks. `margin` (0 < `margin` < 1) is the smallest difference,
    /// rate two minus rate one, that counts as worse.
    ///
    /// # Errors
    /// `margin` is out of range.
    pub fn new(margin: f64) -> Result<Self, StatsError> {
        let margin = open_unit("the margin", margin)?;
        let mut halvings = 1;
        while halvings < MOST_HALVINGS && 0.5_f64.powi(halvings) > margin * (1.0 - margin) {
            halvings += 1;
        }
        Ok(Self {
            margin,
            halvings,
            only_one: 0,
            only_two: 0,
            blocks: 0,
        })
    }

    /// Adds the next block.
    pub fn update(&mut self, one_bad: bool, two_bad: bool) {
        self.only_one += u64::from(one_bad && !two_bad);
        self.only_two += u64::from(two_bad && !one_bad);
        self.blocks += 1;
    }

    /// The current ln E.
    pub fn ln_e(&self) -> f64 {
        let halves = (1..=self.halvings).map(|i| 0.5_f64.powi(i));
        let cautious = BOLD
            .into_iter()
            .chain(halves)
            .map(|fraction| self.ln_capital(fraction))
            .fold(f64::NEG_INFINITY, ln_add_exp);
        let ln_share = -((BOLD.len() as f64) + f64::from(self.halvings)).ln();
        ln_add_exp(self.ln_capital(1.0), ln_share + cautious) - LN_2
    }

    /// ln of the capital of a bet of this fraction of the largest, starting from 1.
    fn ln_capital(&self, fraction: f64) -> f64 {
        let size = fraction / (1.0 - self.margin);
        // 1 - size (1 - margin), without rounding: the largest bet loses everything.
        let lost = if self.only_two == 0 {
            0.0
        } else {
            self.only_two as f64 * (-fraction).ln_1p()
        };
        let concordant = (self.blocks - self.only_one - self.only_two) as f64;
        lost + concordant * (size * self.margin).ln_1p()
            + self.only_one as f64 * (size * (1.0 + self.margin)).ln_1p()
    }

    /// The margin.
    pub fn margin(&self) -> f64 {
        self.margin
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    /// The threshold ln 20 = ln(1 / 0.05), for an error probability of 5 %.
    const NEEDED: f64 = 2.995_732_273_553_991;

    fn uniform(rng: &mut ChaCha8Rng) -> f64 {
        (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The number of blocks until the verdict, if it takes at most `most`. The tuple holds the
    /// probabilities that only side one, or only side two, is bad in a block.
    fn blocks_to_verdict(
        rng: &mut ChaCha8Rng,
        margin: f64,
        (only_one, only_two): (f64, f64),
        most: u64,
    ) -> Option<u64> {
        let mut process = MarginProcess::new(margin).unwrap();
        (1..=most).find(|_| {
            let u = uniform(rng);
            process.update(u < only_one, u > 1.0 - only_two);
            process.ln_e() >= NEEDED
        })
    }

    #[test]
    fn a_new_process_has_no_evidence() {
        for margin in [1e-300, 1e-9, 0.02, 0.5, 0.999_999] {
            let process = MarginProcess::new(margin).unwrap();
            assert!(process.ln_e().abs() < 1e-12, "{margin}");
        }
        for margin in [0.0, 1.0, -0.1, f64::NAN] {
            assert!(MarginProcess::new(margin).is_err());
        }
    }

    #[test]
    fn every_bet_is_fair_at_the_margin() {
        for margin in [0.001, 0.1, 0.9] {
            let start = MarginProcess::new(margin).unwrap();
            let after = |one, two| {
                let mut process = start;
                process.update(one, two);
                process
            };
            for fraction in [1.0, 0.875, 0.5, 0.25, 1e-3] {
                let made = |process: MarginProcess| process.ln_capital(fraction).exp();
                for discordant in [margin, 0.5 * (1.0 + margin), 1.0] {
                    let only_two = (discordant + margin) / 2.0;
                    let mean = only_two * made(after(false, true))
                        + (discordant - only_two) * made(after(true, false))
                        + (1.0 - discordant) * made(after(true, true));
                    assert!(
                        (mean - 1.0).abs() < 1e-12,
                        "{margin} {fraction} {discordant}"
                    );
                }
            }
        }
    }

    #[test]
    fn clean_blocks_needed_for_a_verdict() {
        let mut process = MarginProcess::new(0.02).unwrap();
        while process.ln_e() < NEEDED {
            process.update(false, false);
        }
        // An exact test with a number of blocks fixed in advance needs 149.
        assert_eq!(process.blocks, 175);
    }

    #[test]
    fn one_bad_block_does_not_end_it() {
        let mut process = MarginProcess::new(0.02).unwrap();
        process.update(false, true);
        while process.ln_e() < NEEDED {
            process.update(true, true);
        }
        assert_eq!(process.blocks, 406);
    }

    #[test]
    fn long_runs_stay_finite() {
        let mut process = MarginProcess::new(0.5).unwrap();
        for _ in 0..1_000_000 {
            process.update(false, true);
        }
        assert!(process.ln_e().is_finite() && process.ln_e() < -1e3);
        let mut process = MarginProcess::new(0.5).unwrap();
        for _ in 0..1_000_000 {
            process.update(true, false);
        }
        assert!(process.ln_e().is_finite() && process.ln_e() > 1e5);
    }

    #[test]
    fn the_error_holds_at_the_margin() {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        const RUNS: usize = 800;
        for rates in [(0.0, 0.02), (0.05, 0.07), (0.49, 0.51)] {
            let wrong = (0..RUNS)
                .filter(|_| blocks_to_verdict(&mut rng, 0.02, rates, 1_000).is_some())
                .count();
            // Three standard deviations above 5 %.
            assert!(wrong as f64 <= RUNS as f64 * 0.0731, "{rates:?}: {wrong}");
        }
    }

    #[test]
    fn equal_rates_reach_a_verdict() {
        let mut rng = ChaCha8Rng::seed_from_u64(12);
        for (margin, rates, most) in [(0.1, (0.2, 0.2), 1_500), (0.02, (0.005, 0.005), 2_500)] {
            let times: Vec<_> = (0..200)
                .filter_map(|_| blocks_to_verdict(&mut rng, margin, rates, most))
                .collect();
            assert!(times.len() >= 180, "{margin} {rates:?}: {}", times.len());
        }
    }
}
