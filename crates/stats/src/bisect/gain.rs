//! Which commit to run next: the largest expected information for its cost.

use super::evidence::{ChangeEvidence, Segment, bits};
use super::model::{ChangeModel, CommitState, Tally};

/// Scores closer than this, relatively, tie.
const TIE: f64 = 1e-9;

/// Less information than this is none.
const NOTHING: f64 = 1e-12;

/// Rounds at one commit, and what they are expected to tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    /// The commit.
    pub commit: usize,
    /// The number of rounds.
    pub rounds: u64,
    /// The expected information about the place of the change, in bits.
    pub bits: f64,
    /// The information per cost, damped near commits that do not build.
    pub score: f64,
    /// Whether the commit must be built first.
    pub needs_build: bool,
}

/// The distribution of the number of bad rounds among some, and its entropy in bits.
struct Prediction {
    chances: Vec<f64>,
    entropy: f64,
}

impl Prediction {
    /// The beta-binomial distribution of `m` rounds after `seen`.
    ///
    /// It starts at the mode and is normalized at the end, so that nothing underflows.
    fn new(m: u64, seen: Tally, [a, b]: [f64; 2]) -> Self {
        let (a, b) = (a + seen.bad as f64, b + seen.good() as f64);
        let m = m as usize;
        let mode = ((m as f64 * a / (a + b)) as usize).min(m);
        // The chance of j + 1 bad rounds over that of j.
        let step = |j: usize| {
            let (up, down) = ((m - j) as f64, (j + 1) as f64);
            up * (a + j as f64) / (down * (b + up - 1.0))
        };
        let mut chances = vec![1.0; m + 1];
        for j in mode..m {
            chances[j + 1] = chances[j] * step(j);
        }
        for j in (0..mode).rev() {
            chances[j] = chances[j + 1] / step(j);
        }
        let sum: f64 = chances.iter().sum();
        chances.iter_mut().for_each(|chance| *chance /= sum);
        let entropy = chances.iter().copied().map(bits).sum();
        Self { chances, entropy }
    }

    fn add_to(&self, mixture: &mut Mixture, share: f64) {
        for (sum, chance) in mixture.chances.iter_mut().zip(&self.chances) {
            *sum += share * chance;
        }
        mixture.entropies += share * self.entropy;
    }
}

/// A weighted sum of predictions, and of their entropies.
#[derive(Clone)]
struct Mixture {
    chances: Vec<f64>,
    entropies: f64,
}

impl Mixture {
    fn new(m: u64) -> Self {
        Self {
            chances: vec![0.0; m as usize + 1],
            entropies: 0.0,
        }
    }

    /// The information of one draw about its component, if `one` and `two` are added with these
    /// shares.
    fn information(&self, [one, two]: [(&Prediction, f64); 2]) -> f64 {
        let mut entropy = 0.0;
        for (j, chance) in self.chances.iter().enumerate() {
            entropy += bits(chance + one.1 * one.0.chances[j] + two.1 * two.0.chances[j]);
        }
        entropy - self.entropies - one.1 * one.0.entropy - two.1 * two.0.entropy
    }
}

impl ChangeModel {
    /// The rounds with the largest score. Ties go to built commits, then to fewer rounds, then to
    /// the commit nearest to the middle, then to the earlier one. `None` if nothing more can be
    /// learned.
    ///
    /// The score is the expected information over the cost: the rounds, and the build of a commit
    /// that is not built. An unbuilt commit at the distance d from one that cannot be tested has its
    /// score multiplied by 1 - 2^-d, because it may not build either.
    pub fn next_probe(&self, evidence: &ChangeEvidence) -> Option<Probe> {
        self.best(&self.probes(evidence))
    }

    /// The same, but with enough rounds at a built commit for this much information, or with the
    /// largest batch.
    pub(super) fn next_batch(&self, evidence: &ChangeEvidence, least_bits: f64) -> Option<Probe> {
        let probes = self.probes(evidence);
        let best = self.best(&probes)?;
        let same = |probe: &&Probe| probe.commit == best.commit && probe.rounds >= best.rounds;
        let mut larger: Vec<&Probe> = probes.iter().filter(same).collect();
        larger.sort_by_key(|probe| probe.rounds);
        let enough = larger.iter().find(|probe| probe.bits >= least_bits);
        enough.or(larger.last()).copied().copied()
    }

