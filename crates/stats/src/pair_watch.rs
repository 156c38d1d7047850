//! The stopping rule of a comparison within blocks.
//!
//! It receives blocks one by one, in the order of the plan. The first verdict is final: blocks that
//! still run after it do not change it.
//!
//! A round with an unknown result (the machine died, the user stopped the run) is never left out. A
//! verdict is reached only if it holds for every possible result of these rounds (Horowitz and
//! Manski 2000, J. Amer. Statist. Assoc. 95).

use crate::error::StatsError;
use crate::margin::MarginProcess;
use crate::multiple::ln_threshold;
use crate::paired::{Blocks, Worse};
use crate::special::ln_beta_kernel;

/// ln E of [`PairWatch`] after `only_one` = k and `only_two` = m blocks.
pub(crate) fn ln_e_matched(only_one: u64, only_two: u64) -> f64 {
    let (k, m) = (only_one as f64, only_two as f64);
    // Bayes' rule at 1/2: the prior density over the posterior density.
    ln_beta_kernel(0.5, 0.5, 0.5, 0.5) - ln_beta_kernel(0.5 + k, 0.5 + m, 0.5, 0.5)
}

/// Compares two sides within blocks during the run, by the anytime-valid form of McNemar's test.
///
/// The null hypothesis: of the blocks in which the sides differ, each side is the bad one with
/// probability 1/2. E = 2^(k+m) B(1/2+k, 1/2+m) / B(1/2, 1/2) after k blocks with only side one bad
/// and m with only side two bad. It is the likelihood under a Beta(1/2, 1/2) mixture over that
/// under 1/2. Under the null hypothesis E ever reaches 1/alpha with probability at most alpha,
/// regardless of any correlation within blocks and any change over the run. Blocks in which the
/// sides agree do not change it.
///
/// Robbins 1970, "Statistical methods related to the law of the iterated logarithm", Ann. Math.
/// Statist. 41.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairWatch {
    blocks: Blocks,
    /// Blocks that may be bad on side one alone, and on side two alone, depending on their unknown
    /// results.
    maybe: [u64; 2],
    /// Blocks with an unknown result.
    missing: u64,
    ln_needed: f64,
    /// The side shown to be worse, fixed at the first block that shows it.
    reached: Option<Worse>,
    margin: Option<MarginWatch>,
}

/// Tests whether side two is worse than side one by less than a margin.
#[derive(Debug, Clone, Copy, PartialEq)]
struct MarginWatch {
    process: MarginProcess,
    shown: bool,
}

impl PairWatch {
    /// Creates one of `comparisons` (at least 1) comparisons that share the error `alpha` (0 <
    /// `alpha` < 1).
    ///
    /// # Errors
    /// `alpha` or `comparisons` is out of range.
    pub fn new(alpha: f64, comparisons: usize) -> Result<Self, StatsError> {
        Ok(PairWatch {
            blocks: Blocks::default(),
            maybe: [0; 2],
            missing: 0,
            ln_needed: ln_threshold(alpha, comparisons)?,
            reached: None,
            margin: None,
        })
    }

    /// Also tests, by [`MarginProcess`], whether side two is bad more often than side one by less
    /// than `margin` (strictly between 0 and 1), if one is given.
    ///
    /// # Errors
    /// `margin` is out of range.
    pub fn with_margin(mut self, margin: Option<f64>) -> Result<Self, StatsError> {
        let process = margin.map(MarginProcess::new).transpose()?;
        self.margin = process.map(|process| MarginWatch {
            process,
            shown: false,
        });
        Ok(self)
    }

    /// Adds the next block in the order of the plan: whether each side was bad, or `None` if its
    /// result is unknown. After a verdict, only unknown results are added, because the verdict must
    /// hold for all of them.
    pub fn push(&mut self, sides: [Option<bool>; 2]) {
        if self.reached.is_some() && !sides.contains(&None) {
            return;
        }
        match sides {
            [Some(true), Some(true)] => self.blocks.both += 1,
            [Some(true), Some(false)] => self.blocks.only_one += 1,
            [Some(false), Some(true)] => self.blocks.only_two += 1,
            [Some(false), Some(false)] => self.blocks.neither += 1,
            unknown => {
                let maybe = maybe(unknown);
                self.missing += 1;
                self.maybe = [0, 1].map(|side| self.maybe[side] + u64::from(maybe[side]));
            }
        }
        if let Some(margin) = self.margin.as_mut().filter(|margin| !margin.shown) {
            // An unknown result counts as the one least favourable to "no worse".
            let [one, two] = sides;
            (margin.process).update(one.unwrap_or(false), two.unwrap_or(true));
            margin.shown = margin.process.ln_e() >= self.ln_needed;
        }
        self.reached = self.reached.or_else(|| self.judge());
    }

    /// Removes a block with an unknown result before it is drawn again.
    pub fn withdraw(&mut self, sides: [Option<bool>; 2]) {
        if !sides.contains(&None) {
            return;
        }
        let maybe = maybe(sides);
        self.missing = self.missing.saturating_sub(1);
        self.maybe = [0, 1].map(|side| self.maybe[side].saturating_sub(u64::from(maybe[side])));
    }

