//! The search for the commit that raised a crash rate.

mod commits;
mod evidence;
mod gain;
mod model;
mod pair_test;
mod pairs;
mod report;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use evidence::{ChangeEvidence, CommitRange};
pub use gain::Probe;
pub use model::ChangeModel;
pub use pairs::PairProcess;
pub use report::{
    BisectAnswer, BisectFinding, BisectPhase, BisectProgress, ChangesShown, CommitCounts,
    PairState, SideRate,
};
pub use settings::{BisectPurpose, BisectRound, BisectSettings, BisectStep};

use crate::counts::Counts;
use crate::error::{StatsError, open_unit, positive};
use crate::multiple::spending_share;
use crate::pair_watch::ln_e_matched;
use pair_test::PairTest;

/// The least cost of a build, in rounds, that the search assumes. With free builds it would build
/// dozens of commits to save a few rounds.
const LEAST_BUILD_COST: f64 = 10.0;

/// The least information of a batch of rounds, in bits. Batches double, so that they give 0.01 to
/// 0.02 bit. Larger batches need fewer decisions and more rounds: with twice as much, a crash rate
/// of 0.9 needs a tenth more.
const BATCH_BITS: f64 = 0.01;

/// A group with this posterior probability is a suspect.
const SUSPECT: f64 = 0.9;

/// A suspect whose posterior probability falls below this is given up.
const CLEARED: f64 = 0.2;

/// The search ends without a change when that has this posterior probability.
const NO_CHANGE: f64 = 0.95;

/// The prior weight of "nothing changed" over that of all commits together. With a tenth of it, one
/// in a hundred searches of a history without a change takes over 20,000 rounds.
const NONE_SHARE: f64 = 1.0;

/// The most rounds a side that the rates learned in the search count for.
const LEARNED_ROUNDS: f64 = 30.0;

/// A commit is untestable once ln E against "at most half of its rounds end in another way" reaches
/// this. Seven rounds are enough if all do.
const LN_MOST_OTHERS: f64 = 3.0;

/// A certificate, with the share of the error that it may spend.
#[derive(Debug, Clone, PartialEq)]
struct Certificate {
    suspect: CommitRange,
    test: PairTest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Gate,
    Search,
    /// The certificate with this index.
    Certificate(usize),
    Answered,
}

/// Rounds chosen to be run at one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Batch {
    commit: usize,
    left: u64,
}

/// Searches a history for the commit that raised the rate of a crash, from rounds at commits chosen
/// one by one. The README describes the method.
///
/// The state depends only on the settings and on the sequence of calls of [`Self::push`],
/// [`Self::built`], [`Self::build_failed`], [`Self::skip`] and [`Self::retry`]. So a search is
/// resumed by repeating them.
#[derive(Debug, Clone)]
pub struct Bisection {
    error: f64,
    gate_pairs: u64,
    model: ChangeModel,
    counts: BTreeMap<usize, CommitCounts>,
    gate: PairTest,
    certificates: Vec<Certificate>,
    stage: Stage,
    /// The stage in which an end turned out to be untestable.
    before: Stage,
    batch: Option<Batch>,
    /// The commit to be built for the search.
    wanted: Option<usize>,
    runs: u64,
    builds: u64,
    answer: Option<BisectAnswer>,
    step: BisectStep,
}

impl Bisection {
    /// A search with these settings.
    ///
    /// # Errors
    /// There are no commits, the error is out of range, the build cost is infinite, or a commit that is built
    /// is beyond the bad end.
    pub fn new(settings: &BisectSettings) -> Result<Self, StatsError> {
        let commits = settings.commits;
        let error = open_unit("the error", settings.error)?;
        let build_cost = settings.build_cost.max(LEAST_BUILD_COST);
        let mut search = Self {
            error,
            gate_pairs: settings.gate_pairs,
            model: ChangeModel::new(commits)?
                .with_none(NONE_SHARE * commits as f64)
                .with_build_cost(positive("the cost of a build", build_cost)?),
            counts: BTreeMap::new(),
            gate: PairTest::new([0, commits], PairProcess::default(), error),
            certificates: Vec::new(),
            stage: Stage::Gate,
            before: Stage::Gate,
            batch: None,
            wanted: None,
            runs: 0,
            builds: 0,
            answer: None,
            step: BisectStep::Answered,
        };
        for commit in &settings.built {
            search.check(*commit)?;
            search.model.set_built(*commit);
        }
        search.settle();
        Ok(search)
    }

