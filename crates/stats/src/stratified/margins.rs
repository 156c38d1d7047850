//! What the test of equal rates is conditional on.

use std::cmp::Reverse;

use crate::counts::Counts;
use crate::special::ln_binomial;

/// Two tables count as equally likely if the logarithms of their probabilities agree to this. R's
/// `fisher.test` uses the same tolerance.
const LN_TIE: f64 = 1e-7;

/// What a test is conditional on, and the likelihood of the observed table.
pub(super) struct Margins {
    /// The rounds of each machine, and of all after it: `rest[i]` is the sum from `i` on.
    pub(super) rounds: Vec<u64>,
    pub(super) rest: Vec<u64>,
    /// All bad rounds, or all good ones if these are fewer. The test is the same for both.
    pub(super) bad: u64,
    /// The most that a table may reach of [`Margins::ln_cell`] summed over its machines, to be at
    /// most as likely as the observed one.
    pub(super) ln_most: f64,
}

impl Margins {
    /// `None` if only one table has these margins.
    pub(super) fn of(machines: &[Counts]) -> Option<Margins> {
        let mut machines: Vec<Counts> = machines.iter().copied().filter(|m| m.n() > 0).collect();
        // Large machines first: few paths of the network are open when they are divided.
        machines.sort_by_key(|machine| Reverse(machine.n()));
        let all: u64 = machines.iter().map(|machine| machine.n()).sum();
        let bad: u64 = machines.iter().map(|machine| machine.bad()).sum();
        if machines.len() < 2 || bad == 0 || bad == all {
            return None;
        }
        let is_rare = bad <= all - bad;
        let rounds: Vec<u64> = machines.iter().map(|machine| machine.n()).collect();
        let mut rest = vec![0; rounds.len() + 1];
        for (at, n) in rounds.iter().enumerate().rev() {
            rest[at] = rest[at + 1] + n;
        }
        let mut margins = Margins {
            rounds,
            rest,
            bad: bad.min(all - bad),
            ln_most: 0.0,
        };
        let observed = machines.iter().enumerate().map(|(at, machine)| {
            let rare = if is_rare {
                machine.bad()
            } else {
                machine.good()
            };
            margins.ln_cell(at, rare)
        });
        margins.ln_most = observed.sum::<f64>() + LN_TIE;
        Some(margins)
    }

    /// ln of the binomial probability of this many bad rounds of a machine, at the common rate. Up
    /// to a constant, the sum over the machines is ln of the probability of the table.
    pub(super) fn ln_cell(&self, at: usize, bad: u64) -> f64 {
        self.ln_binomial(self.rounds[at], bad)
    }

    /// The same for all machines from this one on, whose cells may differ.
    pub(super) fn ln_rest(&self, at: usize, bad: u64) -> f64 {
        self.ln_binomial(self.rest[at], bad)
    }

    fn ln_binomial(&self, n: u64, bad: u64) -> f64 {
        let all = self.rest[0] as f64;
        let (p, q) = (
            self.bad as f64 / all,
            (self.rest[0] - self.bad) as f64 / all,
        );
        ln_binomial(bad as f64, (n - bad) as f64, p, q)
    }
}
