//! The search of `crashrate bisect`: at which commit each round runs, and what is built.

mod request;

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};

use crashrate_model::{
    BisectAnswer, BisectRule, Bisected, BisectedPair, BisectedRange, Death, Deaths, Ended, Outcome,
    OutcomeSet, PointKind, Record, Started, Unit,
};
use crashrate_stats::{
    self as stats, BisectPurpose, BisectRound, BisectSettings, BisectStep, Bisection, ChangesShown,
    PairState, StatsError,
};

use crate::plan::{Pending, RoundKey};
use crate::search::{BisectStatus, Search, SearchStatus};

pub use crashrate_stats::BisectPhase;
pub use request::BisectOptions;
pub(crate) use request::plan;

/// The cost of a build, in rounds, until it is measured.
const BUILD_COST: f64 = 100.0;

/// The search, with the rounds that it has chosen.
pub(crate) struct BisectSearch {
    kind: PointKind,
    search: Bisection,
    deaths: Deaths<u32>,
    /// The rounds that started, in that order, with the ends of those that have one.
    started: VecDeque<Round>,
    /// What rounds were run for whose end is known and not read yet, in their order.
    purposes: VecDeque<BisectPurpose>,
    /// The rounds that were chosen and have not started.
    chosen: Vec<RoundKey>,
    costs: Costs,
    /// Whether a commit could be built.
    builds: BTreeMap<u32, bool>,
    /// The most rounds of the ends that wait for a signature.
    patience: u64,
    last: u32,
    most: u32,
}

struct Round {
    key: RoundKey,
    purpose: BisectPurpose,
    end: Option<Box<Ended>>,
}

/// What builds and rounds take, seconds.
#[derive(Default)]
struct Costs {
    /// Given by the user.
    given: Option<f64>,
    builds: (f64, u32),
    rounds: (f64, u32),
}

impl Costs {
    /// A build in rounds, once both are measured.
    fn build(&self) -> Option<f64> {
        let mean = |(secs, n): (f64, u32)| (n > 0).then(|| secs / f64::from(n));
        let measured = || Some(mean(self.builds)? / mean(self.rounds)?.max(1e-6));
        self.given.or_else(measured).filter(|cost| cost.is_finite())
    }
}

impl BisectSearch {
    /// The search among the units of a plan, one for each commit.
    pub(crate) fn new(
        units: &[Unit],
        bad: &OutcomeSet,
        rule: &BisectRule,
    ) -> Result<BisectSearch, StatsError> {
        let settings = BisectSettings {
            error: rule.error,
            gate_pairs: rule.pairs,
            build_cost: rule.build_cost.unwrap_or(BUILD_COST),
            ..BisectSettings::new(units.len().saturating_sub(1))
        };
        Ok(BisectSearch {
            kind: rule.kind,
            search: Bisection::new(&settings)?,
            deaths: rule.deaths(units, bad),
            started: VecDeque::new(),
            purposes: VecDeque::new(),
            chosen: Vec::new(),
            costs: Costs {
                given: rule.build_cost,
                ..Costs::default()
            },
            builds: BTreeMap::new(),
            patience: 2 * rule.pairs,
            last: 0,
            most: units.iter().map(|unit| unit.rounds).max().unwrap_or(0),
        })
    }

    fn started(&mut self, started: &Started) {
        let key = RoundKey {
            unit: started.unit,
            round: started.round,
        };
        self.last = self.last.max(key.round);
        self.chosen.retain(|chosen| *chosen != key);
        self.started.push_back(Round {
            key,
            purpose: match self.search.next() {
                BisectStep::Pairs { purpose, .. } => purpose,
                _ => BisectPurpose::Search,
            },
            end: None,
        });
    }

    /// Rounds are read in the order in which they started, so that the ones that end first have no
    /// advantage.
    fn ended(&mut self, ended: &Ended) -> Result<(), StatsError> {
        let is_it =
            |round: &&mut Round| (round.key.unit, round.key.round) == (ended.unit, ended.round);
        if let Some(round) = self.started.iter_mut().find(is_it) {
            round.end = Some(Box::new(ended.clone()));
        }
        while let Some(Round {
            purpose,
            end: Some(end),
            ..
        }) = self.started.front()
        {
            let (purpose, end) = (*purpose, end.clone());
            self.started.pop_front();
            self.read(purpose, &end)?;
        }
        Ok(())
    }

