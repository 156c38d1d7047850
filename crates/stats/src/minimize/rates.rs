//! The two rates that the search tells apart.

use super::tally::Seen;

/// The rate of a part that crashes, and of one that does not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rates {
    /// The crash rate of the whole sequence.
    pub(super) whole: f64,
    /// A part with at least this crash rate crashes.
    pub(super) level: f64,
    /// A part with at most this crash rate does not.
    pub(super) background: f64,
}

/// The share of the whole sequence's rate that a part must keep.
const LEVEL: f64 = 0.7;

/// The background rate that is assumed, unless the level is low.
const BACKGROUND: f64 = 0.005;

/// The background rate as a share of the level is at most this.
const LARGEST_BACKGROUND: f64 = 0.05;

impl Rates {
    pub(super) fn of(whole: Seen, background: Option<f64>) -> Self {
        let rate = whole.deaths as f64 / whole.rounds() as f64;
        Self::at_level(LEVEL * rate, background)
    }

    /// The rates for a level.
    pub(super) fn at_level(level: f64, background: Option<f64>) -> Self {
        Self {
            whole: level / LEVEL,
            level,
            background: background
                .unwrap_or(BACKGROUND)
                .min(LARGEST_BACKGROUND * level),
        }
    }

    /// ln of the probability of these rounds if the part crashes.
    pub(super) fn ln_crashing(&self, seen: Seen) -> f64 {
        ln_likelihood(seen, self.level)
    }

    /// ln of the probability of these rounds if the part does not crash.
    pub(super) fn ln_quiet(&self, seen: Seen) -> f64 {
        ln_likelihood(seen, self.background)
    }

    /// ln of the larger of the two probabilities.
    pub(super) fn ln_either(&self, seen: Seen) -> f64 {
        self.ln_crashing(seen).max(self.ln_quiet(seen))
    }

    /// ln of the likelihood ratio of "crashes" over "does not crash".
    pub(super) fn ln_ratio(&self, seen: Seen) -> f64 {
        self.ln_crashing(seen) - self.ln_quiet(seen)
    }

    /// The rounds without a death after which a part with the level's rate would have died with
    /// probability `1 - miss`.
    pub(super) fn rounds_to_miss(&self, miss: f64) -> u64 {
        (miss.ln() / (-self.level).ln_1p()).ceil() as u64
    }

    /// The mean growth of `ln_ratio` a round of a part that crashes at the whole sequence's rate.
    pub(super) fn drift(&self) -> f64 {
        let death = self.level.ln() - self.background.ln();
        let survival = (-self.level).ln_1p() - (-self.background).ln_1p();
        self.whole * death + (1.0 - self.whole) * survival
    }

    /// The information, in bits, of one more round of a part that crashes with probability
    /// `chance`.
    pub(super) fn information(&self, chance: f64) -> f64 {
        let mixed = chance * self.level + (1.0 - chance) * self.background;
        entropy(mixed) - chance * entropy(self.level) - (1.0 - chance) * entropy(self.background)
    }
}

fn ln_likelihood(seen: Seen, rate: f64) -> f64 {
    seen.deaths as f64 * rate.ln() + seen.survived as f64 * (-rate).ln_1p()
}

/// The entropy of a Bernoulli variable, in bits.
fn entropy(p: f64) -> f64 {
    let term = |p: f64| if p > 0.0 { -p * p.log2() } else { 0.0 };
    term(p) + term(1.0 - p)
}