    /// Sets the cost of a build, in rounds, once it is known better. Values below 10 count as 10.
    pub fn set_build_cost(&mut self, rounds: f64) {
        self.model.build_cost = rounds.max(LEAST_BUILD_COST);
    }

    /// What to do next. It stays the same until something is recorded. What is already running may
    /// be subtracted.
    pub fn next(&self) -> BisectStep {
        self.step
    }

    /// Records the end of a round at `commit`. Rounds of a pair count in the order of these calls,
    /// so they must be recorded in the order in which they were started. A round whose end is
    /// unknown is not recorded.
    ///
    /// # Errors
    /// The commit is beyond the bad end.
    pub fn push(
        &mut self,
        purpose: BisectPurpose,
        commit: usize,
        round: BisectRound,
    ) -> Result<(), StatsError> {
        self.check(commit)?;
        self.runs += 1;
        let counts = self.counts.entry(commit).or_insert(CommitCounts {
            commit,
            bad: 0,
            good: 0,
            other: 0,
        });
        match round {
            BisectRound::Good => counts.good += 1,
            BisectRound::Bad => counts.bad += 1,
            BisectRound::Other => counts.other += 1,
        }
        let counted = counts.good + counts.bad;
        let others_prevail =
            counts.other > counted && ln_e_matched(counts.other, counted) >= LN_MOST_OTHERS;
        if self.stage == Stage::Answered {
            return Ok(());
        }
        if others_prevail {
            self.model.set_untestable(commit);
        } else if self.model.is_testable(commit) && round != BisectRound::Other {
            self.count(purpose, commit, round == BisectRound::Bad)?;
        }
        self.settle();
        Ok(())
    }