    fn read(&mut self, purpose: BisectPurpose, ended: &Ended) -> Result<(), StatsError> {
        // Nor does a program that cannot be started tell anything.
        if matches!(ended.outcome, Outcome::Skipped | Outcome::NotStarted) {
            return self.search.skip(ended.unit as usize);
        }
        if !ended.outcome.counts() || ended.is_apart() {
            return Ok(());
        }
        let secs = ended.secs.unwrap_or_default();
        (self.costs.rounds.0, self.costs.rounds.1) =
            (self.costs.rounds.0 + secs, self.costs.rounds.1 + 1);
        self.purposes.push_back(purpose);
        let mut known = self.deaths.push(ended.unit, ended);
        if self.purposes.len() as u64 >= self.patience {
            known.extend(self.deaths.give_up());
        }
        for (commit, death) in known {
            let purpose = self.purposes.pop_front().unwrap_or(purpose);
            let round = match death {
                Death::None => BisectRound::Good,
                Death::Target(_) => BisectRound::Bad,
                Death::Other => BisectRound::Other,
            };
            let phase = self.search.phase();
            self.search.push(purpose, commit as usize, round)?;
            // From here on it is not changed any more, so that the choices stay comparable.
            if phase == BisectPhase::Gate
                && self.search.phase() != phase
                && let Some(cost) = self.costs.build()
            {
                self.search.set_build_cost(cost);
            }
        }
        Ok(())
    }

    /// A build of a commit ended. One that is found again says nothing new.
    fn built(&mut self, built: &crashrate_model::Built) -> Result<(), StatsError> {
        let works = built.problem.is_none();
        if self.builds.insert(built.unit, works) == Some(works) {
            return Ok(());
        }
        if let Some(secs) = built.secs {
            self.costs.builds = (self.costs.builds.0 + secs, self.costs.builds.1 + 1);
        }
        match works {
            true => self.search.built(built.unit as usize),
            false => {
                self.chosen.retain(|chosen| chosen.unit != built.unit);
                self.search.build_failed(built.unit as usize)
            }
        }
    }

    /// Lets an end be built again whose build failed: what it lacked may be there now.
    fn retry_ends(&mut self) -> Result<(), StatsError> {
        while let Some(stats::BisectAnswer::EndUntestable { commit }) = self.search.answer() {
            if self.builds.remove(&(commit as u32)) != Some(false) {
                break;
            }
            self.search.retry(commit)?;
        }
        Ok(())
    }

    fn apply(&mut self, record: &Record) -> Result<(), StatsError> {
        match record {
            // The rounds of an earlier supervisor have ended or are lost.
            Record::Opened(_) => {
                self.started.clear();
                self.chosen.clear();
                self.retry_ends()
            }
            Record::Started(started) => {
                self.started(started);
                Ok(())
            }
            Record::Ended(ended) => self.ended(ended),
            Record::Built(built) => self.built(built),
            _ => Ok(()),
        }
    }

    /// How many rounds of a commit run or were chosen.
    fn open(&self, commit: usize) -> u64 {
        let is_it = |key: &RoundKey| key.unit as usize == commit;
        let started = self.started.iter().map(|round| &round.key);
        started.chain(&self.chosen).filter(|key| is_it(key)).count() as u64
    }

    /// The commit of which one more round is wanted.
    fn wanted(&self) -> Option<usize> {
        match self.search.next() {
            BisectStep::Answered => None,
            BisectStep::Build(commit) => (self.open(commit) == 0).then_some(commit),
            BisectStep::Run { commit, rounds } => (self.open(commit) < rounds).then_some(commit),
            BisectStep::Pairs {
                commits, rounds, ..
            } => self.next_of_pair(commits, rounds),
        }
    }

