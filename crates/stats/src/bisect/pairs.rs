//! Whether one commit crashes more often than another, from pairs of independent rounds.

use super::model::Tally;

/// The prior count of bad and of good rounds on each side.
const PRIOR: f64 = 0.5;

/// Tests "side two is bad no more often than side one" from pairs of independent rounds, valid
/// whenever you stop.
///
/// Each pair multiplies E by P1(y1) P2(y2) / (P0(y1) P0(y2)). P1 and P2 are the Bernoulli
/// distributions at the rates estimated from earlier pairs, P0 that at their mean. A pair makes no
/// bet while side two does not look worse. Under equal rates the mean factor is at most 1 (Turner,
/// Ly and Gruenwald 2024, "Generic E-variables for exact sequential k-sample tests that allow for
/// optional stopping", Stat. Plan. Inference 230). If side one is worse, the factor is smaller on
/// average, because the factor of side one falls and that of side two rises with a bad round. The
/// sides must not share a seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairProcess {
    /// Bad and all rounds of each side, with the prior counts.
    sides: [[f64; 2]; 2],
    ln_e: f64,
    pairs: u64,
}

impl Default for PairProcess {
    fn default() -> Self {
        Self::learned([Tally::default(); 2], f64::INFINITY)
    }
}

impl PairProcess {
    /// A test that starts from rates learned elsewhere: bad and all rounds of each side. They count
    /// like at most `cap` rounds a side. They may influence how much is bet and must not be
    /// among the pairs.
    pub fn with_learned(one: crate::Counts, two: crate::Counts, cap: f64) -> Self {
        let tally = |counts: crate::Counts| Tally {
            bad: counts.bad(),
            n: counts.n(),
        };
        Self::learned([tally(one), tally(two)], cap)
    }

    pub(super) fn learned(sides: [Tally; 2], cap: f64) -> Self {
        let start = |rounds: Tally| {
            let (bad, n) = (PRIOR + rounds.bad as f64, 2.0 * PRIOR + rounds.n as f64);
            let scale = (cap / n).min(1.0);
            [scale * bad, scale * n]
        };
        Self {
            sides: sides.map(start),
            ln_e: 0.0,
            pairs: 0,
        }
    }

    /// Adds a pair: whether side one, and side two, was bad.
    pub fn push(&mut self, bad: [bool; 2]) {
        let rates = self.rates();
        let [one, two] = rates;
        if two > one {
            let common = (one + two) / 2.0;
            let chance = |rate: f64, is_bad: bool| if is_bad { rate } else { 1.0 - rate };
            for (rate, is_bad) in rates.into_iter().zip(bad) {
                self.ln_e += (chance(rate, is_bad) / chance(common, is_bad)).ln();
            }
        }
        for (side, is_bad) in self.sides.iter_mut().zip(bad) {
            side[0] += f64::from(u8::from(is_bad));
            side[1] += 1.0;
        }
        self.pairs += 1;
    }

    fn rates(&self) -> [f64; 2] {
        self.sides.map(|[bad, n]| bad / n)
    }

    /// ln E against "side two is bad no more often".
    pub fn ln_e(&self) -> f64 {
        self.ln_e
    }

    /// The pairs so far.
    pub fn pairs(&self) -> u64 {
        self.pairs
    }

    /// The mean growth of ln E a pair at these rates of the two sides, with bets on the same rates.
    pub(super) fn drift([one, two]: [f64; 2]) -> f64 {
        let common = (one + two) / 2.0;
        let divergence = |rate: f64| {
            let term = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
            term(rate, common) + term(1.0 - rate, 1.0 - common)
        };
        divergence(one) + divergence(two)
    }
}
