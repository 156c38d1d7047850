//! The answer of a bisection, and its state for display.

use super::evidence::bits;
use super::model::Tally;
use super::pair_test::PairTest;
use super::{Bisection, ChangeEvidence, CommitRange, PairProcess, SUSPECT, Stage};
use crate::counts::{Counts, Interval};
use crate::error::StatsError;
use crate::multiple::spending_share;
use crate::sequence::confidence_sequence;

/// The number of suspects that are listed.
const MOST_SUSPECTS: usize = 5;

/// The information that rounds give, as a share of that at the best place and known rates: a mean
/// over the simulated histories.
const EFFICIENCY: f64 = 0.45;

/// The rounds of one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitCounts {
    /// The commit.
    pub commit: usize,
    /// Rounds with the searched crash.
    pub bad: u64,
    /// Rounds without it.
    pub good: u64,
    /// Rounds that ended in another way.
    pub other: u64,
}

/// Whether the rounds show more than one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangesShown {
    /// One change explains the rounds. Others are not ruled out: most commits were not run.
    AtLeastOne,
    /// The crash comes and goes: "at most one change" is refuted. The named commit is a change, not
    /// the change.
    Several,
}

/// The rate on one side of the change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SideRate {
    /// The posterior mean.
    pub mean: f64,
    /// The rounds at the commits of this side, if the most probable group brought the change.
    pub counts: Counts,
    /// The confidence sequence of the rate from these rounds.
    pub interval: Interval,
}

/// The state of a test on pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairState {
    /// The good end and the bad end, or the parent and the suspect.
    pub commits: [usize; 2],
    /// The pairs so far.
    pub pairs: u64,
    /// The bad rounds of each among them.
    pub bad: [u64; 2],
    /// ln E against "the second commit does not crash more often".
    pub ln_e: f64,
    /// The ln E that a verdict needs.
    pub ln_needed: f64,
}

/// The commit or the group that raised the rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BisectFinding {
    /// The commit, or the commits that no testable one can tell apart.
    pub suspect: CommitRange,
    /// The proof on fresh rounds of the nearest testable commit before and of the last commit of the
    /// group.
    pub certificate: PairState,
    /// The rates before and after the change.
    pub rates: [SideRate; 2],
    /// Whether the rounds show more than one change.
    pub changes: ChangesShown,
    /// ln E against "at most one change".
    pub ln_e_single: f64,
}

/// The answer of a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BisectAnswer {
    /// A commit or a group raised the rate.
    Found(BisectFinding),
    /// The ends were shown to differ, but the rounds since speak for one rate.
    NoChange,
    /// The ends show no difference after this many pairs.
    GateGaveUp {
        /// The pairs.
        pairs: u64,
    },
    /// An end of the history cannot be tested.
    EndUntestable {
        /// The end.
        commit: usize,
    },
}

/// The phase of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BisectPhase {
    /// Pairs of the two ends show that there is a change.
    Gate,
    /// Rounds at the most informative commits.
    Search,
    /// Fresh pairs of the suspect and its parent.
    Certificate,
    /// The search is answered.
    Answered,
}

/// The state of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct BisectProgress {
    /// The phase.
    pub phase: BisectPhase,
    /// The posterior by ranges of commits with equal evidence, in order.
    pub posterior: Vec<CommitRange>,
    /// The posterior probability that nothing changed.
    pub none: f64,
    /// The commits that contain the change with probability at least 1 - error at all looks, as
    /// ranges with their posterior probability.
    pub confidence_set: Vec<CommitRange>,
    /// The most probable groups, the most probable first.
    pub suspects: Vec<CommitRange>,
    /// The rounds so far, of any end.
    pub runs: u64,
    /// The builds so far, failed ones included.
    pub builds: u64,
    /// An estimate of the rounds left; none before the gate is passed.
    pub runs_left: Option<f64>,
    /// An estimate of the builds left; none before the gate is passed.
    pub builds_left: Option<f64>,
    /// The gate.
    pub gate: PairState,
    /// The current certificate, or the one of the answer.
    pub certificate: Option<PairState>,
    /// The rounds at each commit that was run, in order.
    pub counts: Vec<CommitCounts>,
    /// The rates before and after the change.
    pub rates: [SideRate; 2],
}

impl PairTest {
    fn state(&self) -> PairState {
        PairState {
            commits: self.commits(),
            pairs: self.pairs(),
            bad: self.bad(),
            ln_e: self.ln_e(),
            ln_needed: self.ln_needed(),
        }
    }
}

