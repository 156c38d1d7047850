//! The random numbers of the simulations.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Random numbers, the same for the same seed and stream.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        Self(random)
    }

    /// Uniform between 0 and 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        // The upper 53 bits make a float.
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub(crate) fn bad(&mut self, rate: f64) -> bool {
        self.uniform() < rate
    }

    /// A whole number below the limit.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.0.next_u64() % limit as u64) as usize
    }

    /// `count` different numbers below the limit, ascending.
    pub(crate) fn choose(&mut self, count: usize, limit: usize) -> Vec<usize> {
        let mut chosen = Vec::new();
        while chosen.len() < count {
            let number = self.below(limit);
            if !chosen.contains(&number) {
                chosen.push(number);
            }
        }
        chosen.sort_unstable();
        chosen
    }

    /// Draws a rate with this mean whose rounds have the correlation `rho`: with probability rho it
    /// is 0 or 1.
    pub(crate) fn frail(&mut self, mean: f64, rho: f64) -> f64 {
        match self.bad(rho) {
            true => f64::from(u8::from(self.bad(mean))),
            false => mean,
        }
    }
}