    /// Counts a round for its purpose, and as evidence for the place of the change.
    fn count(
        &mut self,
        purpose: BisectPurpose,
        commit: usize,
        is_bad: bool,
    ) -> Result<(), StatsError> {
        let rounds = Counts::new(u64::from(is_bad), 1)?;
        self.model.observe(commit, rounds);
        match (purpose, self.stage) {
            (BisectPurpose::Gate, Stage::Gate) => self.gate.push(commit, is_bad),
            (BisectPurpose::Certificate, Stage::Certificate(at)) => {
                self.certificates[at].test.push(commit, is_bad);
            }
            (BisectPurpose::Search, _) => {
                let batch = self.batch.as_mut().filter(|batch| batch.commit == commit);
                if let Some(batch) = batch {
                    batch.left = batch.left.saturating_sub(1);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes all transitions that the rounds so far allow, then chooses the next step.
    fn settle(&mut self) {
        if self.stage == Stage::Answered {
            return;
        }
        let ends = [0, self.model.commits()];
        if let Some(end) = ends.into_iter().find(|end| !self.model.is_testable(*end)) {
            self.before = self.stage;
            self.stage = self.end(BisectAnswer::EndUntestable { commit: end });
            return;
        }
        while let Some(stage) = self.advance() {
            self.stage = stage;
        }
        self.step = self.plan();
    }

    fn end(&mut self, answer: BisectAnswer) -> Stage {
        self.answer = Some(answer);
        self.step = BisectStep::Answered;
        Stage::Answered
    }

    /// The next stage, if the rounds so far end this one.
    fn advance(&mut self) -> Option<Stage> {
        match self.stage {
            Stage::Gate if self.gate.is_shown() => Some(Stage::Search),
            Stage::Gate if self.gate.pairs() >= self.gate_pairs => {
                let pairs = self.gate.pairs();
                Some(self.end(BisectAnswer::GateGaveUp { pairs }))
            }
            Stage::Search => self.after_search(),
            Stage::Certificate(at) => self.after_certificate(at),
            Stage::Gate | Stage::Answered => None,
        }
    }

    /// Ends the search, or chooses the next rounds of it.
    fn after_search(&mut self) -> Option<Stage> {
        let runnable = |batch: &Batch| batch.left > 0 && self.model.is_testable(batch.commit);
        if self.batch.as_ref().is_some_and(runnable) {
            return None;
        }
        if self
            .wanted
            .is_some_and(|commit| self.model.is_unbuilt(commit))
        {
            return None;
        }
        (self.batch, self.wanted) = (None, None);
        let evidence = self.model.evidence();
        if evidence.none() >= NO_CHANGE {
            return Some(self.end(BisectAnswer::NoChange));
        }
        let best = evidence.best_group();
        if best.probability >= SUSPECT {
            return Some(self.certify(best, &evidence));
        }
        match self.model.next_batch(&evidence, BATCH_BITS) {
            Some(probe) if probe.needs_build => self.wanted = Some(probe.commit),
            Some(probe) => {
                self.batch = Some(Batch {
                    commit: probe.commit,
                    left: probe.rounds,
                });
            }
            // No round is informative. The best group is tested as it is.
            None => return Some(self.certify(best, &evidence)),
        }
        None
    }

    /// Starts the certificate of a suspect, or resumes it.
    fn certify(&mut self, suspect: CommitRange, evidence: &ChangeEvidence) -> Stage {
        let same = |one: &Certificate| {
            (one.suspect.first, one.suspect.last) == (suspect.first, suspect.last)
        };
        if let Some(at) = self.certificates.iter().position(same) {
            return Stage::Certificate(at);
        }
        let at = self.certificates.len();
        let process = PairProcess::learned(evidence.sides(suspect), LEARNED_ROUNDS);
        let commits = [suspect.first - 1, suspect.last];
        let test = PairTest::new(commits, process, self.error * spending_share(at));
        self.certificates.push(Certificate { suspect, test });
        Stage::Certificate(at)
    }

    fn after_certificate(&mut self, at: usize) -> Option<Stage> {
        let certificate = &self.certificates[at];
        let is_testable = |commit: usize| self.model.is_testable(commit);
        if !certificate.test.commits().into_iter().all(is_testable) {
            return Some(Stage::Search);
        }
        let evidence = self.model.evidence();
        let suspect = evidence.of_range(certificate.suspect);
        if certificate.test.is_shown() {
            let finding = self.finding(suspect, &certificate.test, &evidence);
            return Some(self.end(BisectAnswer::Found(finding)));
        }
        (suspect.probability < CLEARED).then_some(Stage::Search)
    }

    /// The step of the current stage.
    fn plan(&self) -> BisectStep {
        let pairs = |purpose: BisectPurpose, test: &PairTest| {
            let commits = test.commits();
            let unbuilt = commits.into_iter().find(|c| self.model.is_unbuilt(*c));
            unbuilt.map_or_else(
                || BisectStep::Pairs {
                    purpose,
                    commits,
                    rounds: test.lacking(match purpose {
                        BisectPurpose::Gate => self.gate_pairs - test.pairs(),
                        _ => u64::MAX,
                    }),
                },
                BisectStep::Build,
            )
        };
        match (self.stage, self.wanted, self.batch) {
            (Stage::Answered, ..) => BisectStep::Answered,
            (Stage::Gate, ..) => pairs(BisectPurpose::Gate, &self.gate),
            (Stage::Certificate(at), ..) => {
                pairs(BisectPurpose::Certificate, &self.certificates[at].test)
            }
            (Stage::Search, Some(commit), _) => BisectStep::Build(commit),
            (Stage::Search, None, batch) => {
                let batch = batch.expect("a search without a batch ends");
                BisectStep::Run {
                    commit: batch.commit,
                    rounds: batch.left,
                }
            }
        }
    }
}