impl Bisection {
    /// The answer, once the search has ended.
    pub fn answer(&self) -> Option<BisectAnswer> {
        self.answer
    }

    /// The phase.
    pub fn phase(&self) -> BisectPhase {
        match self.stage {
            Stage::Gate => BisectPhase::Gate,
            Stage::Search => BisectPhase::Search,
            Stage::Certificate(_) => BisectPhase::Certificate,
            Stage::Answered => BisectPhase::Answered,
        }
    }

    /// The rounds so far, of any end.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// The builds so far, failed ones included.
    pub fn builds(&self) -> u64 {
        self.builds
    }

    pub(super) fn finding(
        &self,
        suspect: CommitRange,
        certificate: &PairTest,
        evidence: &ChangeEvidence,
    ) -> BisectFinding {
        let ln_e_single = evidence.ln_e_single();
        BisectFinding {
            suspect,
            certificate: certificate.state(),
            rates: self.rates(suspect, evidence),
            changes: match ln_e_single >= -self.error.ln() {
                true => ChangesShown::Several,
                false => ChangesShown::AtLeastOne,
            },
            ln_e_single,
        }
    }

    /// The rates if `group` brought the change.
    fn rates(&self, group: CommitRange, evidence: &ChangeEvidence) -> [SideRate; 2] {
        let [old, new] = evidence.sides(group);
        let [mean_old, mean_new] = evidence.mean_rates();
        [(mean_old, old), (mean_new, new)].map(|(mean, rounds)| {
            let (counts, interval) = (self.interval(rounds))
                .expect("as many rounds as could be pushed one by one are within the limit");
            SideRate {
                mean,
                counts,
                interval,
            }
        })
    }

    fn interval(&self, rounds: Tally) -> Result<(Counts, Interval), StatsError> {
        let counts = Counts::new(rounds.bad, rounds.n)?;
        Ok((counts, confidence_sequence(counts, self.error)?))
    }

    /// The state of the search, for display.
    pub fn progress(&self) -> BisectProgress {
        let evidence = self.model.evidence();
        let mut suspects = evidence.groups();
        suspects.sort_by(|one, two| two.probability.total_cmp(&one.probability));
        suspects.truncate(MOST_SUSPECTS);
        let certificate = match self.stage {
            Stage::Certificate(at) => Some(self.certificates[at].test.state()),
            _ => match self.answer {
                Some(BisectAnswer::Found(finding)) => Some(finding.certificate),
                _ => None,
            },
        };
        let [runs_left, builds_left] = self.left(&evidence);
        BisectProgress {
            phase: self.phase(),
            posterior: evidence.ranges(),
            none: evidence.none(),
            confidence_set: evidence.confidence_set(self.error),
            rates: self.rates(evidence.best_group(), &evidence),
            suspects,
            runs: self.runs,
            builds: self.builds,
            runs_left,
            builds_left,
            gate: self.gate.state(),
            certificate,
            counts: self.counts.values().copied().collect(),
        }
    }

    /// Estimates of the rounds and of the builds left. Each build leaves about half of what is
    /// probable.
    fn left(&self, evidence: &ChangeEvidence) -> [Option<f64>; 2] {
        let rates = evidence.mean_rates();
        let needed = match self.stage {
            Stage::Gate => return [None; 2],
            Stage::Answered => return [Some(0.0); 2],
            Stage::Search => {
                let error = self.error * spending_share(self.certificates.len());
                -error.ln()
            }
            Stage::Certificate(at) => {
                let test = &self.certificates[at].test;
                (test.ln_needed() - test.ln_e()).max(0.0)
            }
        };
        // The entropy at which the search ends: the suspect, and its neighbours.
        let enough = bits(SUSPECT) + bits(1.0 - SUSPECT);
        let missing = match self.stage {
            Stage::Search => (evidence.group_entropy() - enough).max(0.0),
            _ => 0.0,
        };
        let searches = missing / (EFFICIENCY * information(rates));
        let certificate = 2.0 * needed / PairProcess::drift(rates);
        [Some(searches + certificate), Some(missing)]
    }
}

/// The information of one round about the side of the change that its commit is on, in bits, if both
/// are equally probable.
fn information([old, new]: [f64; 2]) -> f64 {
    let entropy = |p: f64| bits(p) + bits(1.0 - p);
    entropy((old + new) / 2.0) - (entropy(old) + entropy(new)) / 2.0
}
