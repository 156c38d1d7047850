//! A stopping rule at work: fed with rounds one by one, and still once it has its verdict. What ran on after the verdict
//! (attempts that were under way, other comparisons that were still open) does not change it.

use crate::counts::Counts;
use crate::error::StatsError;
use crate::gate::{Gate, GateVerdict};
use crate::multiple::ln_threshold;
use crate::pairs::{DEFAULT_GAMMA, PairProcess};

/// A [`PairProcess`] that stands still once it has its verdict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairWatch {
    process: PairProcess,
    ln_needed: f64,
}

impl PairWatch {
    /// One of `comparisons` (at least 1) whose verdicts share the error `alpha` (0 < `alpha` < 1).
    pub fn new(alpha: f64, comparisons: usize) -> Result<Self, StatsError> {
        Ok(PairWatch {
            process: PairProcess::new(DEFAULT_GAMMA)?,
            ln_needed: ln_threshold(alpha, comparisons)?,
        })
    }

    /// Takes in the next pair, in the order of the plan; nothing once it has its verdict.
    pub fn push(&mut self, one_bad: bool, two_bad: bool) {
        if !self.is_decided() {
            self.process.update(one_bad, two_bad);
        }
    }

    /// Whether the two sides are shown to differ.
    pub fn is_decided(&self) -> bool {
        self.process.reached(self.ln_needed)
    }

    /// What was seen, up to the verdict.
    pub fn process(&self) -> &PairProcess {
        &self.process
    }

    /// Where ln E has to arrive.
    pub fn ln_needed(&self) -> f64 {
        self.ln_needed
    }
}

/// A [`Gate`] that stands still once it has its verdict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateWatch {
    gate: Gate,
    alpha: f64,
    bad: u64,
    n: u64,
    verdict: GateVerdict,
}

impl GateWatch {
    /// A gate at the rate `limit` with verdicts at error `alpha` (both strictly between 0 and 1).
    pub fn new(limit: f64, alpha: f64) -> Result<Self, StatsError> {
        ln_threshold(alpha, 1)?;
        Ok(GateWatch {
            gate: Gate::new(limit)?,
            alpha,
            bad: 0,
            n: 0,
            verdict: GateVerdict::Undecided,
        })
    }

    /// Takes in the next round; nothing once it has its verdict.
    pub fn push(&mut self, is_bad: bool) {
        if self.is_decided() {
            return;
        }
        let Ok(counts) = Counts::new(self.bad + u64::from(is_bad), self.n + 1) else {
            // More rounds than a rate takes: nothing can be added to what is known.
            return;
        };
        (self.bad, self.n) = (counts.bad(), counts.n());
        self.verdict = (self.gate.verdict(counts, self.alpha)).unwrap_or(GateVerdict::Undecided);
    }

    /// Whether the rate is shown to be below or above the limit.
    pub fn is_decided(&self) -> bool {
        self.verdict != GateVerdict::Undecided
    }

    /// The verdict so far.
    pub fn verdict(&self) -> GateVerdict {
        self.verdict
    }

    /// Bad rounds and all rounds, up to the verdict.
    pub fn seen(&self) -> (u64, u64) {
        (self.bad, self.n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_stays() {
        let mut pairs = PairWatch::new(0.05, 1).unwrap();
        for _ in 0..50 {
            pairs.push(true, false);
        }
        let at = *pairs.process();
        assert!(pairs.is_decided() && at.pairs() < 50);
        for _ in 0..50 {
            pairs.push(false, true);
        }
        assert_eq!(*pairs.process(), at);

        let mut gate = GateWatch::new(0.01, 0.05).unwrap();
        for _ in 0..400 {
            gate.push(false);
        }
        assert_eq!(
            (gate.verdict(), gate.seen()),
            (GateVerdict::Below, (0, 328))
        );
        gate.push(true);
        assert_eq!(gate.seen(), (0, 328));
    }
}
