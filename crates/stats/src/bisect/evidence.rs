//! The evidence of rounds at some commits for each place of the change.

use super::model::{ChangeModel, Tally};
use crate::special::{half_deviance, ln_add_exp, ln_beta, ln_beta_kernel};

/// Posterior probabilities closer than this, relatively, are the same up to rounding.
const SAME: f64 = 1e-12;

/// Hypotheses "the change is at t" that share their evidence, because no round was run between
/// them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Segment {
    pub(super) first: usize,
    pub(super) last: usize,
    /// The rounds at commits before the change.
    pub(super) before: Tally,
    /// The sum of the prior weights.
    weight: f64,
    /// ln of the largest likelihood under these hypotheses over that without a change.
    ln_fit: f64,
    /// ln of the evidence over the largest likelihood without a change.
    ln_evidence: f64,
    /// The posterior probability of a hypothesis over its prior weight.
    pub(super) density: f64,
}

/// Neighbouring commits that may have brought the change, and its posterior probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommitRange {
    /// The first commit.
    pub first: usize,
    /// The last commit.
    pub last: usize,
    /// The posterior probability that one of them brought the change.
    pub probability: f64,
}

/// What the rounds so far say about the first commit with the new rate.
///
/// The posterior is Bayesian. The e-values are valid whenever you stop, whatever the two rates are
/// and however the commits were chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeEvidence {
    pub(super) segments: Vec<Segment>,
    pub(super) all: Tally,
    none: f64,
    weights: Vec<f64>,
    /// Commits that cannot be tested, by commit.
    untestable: Vec<bool>,
    /// ln of the mixture of the evidence over the places of the change.
    ln_mixture: f64,
    ln_e_single: f64,
    means: [f64; 2],
}

/// ln of f(k, n; a, b) over the largest likelihood of a constant rate.
///
/// f is B(a+k, b+n-k) / B(a, b). By Bayes' rule at the observed rate it needs no difference of large
/// numbers.
fn ln_over_best(rounds: Tally, [a, b]: [f64; 2]) -> f64 {
    let (k, good, n) = (rounds.bad as f64, rounds.good() as f64, rounds.n as f64);
    if rounds.n == 0 {
        return 0.0;
    }
    if rounds.bad == 0 || rounds.bad == rounds.n {
        return ln_beta(a + k, b + good) - ln_beta(a, b);
    }
    let (x, y) = (k / n, good / n);
    a * x.ln() + b * y.ln() - ln_beta_kernel(a + k, b + good, x, y) - ln_beta(a, b)
}

/// ln of the largest likelihood of these rounds over their likelihood at the rate of `all`.
fn ln_fit(rounds: Tally, all: Tally) -> f64 {
    if rounds.n == 0 {
        return 0.0;
    }
    let share = rounds.n as f64 / all.n as f64;
    half_deviance(rounds.bad as f64, share * all.bad as f64)
        + half_deviance(rounds.good() as f64, share * all.good() as f64)
}

impl ChangeModel {
    /// What the rounds so far say about the place of the change.
    pub fn evidence(&self) -> ChangeEvidence {
        ChangeEvidence::new(self)
    }
}

impl ChangeEvidence {
    fn new(model: &ChangeModel) -> Self {
        let all: Tally = model.observed.values().copied().sum();
        let mut segments = segments(model, all);
        let ln_none = ln_over_best(all, model.old_prior);
        let places = segments
            .iter()
            .fold(f64::NEG_INFINITY, |sum, s| ln_add_exp(sum, s.ln_weighted()));
        let total = ln_add_exp(places, model.none.ln() + ln_none);
        for segment in &mut segments {
            segment.density = (segment.ln_evidence - total).exp();
        }
        let best_fit = segments.iter().map(|s| s.ln_fit).fold(0.0, f64::max);
        let saturated: f64 = (model.observed.values())
            .map(|rounds| ln_over_best(*rounds, [0.5, 0.5]) + ln_fit(*rounds, all))
            .sum();
        let mut evidence = Self {
            segments,
            all,
            none: (model.none.ln() + ln_none - total).exp(),
            weights: model.weights.clone(),
            untestable: model.untestable(),
            ln_mixture: places - model.weights.iter().sum::<f64>().ln(),
            ln_e_single: saturated - best_fit,
            means: [0.0; 2],
        };
        evidence.means = evidence.means(model);
        evidence
    }

    /// The posterior means of the two rates. Without a change the new rate has its prior mean.
    fn means(&self, model: &ChangeModel) -> [f64; 2] {
        let mean =
            |[a, b]: [f64; 2], rounds: Tally| (a + rounds.bad as f64) / (a + b + rounds.n as f64);
        let none = [
            self.none * mean(model.old_prior, self.all),
            self.none * mean(model.new_prior, Tally::default()),
        ];
        self.segments.iter().fold(none, |[old, new], segment| {
            let share = segment.probability();
            let after = self.all - segment.before;
            [
                old + share * mean(model.old_prior, segment.before),
                new + share * mean(model.new_prior, after),
            ]
        })
    }

    fn segment(&self, commit: usize) -> &Segment {
        &self.segments[self.segments.partition_point(|s| s.last < commit)]
    }

