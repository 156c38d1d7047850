//! Gates: tests whether a rate is below or above a limit, valid whenever the run stops.

use std::f64::consts::LN_2;

use crate::counts::{Counts, MAX_ROUNDS};
use crate::error::{StatsError, open_unit};
use crate::multiple::ln_threshold;
use crate::special::{BetaAt, beta_at, count_while, ln_add_exp};

/// The verdict of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateVerdict {
    /// The rate is shown to be below the limit.
    Below,
    /// The rate is shown to be above the limit.
    Above,
    /// Neither is shown.
    Undecided,
}

/// A limit for a rate, with two e-processes: one against "the rate is at least the limit", which a
/// chapter without failures rejects, and one against "the rate is at most the limit". Under its own
/// null, each ever reaches 1/alpha with probability at most alpha. The alternatives are beta
/// mixtures truncated at the limit; the first also has an atom at rate 0.
///
/// Ramdas, Gruenwald, Vovk and Shafer 2023, "Game-theoretic statistics and safe anytime-valid
/// inference", Statist. Sci. 38; the mixture is Robbins' (1970).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    limit: f64,
}

impl Gate {
    /// Creates a gate at the rate `limit` (0 < `limit` < 1).
    pub fn new(limit: f64) -> Result<Self, StatsError> {
        Ok(Self {
            limit: open_unit("the limit", limit)?,
        })
    }

    /// ln E against "the rate is at least the limit". Each bad round lowers it, each good one
    /// raises it.
    ///
    /// E = w \[k=0\] (1-p)^(-n) + (1-w) B(a+k, b+n-k) I_p(a+k, b+n-k) / (B(a,b) I_p(a,b) p^k
    /// (1-p)^(n-k)) for the limit p, the weight w = 1/2 of rate 0, and a = b = 1/2.
    pub fn ln_e_below(self, counts: Counts) -> f64 {
        let clean = match counts.bad() {
            0 => -(counts.n() as f64) * (-self.limit).ln_1p(),
            _ => f64::NEG_INFINITY,
        };
        let over_kernel = |at: BetaAt| at.ln_lower - at.ln_kernel;
        let mixture =
            over_kernel(self.beta(counts.bad(), counts.good())) - over_kernel(self.beta(0, 0));
        ln_add_exp(clean, mixture) - LN_2
    }

    /// ln E against "the rate is at most the limit": the same with the upper tails 1 - I and
    /// without the atom.
    pub fn ln_e_above(self, counts: Counts) -> f64 {
        let over_kernel = |at: BetaAt| at.ln_upper - at.ln_kernel;
        over_kernel(self.beta(counts.bad(), counts.good())) - over_kernel(self.beta(0, 0))
    }

    /// The smallest number of rounds, `bad` of them bad, after which the verdict is "below" at
    /// error `alpha` (0 < `alpha` < 1): ln E is at least ln(1/`alpha`).
    pub fn rounds_to_pass(self, bad: u64, alpha: f64) -> Result<u64, StatsError> {
        let needed = ln_threshold(alpha, 1)?;
        let least = Counts::new(bad, bad.max(1))?.n();
        let fails = |n| Counts::new(bad, n).is_ok_and(|counts| self.ln_e_below(counts) < needed);
        // For a fixed number of bad rounds, each further round raises E.
        let rounds = least + count_while(MAX_ROUNDS - least + 1, |more| fails(least + more));
        match rounds <= MAX_ROUNDS {
            true => Ok(rounds),
            false => Err(StatsError::NotReached { limit: MAX_ROUNDS }),
        }
    }

    /// The posterior after this many rounds, at the limit. A tail over its kernel is
    /// I(a, b) B(a, b) / (p^a (1-p)^b). A quotient of two of these contains all factors of the
    /// formula, and none of them overflows or underflows.
    fn beta(self, bad: u64, good: u64) -> BetaAt {
        let (a, b) = (0.5 + bad as f64, 0.5 + good as f64);
        beta_at(a, b, self.limit, 1.0 - self.limit)
    }
}

/// A [`Gate`] that is final once it reaches a verdict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateWatch {
    gate: Gate,
    ln_below: f64,
    ln_above: f64,
    bad: u64,
    n: u64,
    missing: u64,
    /// The first verdict reached.
    reached: GateVerdict,
}

impl GateWatch {
    /// Creates one of `gates` (at least 1) gates at the rate `limit`; `limit` and `alpha` lie
    /// strictly between 0 and 1.
    ///
    /// "Below" is tested at error `alpha`. A run passes only if every gate is below its limit,
    /// which is wrong with probability at most `alpha` without adjustment (intersection-union test,
    /// Berger 1982, Technometrics 24). "Above" is tested at `alpha` divided by `gates` (the first
    /// step of Holm 1979), because one such gate refutes the run.
    ///
    /// # Errors
    /// An argument is out of range.
    pub fn new(limit: f64, alpha: f64, gates: usize) -> Result<Self, StatsError> {
        Ok(GateWatch {
            gate: Gate::new(limit)?,
            ln_below: ln_threshold(alpha, 1)?,
            ln_above: ln_threshold(alpha, gates)?,
            bad: 0,
            n: 0,
            missing: 0,
            reached: GateVerdict::Undecided,
        })
    }