    fn judge(&self) -> Option<Worse> {
        let Blocks {
            only_one, only_two, ..
        } = self.blocks;
        let [maybe_one, maybe_two] = self.maybe;
        if only_one > only_two + maybe_two && self.reaches(only_one, only_two + maybe_two) {
            Some(Worse::One)
        } else if only_two > only_one + maybe_one && self.reaches(only_one + maybe_one, only_two) {
            Some(Worse::Two)
        } else {
            None
        }
    }

    fn reaches(&self, only_one: u64, only_two: u64) -> bool {
        ln_e_matched(only_one, only_two) >= self.ln_needed
    }

    /// Whether the two sides are shown to differ.
    pub fn is_decided(&self) -> bool {
        self.verdict().is_some()
    }

    /// Whether side two is shown to be worse by less than the margin; `None` without a margin.
    pub fn is_not_worse(&self) -> Option<bool> {
        self.margin.map(|margin| margin.shown)
    }

    /// The margin and ln E against "side two is worse by the margin or more", if a margin is
    /// tested.
    pub fn margin(&self) -> Option<(f64, f64)> {
        self.margin
            .map(|margin| (margin.process.margin(), margin.process.ln_e()))
    }

    /// Whether the question is answered: the sides differ, or side two is worse by less than the
    /// margin.
    pub fn is_answered(&self) -> bool {
        self.is_decided() || self.is_not_worse() == Some(true)
    }

    /// The side shown to be bad more often.
    pub fn verdict(&self) -> Option<Worse> {
        self.reached.filter(|_| self.judge() == self.reached)
    }

    /// The side that was bad alone in more blocks so far.
    pub fn worse(&self) -> Option<Worse> {
        match self.blocks.only_one.cmp(&self.blocks.only_two) {
            std::cmp::Ordering::Greater => Some(Worse::One),
            std::cmp::Ordering::Less => Some(Worse::Two),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// The measured blocks, up to the verdict.
    pub fn blocks(&self) -> Blocks {
        self.blocks
    }

    /// Blocks with an unknown result, up to the verdict.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Whether only the unknown results prevent a verdict.
    pub fn is_prevented(&self) -> bool {
        !self.is_decided() && self.ln_e() >= self.ln_needed
    }

    /// ln E of the measured blocks.
    pub fn ln_e(&self) -> f64 {
        ln_e_matched(self.blocks.only_one, self.blocks.only_two)
    }

    /// The ln E that a verdict needs.
    pub fn ln_needed(&self) -> f64 {
        self.ln_needed
    }
}

/// Whether side one alone, and side two alone, may have been bad.
fn maybe([one, two]: [Option<bool>; 2]) -> [bool; 2] {
    [
        one != Some(false) && two != Some(true),
        one != Some(true) && two != Some(false),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_final() {
        let mut pairs = PairWatch::new(0.05, 1).unwrap();
        for _ in 0..50 {
            pairs.push([Some(true), Some(false)]);
        }
        let at = pairs.blocks();
        assert_eq!((pairs.verdict(), at.n()), (Some(Worse::One), 7));
        for _ in 0..50 {
            pairs.push([Some(false), Some(true)]);
        }
        assert_eq!(pairs.blocks(), at);
    }

    #[test]
    fn unknown_results_count_against_a_verdict() {
        let mut pairs = PairWatch::new(0.05, 1).unwrap();
        pairs.push([None, Some(false)]);
        for _ in 0..7 {
            pairs.push([Some(false), Some(true)]);
        }
        assert!(!pairs.is_decided() && pairs.is_prevented());
        let mut again = pairs;
        again.withdraw([None, Some(false)]);
        again.push([Some(false), Some(false)]);
        assert!(again.is_decided());
        // The other side's unknown results could only add to the difference.
        let mut pairs = PairWatch::new(0.05, 1).unwrap();
        pairs.push([Some(true), None]);
        pairs.push([None, Some(false)]);
        for _ in 0..7 {
            pairs.push([Some(true), Some(false)]);
        }
        assert_eq!(pairs.verdict(), Some(Worse::One));
    }

    #[test]
    fn results_lost_after_a_verdict_can_revoke_it() {
        let mut pairs = PairWatch::new(0.05, 1).unwrap();
        for _ in 0..7 {
            pairs.push([Some(true), Some(false)]);
        }
        pairs.push([Some(true), None]);
        assert!(pairs.is_decided());
        pairs.push([Some(false), None]);
        assert!(!pairs.is_decided() && pairs.is_prevented());
    }

    #[test]
    fn e_is_the_product_of_predictions() {
        // The Krichevsky-Trofimov estimator predicts that the next block is of a kind with
        // probability (1/2 + seen) / (1 + all).
        let (mut k, mut m, mut ln_e) = (0_u64, 0_u64, 0.0_f64);
        for one in [true, true, false, true, true, true, false, true] {
            let seen = if one { k } else { m };
            ln_e += (2.0 * (0.5 + seen as f64) / (1.0 + (k + m) as f64)).ln();
            (k, m) = (k + u64::from(one), m + u64::from(!one));
            assert!((ln_e_matched(k, m) - ln_e).abs() < 1e-12);
        }
        assert!((ln_e_matched(7, 0).exp() - 26.812_5).abs() < 1e-9);
    }
}