    /// The posterior probability that the change is at `commit` (1 to N).
    ///
    /// # Panics
    /// The commit is 0 or beyond the last one.
    pub fn probability(&self, commit: usize) -> f64 {
        self.weights[commit - 1] * self.segment(commit).density
    }

    /// The posterior probability that nothing changed.
    pub fn none(&self) -> f64 {
        self.none
    }

    /// The posterior means of the rates before and after the change.
    pub fn mean_rates(&self) -> [f64; 2] {
        self.means
    }

    /// The entropy of the posterior over the commits and "none", in bits.
    pub fn entropy(&self) -> f64 {
        let commits = (1..=self.weights.len()).map(|commit| self.probability(commit));
        commits.chain([self.none]).map(bits).sum()
    }

    /// The entropy of the posterior over the groups and "none", in bits.
    pub(super) fn group_entropy(&self) -> f64 {
        let groups = self.groups();
        let shares = groups.iter().map(|group| group.probability);
        shares.chain([self.none]).map(bits).sum()
    }

    /// The same commits with their posterior probability now.
    pub(super) fn of_range(&self, range: CommitRange) -> CommitRange {
        let commits = range.first..=range.last;
        CommitRange {
            probability: commits.map(|commit| self.probability(commit)).sum(),
            ..range
        }
    }

    /// The posterior by ranges of commits between tested ones, in order. The commits of a range
    /// have equal evidence.
    pub fn ranges(&self) -> Vec<CommitRange> {
        let range = |segment: &Segment| CommitRange {
            first: segment.first,
            last: segment.last,
            probability: segment.probability(),
        };
        self.segments.iter().map(range).collect()
    }

    /// The groups of commits that no testable commit can tell apart, in order.
    pub fn groups(&self) -> Vec<CommitRange> {
        let mut groups: Vec<CommitRange> = Vec::new();
        for commit in 1..=self.weights.len() {
            let probability = self.probability(commit);
            match groups.last_mut() {
                Some(group) if self.untestable[commit - 1] => {
                    group.last = commit;
                    group.probability += probability;
                }
                _ => groups.push(CommitRange {
                    first: commit,
                    last: commit,
                    probability,
                }),
            }
        }
        groups
    }

    /// The group with the largest posterior; the first one of several.
    pub fn best_group(&self) -> CommitRange {
        let groups = self.groups().into_iter();
        let larger = |best: CommitRange, group: CommitRange| match group.probability
            > best.probability * (1.0 + SAME)
        {
            true => group,
            false => best,
        };
        groups.reduce(larger).expect("there is at least one commit")
    }

    /// ln E against "nothing changed".
    pub fn ln_e_none(&self) -> f64 {
        self.ln_mixture
    }

    /// ln E against "the change is at `commit`" (1 to N).
    ///
    /// # Panics
    /// The commit is 0 or beyond the last one.
    pub fn ln_e_at(&self, commit: usize) -> f64 {
        self.ln_mixture - self.segment(commit).ln_fit
    }

    /// ln E against "at most one change".
    pub fn ln_e_single(&self) -> f64 {
        self.ln_e_single
    }

    /// The commits that are not refuted as the place of the change at error `alpha` (0 < `alpha` <
    /// 1), as ranges in order. If one commit brought the change, then the set contains it at all
    /// looks with probability at least 1 - `alpha`.
    pub fn confidence_set(&self, alpha: f64) -> Vec<CommitRange> {
        let mut ranges: Vec<CommitRange> = Vec::new();
        for range in self.ranges() {
            if self.ln_e_at(range.first) >= -alpha.ln() {
                continue;
            }
            match ranges.last_mut() {
                Some(before) if before.last + 1 == range.first => {
                    before.last = range.last;
                    before.probability += range.probability;
                }
                _ => ranges.push(range),
            }
        }
        ranges
    }

    /// The rounds at the commits before and after the change, if `group` brought it. Rounds inside
    /// of the group are in neither.
    pub(super) fn sides(&self, group: CommitRange) -> [Tally; 2] {
        let before = self.segment(group.first).before;
        let inside_or_before = self.segment(group.last).before;
        [before, self.all - inside_or_before]
    }
}

impl Segment {
    /// The posterior probability of the segment.
    pub(super) fn probability(&self) -> f64 {
        self.weight * self.density
    }

    fn ln_weighted(&self) -> f64 {
        self.weight.ln() + self.ln_evidence
    }
}

fn segments(model: &ChangeModel, all: Tally) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut before = Tally::default();
    let mut first = 1;
    let tested = model.observed.iter().map(|(at, rounds)| (*at, *rounds));
    for (last, rounds) in tested.chain([(model.commits, Tally::default())]) {
        if first <= last {
            let after = all - before;
            let ln_fit = ln_fit(before, all) + ln_fit(after, all);
            segments.push(Segment {
                first,
                last,
                before,
                weight: model.weights[first - 1..last].iter().sum(),
                ln_fit,
                ln_evidence: ln_fit
                    + ln_over_best(before, model.old_prior)
                    + ln_over_best(after, model.new_prior),
                density: 0.0,
            });
            first = last + 1;
        }
        before = before + rounds;
    }
    segments
}

/// The contribution of a probability to an entropy, in bits.
pub(super) fn bits(share: f64) -> f64 {
    match share > 0.0 {
        true => -share * share.log2(),
        false => 0.0,
    }
}
