//! What a search says: its answer, and its progress.

use super::certificate::Certificate;
use super::prefix::Prefixes;
use super::{Minimizer, Stage};

/// The smallest part that still crashes, with its certificate.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The chapters that crash together, ascending.
    pub kept: Vec<usize>,
    /// The rounds of these chapters in the certificate.
    pub rounds: u64,
    /// The rounds of them that died.
    pub deaths: u64,
    /// The rounds without one of the chapters, for each; empty if one chapter is kept.
    pub without: Vec<Without>,
    /// An upper bound of the probability that the certificate is wrong: the sum over its tests and
    /// those of earlier certificates.
    pub error: f64,
    /// Whether one chapter crashes alone, without a predecessor.
    pub is_alone: bool,
    /// The chapter that dies: the known place of death, or else the last chapter kept.
    pub victim: Option<usize>,
}

/// The rounds of an answer without one of its chapters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Without {
    /// The chapter left out.
    pub chapter: usize,
    /// The rounds without it.
    pub rounds: u64,
    /// The rounds of them that died with the searched signature.
    pub deaths: u64,
}

/// The phase of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MinimizePhase {
    /// The whole sequence runs until its rate is known.
    Baseline,
    /// The chapter that dies is known; halves of those before it run with it.
    Position,
    /// The shortest crashing prefix is searched.
    Blind,
    /// The answer is tested on fresh rounds.
    Certificate,
    /// The search is answered.
    Answered,
}

/// A chapter that may be needed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspect {
    /// The chapter.
    pub chapter: usize,
    /// The posterior probability that it is needed; 1 for a chapter that the search has kept.
    pub posterior: f64,
}

/// The state of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct MinimizeProgress {
    /// The phase.
    pub phase: MinimizePhase,
    /// The suspects, the most probable first.
    pub suspects: Vec<Suspect>,
    /// The rounds so far.
    pub runs: u64,
    /// The rounds of them that died in another way and were drawn again.
    pub others: u64,
    /// An estimate of the rounds left; none before the baseline is known.
    pub expected: Option<f64>,
    /// The crash rate of the whole sequence, once it is known.
    pub rate: Option<f64>,
    /// The rate from which on a part counts as crashing.
    pub level: Option<f64>,
}

impl Minimizer {
    /// Whether the search has ended.
    pub fn is_answered(&self) -> bool {
        matches!(self.stage, Stage::Answered(_))
    }

    /// The answer, once the search has ended.
    pub fn answer(&self) -> Option<Answer> {
        match &self.stage {
            Stage::Answered(answer) => Some(answer.clone()),
            _ => None,
        }
    }

    pub(super) fn answered(&self, kept: &[usize], certificate: &Certificate) -> Answer {
        let rounds = certificate.kept_rounds(self.place);
        let without = certificate.without().into_iter().map(|(chapter, part)| {
            let seen = certificate.rounds(&part, self.place);
            Without {
                chapter,
                rounds: seen.rounds(),
                deaths: seen.deaths,
            }
        });
        Answer {
            kept: kept.to_vec(),
            rounds: rounds.rounds(),
            deaths: rounds.deaths,
            without: without.collect(),
            error: self.spent,
            is_alone: kept.len() == 1,
            victim: self
                .place
                .filter(|v| kept.contains(v))
                .or(kept.last().copied()),
        }
    }

    /// The smallest part that is known to crash so far: its deaths speak for the level rather than
    /// for the background rate. The whole sequence if there is none.
    pub fn best(&self) -> Vec<usize> {
        if let Stage::Answered(answer) = &self.stage {
            return answer.kept.clone();
        }
        let Some(rates) = &self.rates else {
            return self.whole();
        };
        let crashing = self.tally.parts().filter_map(|(part, _)| {
            let ln_ratio = rates.ln_ratio(self.tally.seen(part, self.place));
            (ln_ratio > 0.0).then_some((part, ln_ratio))
        });
        let best = crashing.min_by(|(one, by_one), (two, by_two)| {
            (one.len().cmp(&two.len())).then(by_two.total_cmp(by_one))
        });
        best.map_or_else(|| self.whole(), |(part, _)| part.to_vec())
    }

