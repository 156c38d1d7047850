//! Gates: tests whether a rate is below or above a limit, valid whenever the run stops.

use crate::counts::{Counts, MAX_ROUNDS};
use crate::error::{StatsError, open_unit, probability};
use crate::multiple::ln_threshold;
use crate::sequence::BetaPrior;
use crate::special::{beta_at, ln_add_exp};

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
    atom: f64,
    prior: BetaPrior,
}

impl Gate {
    /// Creates a gate at the rate `limit` (0 < `limit` < 1), with half of the weight on rate 0 and
    /// the rest on Beta(1/2, 1/2).
    pub fn new(limit: f64) -> Result<Self, StatsError> {
        Self::with_prior(limit, 0.5, BetaPrior::HALF)
    }

    /// Creates a gate at the rate `limit` (0 < `limit` < 1), with the weight `atom` (0 to 1) on
    /// rate 0 and the rest on `prior`.
    pub fn with_prior(limit: f64, atom: f64, prior: BetaPrior) -> Result<Self, StatsError> {
        Ok(Self {
            limit: open_unit("the limit", limit)?,
            atom: probability("the weight of rate 0", atom)?,
            prior,
        })
    }

    /// The limit.
    pub fn limit(self) -> f64 {
        self.limit
    }

    /// ln E against "the rate is at least the limit". Each bad round lowers it, each good one
    /// raises it.
    ///
    /// E = w \[k=0\] (1-p)^(-n) + (1-w) B(a+k, b+n-k) I_p(a+k, b+n-k) / (B(a,b) I_p(a,b) p^k
    /// (1-p)^(n-k)) for the limit p, the atom w and the prior Beta(a, b).
    pub fn ln_e_below(self, counts: Counts) -> f64 {
        let clean = if counts.bad() == 0 {
            self.atom.ln() - counts.n() as f64 * (-self.limit).ln_1p()
        } else {
            f64::NEG_INFINITY
        };
        let (a, b) = self.prior.updated(counts);
        let mixture = self.ln_lower_over_kernel(a, b)
            - self.ln_lower_over_kernel(self.prior.a(), self.prior.b());
        ln_add_exp(clean, (-self.atom).ln_1p() + mixture)
    }

    /// ln E against "the rate is at most the limit": the same with the upper tails 1 - I and
    /// without the atom.
    pub fn ln_e_above(self, counts: Counts) -> f64 {
        let (a, b) = self.prior.updated(counts);
        self.ln_upper_over_kernel(a, b) - self.ln_upper_over_kernel(self.prior.a(), self.prior.b())
    }

    /// The verdict at error `alpha` (0 < `alpha` < 1) after `counts`. The first verdict of a run is
    /// final.
    pub fn verdict(self, counts: Counts, alpha: f64) -> Result<GateVerdict, StatsError> {
        let needed = ln_threshold(alpha, 1)?;
        Ok(if self.ln_e_below(counts) >= needed {
            GateVerdict::Below
        } else if self.ln_e_above(counts) >= needed {
            GateVerdict::Above
        } else {
            GateVerdict::Undecided
        })
    }

    /// The smallest number of rounds, `bad` of them bad, after which the verdict is "below" at
    /// error `alpha` (0 < `alpha` < 1).
    pub fn rounds_to_pass(self, bad: u64, alpha: f64) -> Result<u64, StatsError> {
        let needed = ln_threshold(alpha, 1)?;
        let passes = |n| Counts::new(bad, n).map(|counts| self.ln_e_below(counts) >= needed);
        // For a fixed number of bad rounds, each further round raises E. The first pass can
        // therefore be bracketed and bisected.
        let mut failing = bad;
        let mut passing = bad.max(1);
        while !passes(passing)? {
            if passing == MAX_ROUNDS {
                return Err(StatsError::NotReached { limit: MAX_ROUNDS });
            }
            failing = passing;
            passing = (passing * 2).min(MAX_ROUNDS);
        }
        while passing - failing > 1 {
            let middle = failing + (passing - failing) / 2;
            if passes(middle)? {
                passing = middle;
            } else {
                failing = middle;
            }
        }
        Ok(passing)
    }

    /// ln of I(a, b) B(a, b) / (p^a (1-p)^b). A quotient of two of these contains all factors of
    /// the formula, and none of them overflows or underflows.
    fn ln_lower_over_kernel(self, a: f64, b: f64) -> f64 {
        let at = beta_at(a, b, self.limit, 1.0 - self.limit);
        at.ln_lower - at.ln_kernel
    }

    fn ln_upper_over_kernel(self, a: f64, b: f64) -> f64 {
        let at = beta_at(a, b, self.limit, 1.0 - self.limit);
        at.ln_upper - at.ln_kernel
    }
}
