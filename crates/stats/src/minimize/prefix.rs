//! The search for the next needed chapter: the shortest prefix that crashes together with the
//! chapters kept so far.

use super::certificate::Sprt;
use super::rates::Rates;
use super::tally::{Seen, Tally};

/// The prior probability that no further chapter is needed.
const NONE_NEEDED: f64 = 0.3;

/// The prior probability that the kept chapters do not crash whatever precedes them.
const NEVER: f64 = 0.2;

/// A hypothesis with this posterior is taken for the truth.
const SURE: f64 = 0.99;

/// The test on fresh rounds of a prefix whose last chapter is about to be kept. The rounds that chose
/// it may owe their deaths to the background rate, and later searches could not tell.
pub(super) const CONFIRMATION: Sprt = Sprt {
    false_crash: 0.02,
    false_quiet: 0.02,
};

/// The rounds of one part.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    /// Whether each candidate is in the part, up to the last one that is.
    has: Vec<bool>,
    /// The length of the longest prefix that the part contains.
    prefix: usize,
    seen: Seen,
}

impl Evidence {
    fn new(chosen: &[usize], seen: Seen) -> Self {
        let mut has = vec![false; chosen.last().map_or(0, |last| last + 1)];
        chosen.iter().for_each(|c| has[*c] = true);
        let prefix = has.iter().take_while(|has| **has).count();
        Self { has, prefix, seen }
    }

    /// ln of the probability of the rounds if the shortest crashing prefix has this length.
    fn ln_likelihood(&self, rates: &Rates, length: usize) -> f64 {
        if length <= self.prefix {
            return rates.ln_crashing(self.seen);
        }
        match self.has.get(length - 1) {
            // The other needed chapters may be in the part or not: take what explains its rounds
            // best.
            Some(true) => rates.ln_either(self.seen),
            _ => rates.ln_quiet(self.seen),
        }
    }
}

/// The chapters kept, and the candidates: all chapters before them.
#[derive(Debug, Clone)]
pub(super) struct Prefixes<'a> {
    kept: &'a [usize],
    candidates: usize,
}

/// What the search has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// This chapter is needed; those behind it are not.
    Needed(usize),
    /// The kept chapters crash alone.
    NoneNeeded,
    /// The kept chapters do not crash, whatever precedes them.
    Never,
}

impl<'a> Prefixes<'a> {
    /// The search of a sequence of `chapters`, with these (ascending) kept.
    pub(super) fn new(kept: &'a [usize], chapters: usize) -> Self {
        Self {
            kept,
            candidates: kept.first().copied().unwrap_or(chapters),
        }
    }

    /// The first `length` candidates and the kept chapters.
    pub(super) fn part(&self, length: usize) -> Vec<usize> {
        (0..length).chain(self.kept.iter().copied()).collect()
    }

    /// The rounds of all parts that consist of the kept chapters and of candidates.
    pub(super) fn evidence(
        &self,
        tally: &Tally,
        place: Option<usize>,
        running: &[&[usize]],
    ) -> Vec<Evidence> {
        let done = tally
            .parts()
            .map(|(part, _)| (part, tally.seen(part, place)));
        // A running part probably survives: its round then counts against it already.
        let pending = running
            .iter()
            .map(|part| (*part, Seen::default().surviving(1)));
        let of = |(part, seen)| Some(Evidence::new(self.chosen(part)?, seen));
        done.chain(pending).filter_map(of).collect()
    }

    /// The candidates in `part`, if the rest of it are the kept chapters.
    fn chosen<'p>(&self, part: &'p [usize]) -> Option<&'p [usize]> {
        let length = part.len().checked_sub(self.kept.len())?;
        let (chosen, rest) = part.split_at(length);
        let is_before = chosen.last().is_none_or(|last| *last < self.candidates);
        (rest == self.kept && is_before).then_some(chosen)
    }

    /// The posterior of each length of the shortest crashing prefix; the last entry is "never".
    pub(super) fn posterior(&self, rates: &Rates, evidence: &[Evidence]) -> Vec<f64> {
        let mut ln_weights = self.ln_prior();
        for (length, weight) in ln_weights.iter_mut().enumerate() {
            let is_never = length > self.candidates;
            *weight += (evidence.iter())
                .map(|evidence| match is_never {
                    true => rates.ln_quiet(evidence.seen),
                    false => evidence.ln_likelihood(rates, length),
                })
                .sum::<f64>();
        }
        normalize(&ln_weights)
    }

    fn ln_prior(&self) -> Vec<f64> {
        let mut prior = vec![1.0; self.candidates + 2];
        let [none, never] = if self.kept.is_empty() {
            // The whole sequence crashes, and an empty one does not.
            [0.0, 0.0]
        } else {
            [NONE_NEEDED, NEVER]
        };
        let each = (1.0 - none - never) / self.candidates.max(1) as f64;
        prior.fill(each);
        prior[0] = none;
        prior[self.candidates + 1] = never;
        prior.into_iter().map(f64::ln).collect()
    }

    /// What the posterior says, once it is sure.
    pub(super) fn finding(&self, posterior: &[f64]) -> Option<Finding> {
        let sure = posterior.iter().position(|share| *share >= SURE)?;
        Some(match sure {
            0 => Finding::NoneNeeded,
            length if length <= self.candidates => Finding::Needed(length - 1),
            _ => Finding::Never,
        })
    }

    /// The length of the prefix whose next round gives most information; the shortest of equals.
    pub(super) fn most_informative(&self, rates: &Rates, posterior: &[f64]) -> usize {
        let shortest = usize::from(self.kept.is_empty());
        let mut best = (self.candidates, f64::NEG_INFINITY);
        let mut chance = 0.0;
        for (length, share) in posterior[..=self.candidates].iter().enumerate() {
            chance += share;
            let gain = rates.information(chance);
            if length >= shortest && gain > best.1 + 1e-12 {
                best = (length, gain);
            }
        }
        best.0
    }
}

/// Turns logarithms of weights into shares.
fn normalize(ln_weights: &[f64]) -> Vec<f64> {
    let largest = ln_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = ln_weights.iter().map(|w| (w - largest).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / total).collect()
}