    /// The state of the search, for display.
    pub fn progress(&self) -> MinimizeProgress {
        let phase = match (&self.stage, self.place) {
            (Stage::Baseline, _) => MinimizePhase::Baseline,
            (Stage::Halving(_), _) => MinimizePhase::Position,
            (Stage::Prefix(_) | Stage::Confirming { .. }, _) => MinimizePhase::Blind,
            (Stage::Certificate(..), _) => MinimizePhase::Certificate,
            (Stage::Answered(_), _) => MinimizePhase::Answered,
        };
        let mut suspects = self.suspects();
        suspects.sort_by(|one, two| {
            (two.posterior.total_cmp(&one.posterior)).then(one.chapter.cmp(&two.chapter))
        });
        MinimizeProgress {
            phase,
            suspects,
            runs: self.runs,
            others: self.others,
            expected: self.expected(),
            rate: self.rates.map(|rates| rates.whole),
            level: self.rates.map(|rates| rates.level),
        }
    }

    fn suspects(&self) -> Vec<Suspect> {
        let suspect = |(chapter, posterior)| Suspect { chapter, posterior };
        let known = |chapters: &[usize]| -> Vec<Suspect> {
            chapters.iter().map(|c| suspect((*c, 1.0))).collect()
        };
        let Some(rates) = &self.rates else {
            let each = 1.0 / self.chapters as f64;
            return (0..self.chapters).map(|c| suspect((c, each))).collect();
        };
        match &self.stage {
            Stage::Baseline => Vec::new(),
            Stage::Halving(halving) => {
                let mut suspects: Vec<_> =
                    self.place.map(|v| suspect((v, 1.0))).into_iter().collect();
                suspects.extend(
                    halving
                        .posterior(rates, &self.tally)
                        .into_iter()
                        .map(suspect),
                );
                suspects
            }
            Stage::Prefix(kept) | Stage::Confirming { kept, .. } => {
                let prefixes = Prefixes::new(kept, self.chapters);
                let evidence = prefixes.evidence(&self.tally, self.place, &[]);
                let posterior = prefixes.posterior(rates, &evidence);
                let shares = posterior[1..posterior.len() - 1].iter().copied();
                let mut suspects = known(kept);
                suspects.extend(shares.enumerate().map(suspect));
                suspects
            }
            Stage::Certificate(kept, _) => known(kept),
            Stage::Answered(answer) => known(&answer.kept),
        }
    }

    /// An estimate of the rounds left, at the rate of the whole sequence.
    fn expected(&self) -> Option<f64> {
        let rates = self.rates.as_ref()?;
        let certificate = |kept: usize| {
            self.certificate((0..kept).collect())
                .expected(rates, self.place)
        };
        Some(match &self.stage {
            Stage::Baseline => return None,
            Stage::Halving(halving) => {
                // Each half needs 1 / rate rounds on average, and every second one is the right one.
                let levels = (halving.candidates().len().max(1) as f64).log2();
                levels * (2.0 / rates.whole - 0.5) + certificate(2)
            }
            Stage::Prefix(kept) | Stage::Confirming { kept, .. } => {
                let prefixes = Prefixes::new(kept, self.chapters);
                let evidence = prefixes.evidence(&self.tally, self.place, &[]);
                let bits = entropy(&prefixes.posterior(rates, &evidence));
                // The search ends at a posterior of 0.99, so a few bits more than the entropy.
                let searches = match kept.len() {
                    0 => bits + (self.chapters as f64).log2() + 3.0,
                    _ => bits + 1.0,
                };
                let best = (1..100).map(|chance| rates.information(f64::from(chance) / 100.0));
                searches / best.fold(0.0, f64::max) + certificate((kept.len() + 1).max(2))
            }
            Stage::Certificate(_, certificate) => certificate.expected(rates, self.place),
            Stage::Answered(_) => 0.0,
        })
    }
}

/// The entropy of a distribution, in bits.
fn entropy(shares: &[f64]) -> f64 {
    let positive = shares.iter().filter(|share| **share > 0.0);
    positive.map(|share| -share * share.log2()).sum()
}