    /// The commit of a pair that lacks more rounds; each pair has a random order.
    fn next_of_pair(&self, commits: [usize; 2], lacking: [u64; 2]) -> Option<usize> {
        let open = commits.map(|commit| self.open(commit));
        // Before the signature is known, rounds wait to be read. Then both ends run in turn.
        let lacking = match self.deaths.target() {
            None => {
                let waiting = self.deaths.waiting();
                let of = |commit| {
                    waiting
                        .clone()
                        .filter(|one| **one as usize == commit)
                        .count()
                };
                let waiting = commits.map(|commit| of(commit) as u64);
                [0, 1].map(|side| 1 + waiting[1 - side].saturating_sub(waiting[side]))
            }
            Some(_) => lacking,
        };
        let lacks = [0, 1].map(|side| lacking[side].saturating_sub(open[side]));
        let side = match lacks[0].cmp(&lacks[1]) {
            Ordering::Greater => 0,
            Ordering::Less => 1,
            Ordering::Equal => (hash(u64::from(self.last)) >> 63) as usize,
        };
        (lacks[side] > 0).then_some(commits[side])
    }
}

/// Spreads a number over all 64 bits.
fn hash(number: u64) -> u64 {
    (number + 1)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .rotate_left(31)
        .wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

impl Search for BisectSearch {
    fn push(&mut self, record: &Record) -> bool {
        // The commits of records are those of the plan, which was checked.
        if let Err(error) = self.apply(record) {
            tracing::warn!("{error}");
        }
        self.search.answer().is_some()
    }

    fn next(&mut self) -> Option<Pending> {
        // Each round has a number, and so a seed, of its own, whichever commit it runs.
        let round = self.last + 1;
        if round > self.most {
            return None;
        }
        let key = RoundKey {
            unit: u32::try_from(self.wanted()?).ok()?,
            round,
        };
        self.last = round;
        self.chosen.push(key);
        Some(Pending { key, attempt: 1 })
    }

    fn found(&self, at: f64) -> Record {
        let progress = self.search.progress();
        let answer = self.search.answer();
        Record::Bisected(Box::new(Bisected {
            at,
            target: self.deaths.target().map(str::to_owned),
            answer: answer.as_ref().map(answer_of),
            posterior: progress.posterior.iter().map(range_of).collect(),
            none: progress.none,
            confidence: (progress.confidence_set.iter())
                .map(|range| [range.first as u32, range.last as u32])
                .collect(),
            ends: pair_of(&progress.gate),
            suspect: progress.certificate.as_ref().map(pair_of),
            several: matches!(
                answer,
                Some(stats::BisectAnswer::Found(found)) if found.changes == ChangesShown::Several
            ),
        }))
    }

    fn status(&self) -> SearchStatus {
        SearchStatus::Bisect(Box::new(BisectStatus {
            kind: self.kind,
            target: self.deaths.target().map(str::to_owned),
            progress: self.search.progress(),
        }))
    }
}

fn answer_of(answer: &stats::BisectAnswer) -> BisectAnswer {
    match answer {
        stats::BisectAnswer::Found(found) => BisectAnswer::Rise {
            first: found.suspect.first as u32,
            last: found.suspect.last as u32,
        },
        stats::BisectAnswer::NoChange => BisectAnswer::NoChange,
        stats::BisectAnswer::GateGaveUp { .. } => BisectAnswer::EndsAlike,
        stats::BisectAnswer::EndUntestable { commit } => BisectAnswer::EndUntestable {
            commit: *commit as u32,
        },
    }
}

fn range_of(range: &stats::CommitRange) -> BisectedRange {
    BisectedRange {
        first: range.first as u32,
        last: range.last as u32,
        probability: range.probability,
    }
}

fn pair_of(pair: &PairState) -> BisectedPair {
    BisectedPair {
        commits: pair.commits.map(|commit| commit as u32),
        rounds: [pair.pairs; 2],
        deaths: pair.bad,
        ln_e: pair.ln_e,
        ln_needed: pair.ln_needed,
    }
}
