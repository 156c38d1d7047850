//! Tests whether an arm crashes more often than the base by a factor, from blocks of slices.

use super::{BLOCK_BASES, Tally};

/// The alternatives, as multiples of the gain of the null. The last one is "the base never
/// crashes".
const ALTERNATIVES: [f64; 8] = [1.2, 1.5, 2.0, 3.0, 6.0, 15.0, 50.0, f64::INFINITY];

/// The events of the search that the weights of the alternatives are learned from, at most.
const LEARNED_CRASHES: f64 = 10.0;

/// The share of the weights that is spread evenly, whatever the search has seen.
const EVEN: f64 = 0.2;

/// Tests "the arm crashes at most `gain` times as often a second as the base" from blocks of one
/// slice of the arm and some of the base, valid whenever you stop.
///
/// Let the crashes of a slice have the means a (arm) and b (base), and let s be the mean seconds of
/// a slice of the arm over those of the base. The null says a <= G b for G = `gain` s. If it holds
/// with equality, a crash of a block falls in the arm's slice with the odds G / n, where n is the
/// number of base slices of a block. For an alternative g > G, each crash of the arm multiplies E by
/// q/p and each crash of the base by (1-q)/(1-p), where p and q are the shares for G and g. This is
/// the likelihood ratio of the binomial distribution given the number of crashes.
///
/// A block's factor has a mean of at most 1 under the null, if the crashes of a slice have a
/// generating function of at most exp(m (z - 1)) for their mean m: Poisson crashes have, and so have
/// rounds that each crash or not, however many, as 1 + y <= exp(y). The mean of the factor is then
/// at most exp((q - p) (a/p - n b/(1-p))), and the exponent is at most 0 because of a <= G b. The two means
/// may change from block to block.
///
/// So the seconds of a block must not enter its own factor. A slice that ends with its crash would be
/// short because it crashed, and would look like a higher rate. Whole slices are counted, and s comes
/// from the slices before the block. E is a mean over fixed alternatives; their weights come from
/// the search, whose slices are not used again.
///
/// Ville 1939; Przyborowski and Wilenski 1940, Biometrika 31 (the conditional distribution);
/// Grunwald, de Heide and Koolen 2024, "Safe testing", J. R. Statist. Soc. B 86.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GainProcess {
    gain: f64,
    /// ln of the weight of each alternative, plus ln of its likelihood ratio.
    ln_e: [f64; ALTERNATIVES.len()],
    blocks: u64,
}

/// The probability that a crash falls in the arm, for the odds `x`, and its complement.
fn shares(x: f64) -> [f64; 2] {
    match x.is_finite() {
        true => [x / (1.0 + x), 1.0 / (1.0 + x)],
        false => [1.0, 0.0],
    }
}

/// ln of the probability of this split of the crashes, without the binomial coefficient. A share
/// of 0 without crashes contributes nothing.
fn ln_split(crashes: [f64; 2], shares: [f64; 2]) -> f64 {
    let term = |crashes: f64, share: f64| match crashes > 0.0 {
        true => crashes * share.ln(),
        false => 0.0,
    };
    term(crashes[0], shares[0]) + term(crashes[1], shares[1])
}

impl GainProcess {
    /// A test against `gain`, with weights learned from the slices of the arm and of the base so
    /// far.
    pub(super) fn new(gain: f64, arm: &Tally, base: &Tally) -> Self {
        let crashes = [arm.crashes as f64, base.crashes as f64];
        let all = crashes[0] + crashes[1];
        let scale = (LEARNED_CRASHES / all.max(1.0)).min(1.0);
        let exposures = arm.seconds / base.seconds;
        let likelihood = ALTERNATIVES.map(|multiple| {
            let shares = shares(multiple * gain * exposures);
            ln_split(crashes.map(|crashes| scale * crashes), shares).exp()
        });
        let sum: f64 = likelihood.iter().sum();
        let even = EVEN / ALTERNATIVES.len() as f64;
        Self {
            gain,
            ln_e: likelihood.map(|one| (even + (1.0 - EVEN) * one / sum).ln()),
            blocks: 0,
        }
    }

    /// Adds a block: the crashes of the arm's slice and of the base's slices, and the mean seconds of
    /// a slice of the arm over those of the base, from earlier slices.
    pub(super) fn push(&mut self, [arm, base]: [u64; 2], seconds: f64) {
        let crashes = [arm as f64, base as f64];
        let odds = self.gain * seconds / BLOCK_BASES as f64;
        let null = ln_split(crashes, shares(odds));
        for (ln_e, multiple) in self.ln_e.iter_mut().zip(ALTERNATIVES) {
            *ln_e += ln_split(crashes, shares(multiple * odds)) - null;
        }
        self.blocks += 1;
    }

    /// ln E against "at most the gain".
    pub(super) fn ln_e(&self) -> f64 {
        let add = crate::special::ln_add_exp;
        self.ln_e.iter().copied().fold(f64::NEG_INFINITY, add)
    }

    pub(super) fn blocks(&self) -> u64 {
        self.blocks
    }
}