    /// Adds the next round in the order of the plan: whether it was bad, or `None` if it was
    /// started and its result is unknown. Such a round counts as bad for "below", and as good for
    /// "above". After a verdict, only unknown results are added, because the verdict must hold for
    /// all of them.
    pub fn push(&mut self, is_bad: Option<bool>) {
        if self.reached != GateVerdict::Undecided && is_bad.is_some() {
            return;
        }
        match is_bad {
            Some(is_bad) => {
                self.bad += u64::from(is_bad);
                self.n += 1;
            }
            None => self.missing += 1,
        }
        if self.reached == GateVerdict::Undecided {
            self.reached = self.judge();
        }
    }

    fn judge(&self) -> GateVerdict {
        let all = self.n + self.missing;
        let (Ok(worst), Ok(best)) = (
            Counts::new(self.bad + self.missing, all),
            Counts::new(self.bad, all),
        ) else {
            // More than `MAX_ROUNDS` rounds: the verdict can no longer change.
            return self.reached;
        };
        if self.gate.ln_e_below(worst) >= self.ln_below {
            GateVerdict::Below
        } else if self.gate.ln_e_above(best) >= self.ln_above {
            GateVerdict::Above
        } else {
            GateVerdict::Undecided
        }
    }

    /// Whether the rate is shown to be below or above the limit.
    pub fn is_decided(&self) -> bool {
        self.verdict() != GateVerdict::Undecided
    }

    /// The verdict so far.
    pub fn verdict(&self) -> GateVerdict {
        // Without unknown results the first verdict is final.
        match self.missing == 0 || self.judge() == self.reached {
            true => self.reached,
            false => GateVerdict::Undecided,
        }
    }

    /// The logarithm of the evidence for the likelier verdict, and of the evidence that it takes.
    pub fn progress(&self) -> (f64, f64) {
        let all = self.n + self.missing;
        let below = Counts::new(self.bad + self.missing, all);
        let below = below.map_or(0.0, |worst| self.gate.ln_e_below(worst));
        let above = Counts::new(self.bad, all);
        let above = above.map_or(0.0, |best| self.gate.ln_e_above(best));
        match below >= above {
            true => (below, self.ln_below),
            false => (above, self.ln_above),
        }
    }

    /// Bad rounds and measured rounds, up to the verdict.
    pub fn seen(&self) -> (u64, u64) {
        (self.bad, self.n)
    }

    /// Rounds that were started and whose result is unknown, up to the verdict.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Whether only the unknown results prevent a verdict.
    pub fn is_prevented(&self) -> bool {
        let known = Counts::new(self.bad, self.n);
        !self.is_decided()
            && self.missing > 0
            && known.is_ok_and(|known| {
                self.gate.ln_e_below(known) >= self.ln_below
                    || self.gate.ln_e_above(known) >= self.ln_above
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_final() {
        let mut gate = GateWatch::new(0.01, 0.05, 1).unwrap();
        for _ in 0..400 {
            gate.push(Some(false));
        }
        assert_eq!(
            (gate.verdict(), gate.seen()),
            (GateVerdict::Below, (0, 328))
        );
        gate.push(Some(true));
        assert_eq!(gate.seen(), (0, 328));
    }

    #[test]
    fn unknown_results_count_against_a_verdict() {
        let mut gate = GateWatch::new(0.01, 0.05, 1).unwrap();
        gate.push(None);
        for _ in 0..400 {
            gate.push(Some(false));
        }
        assert!(!gate.is_decided() && gate.is_prevented());
        for _ in 0..400 {
            gate.push(Some(false));
        }
        assert_eq!((gate.verdict(), gate.missing()), (GateVerdict::Below, 1));

        let mut gate = GateWatch::new(0.2, 0.05, 1).unwrap();
        for _ in 0..4 {
            gate.push(None);
        }
        for _ in 0..3 {
            gate.push(Some(true));
        }
        assert!(!gate.is_decided());
    }

    #[test]
    fn results_lost_after_a_verdict_can_revoke_it() {
        let mut gate = GateWatch::new(0.01, 0.05, 1).unwrap();
        for _ in 0..328 {
            gate.push(Some(false));
        }
        assert!(gate.is_decided());
        gate.push(None);
        assert!(!gate.is_decided() && gate.is_prevented());
    }

    #[test]
    fn one_of_many_gates_is_refuted_later() {
        let rounds = |gates| {
            let mut gate = GateWatch::new(0.2, 0.05, gates).unwrap();
            while !gate.is_decided() {
                gate.push(Some(true));
            }
            gate.seen().1
        };
        assert!(rounds(1) < rounds(20));
    }
}