    fn best(&self, probes: &[Probe]) -> Option<Probe> {
        if probes.iter().all(|probe| probe.bits < NOTHING) {
            return None;
        }
        let best = probes.iter().map(|probe| probe.score).fold(0.0, f64::max);
        let off_middle = |probe: &Probe| (2 * probe.commit).abs_diff(self.commits);
        let order = |p: &&Probe| (p.needs_build, p.rounds, off_middle(p), p.commit);
        let tied = probes.iter().filter(|p| p.score >= best * (1.0 - TIE));
        tied.min_by_key(order).copied()
    }

    fn probes(&self, evidence: &ChangeEvidence) -> Vec<Probe> {
        let damping = self.damping();
        let batches = self.batches.iter();
        let gains = batches.flat_map(|&m| {
            let gains = self.gains(evidence, m);
            gains
                .into_iter()
                .map(move |(commit, bits)| (commit, m, bits))
        });
        let testable =
            |(commit, _, _): &(usize, _, _)| self.states[*commit] != CommitState::Untestable;
        gains
            .filter(testable)
            .map(|(commit, rounds, bits)| {
                let needs_build = self.states[commit] == CommitState::Unbuilt;
                let (build, damped) = match needs_build {
                    true => (self.build_cost, damping[commit]),
                    false => (0.0, 1.0),
                };
                Probe {
                    commit,
                    rounds,
                    bits,
                    score: bits * damped / (rounds as f64 + build),
                    needs_build,
                }
            })
            .collect()
    }

    /// The expected information of `m` rounds at each commit, in bits.
    fn gains(&self, evidence: &ChangeEvidence, m: u64) -> Vec<(usize, f64)> {
        let segments = &evidence.segments;
        let predictions = segments.iter().map(|segment| {
            let after = evidence.all - segment.before;
            [
                Prediction::new(m, segment.before, self.old_prior),
                Prediction::new(m, after, self.new_prior),
            ]
        });
        let predictions: Vec<[Prediction; 2]> = predictions.collect();
        let mut old = Mixture::new(m);
        Prediction::new(m, evidence.all, self.old_prior).add_to(&mut old, evidence.none());
        // The later segments on their old side, from each segment on.
        let mut later = vec![old];
        for (segment, [before, _]) in segments.iter().zip(&predictions).rev() {
            let mut next = later.last().expect("it is not empty").clone();
            before.add_to(&mut next, segment.probability());
            later.push(next);
        }
        later.reverse();
        let [before, after] = &predictions[0];
        let mut gains = vec![(0, later[0].information([(before, 0.0), (after, 0.0)]))];
        let mut earlier = Mixture::new(m);
        for (at, segment) in segments.iter().enumerate() {
            let mut others = later[at + 1].clone();
            for (sum, chance) in others.chances.iter_mut().zip(&earlier.chances) {
                *sum += chance;
            }
            others.entropies += earlier.entropies;
            gains.extend(self.gains_within(segment, &predictions[at], &others));
            predictions[at][1].add_to(&mut earlier, segment.probability());
        }
        gains
    }

    /// The information at the commits of one segment, given the mixture of all other hypotheses.
    fn gains_within(
        &self,
        segment: &Segment,
        [before, after]: &[Prediction; 2],
        others: &Mixture,
    ) -> Vec<(usize, f64)> {
        let mut changed = 0.0;
        let gain = |commit: usize| {
            changed += self.weights[commit - 1] * segment.density;
            let unchanged = (segment.probability() - changed).max(0.0);
            let information = others.information([(before, unchanged), (after, changed)]);
            (commit, information)
        };
        (segment.first..=segment.last).map(gain).collect()
    }

    /// The factor of the score of each commit if it is not built.
    fn damping(&self) -> Vec<f64> {
        let mut distance = vec![f64::INFINITY; self.commits + 1];
        let nearest = |distance: &mut f64, last: &mut f64, state: CommitState| {
            *last = match state {
                CommitState::Untestable => 0.0,
                _ => *last + 1.0,
            };
            *distance = distance.min(*last);
        };
        let mut last = f64::INFINITY;
        for (distance, state) in distance.iter_mut().zip(&self.states) {
            nearest(distance, &mut last, *state);
        }
        last = f64::INFINITY;
        for (distance, state) in distance.iter_mut().zip(&self.states).rev() {
            nearest(distance, &mut last, *state);
        }
        distance.iter().map(|d| 1.0 - (-d).exp2()).collect()
    }
}
