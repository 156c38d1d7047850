//! The search for the smallest part of a sequence that still crashes.

mod certificate;
mod halving;
mod prefix;
mod rates;
mod reduce;
mod report;
mod tally;
#[cfg(test)]
mod tests;

pub use reduce::{Reduced, Reducer};
pub use report::{Answer, MinimizePhase, MinimizeProgress, Suspect, Without};

use crate::error::{StatsError, open_unit};
use certificate::{Certificate, Ruling};
use halving::{Halving, Step};
use prefix::{CONFIRMATION, Finding, Prefixes};
use rates::Rates;
use tally::{Seen, Tally};

/// The deaths of the whole sequence that give its rate.
const BASELINE_DEATHS: u64 = 5;

/// With this many deaths of the baseline in one chapter, the place of death is known.
const SAME_PLACE: u64 = 4;

/// Deaths in other chapters, beyond those in the known place, after which it is given up.
const ELSEWHERE: u64 = 5;

/// How a round of a part ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// The round survived.
    None,
    /// It died with the searched signature, in this chapter, or between chapters or at exit.
    Target(Option<usize>),
    /// It died in another way. Such a round is evidence neither for nor against.
    Other,
}

/// Searches for the smallest part of a sequence that still crashes, from rounds of parts chosen one
/// by one. The README describes the method.
#[derive(Debug, Clone)]
pub struct Minimizer {
    chapters: usize,
    error: f64,
    background: Option<f64>,
    tally: Tally,
    runs: u64,
    others: u64,
    rates: Option<Rates>,
    /// The chapter in which the sequence dies, if that is known.
    place: Option<usize>,
    /// The certificates so far, and the error that they have spent.
    certificates: i32,
    spent: f64,
    stage: Stage,
}

#[derive(Debug, Clone)]
enum Stage {
    Baseline,
    Halving(Halving),
    /// The chapters kept so far.
    Prefix(Vec<usize>),
    /// Fresh rounds of the prefix that ends with the chapter to be kept next.
    Confirming {
        kept: Vec<usize>,
        chapter: usize,
        fresh: Tally,
    },
    Certificate(Vec<usize>, Certificate),
    Answered(Answer),
}

impl Minimizer {
    /// A search among `chapters` (at least 1) whose certificate is wrong with probability at most
    /// `error` (strictly between 0 and 1).
    pub fn new(chapters: usize, error: f64) -> Result<Minimizer, StatsError> {
        if chapters == 0 {
            let what = "the number of chapters";
            return Err(StatsError::Zero { what });
        }
        Ok(Self {
            chapters,
            error: open_unit("the error", error)?,
            background: None,
            tally: Tally::default(),
            runs: 0,
            others: 0,
            rates: None,
            place: None,
            certificates: 0,
            spent: 0.0,
            stage: Stage::Baseline,
        })
    }

    /// The same with an upper bound (strictly between 0 and 1) of the rate at which parts that do
    /// not crash die with the searched signature, for example from isolated rounds. Values above a
    /// twentieth of the level are lowered to it. Without a bound it is 0.5 %.
    pub fn with_background(mut self, rate: f64) -> Result<Minimizer, StatsError> {
        self.background = Some(open_unit("the background rate", rate)?);
        Ok(self)
    }

    /// The part (ascending chapter indices) to run next, while the parts in `running` have no
    /// result yet. With none running there is one until the search is answered.
    pub fn next(&self, running: &[&[usize]]) -> Option<Vec<usize>> {
        let Some(rates) = &self.rates else {
            return self.next_of_baseline(running.len() as u64);
        };
        match &self.stage {
            Stage::Baseline => self.next_of_baseline(running.len() as u64),
            Stage::Halving(halving) => halving.next(rates, &self.tally, running),
            Stage::Prefix(kept) => {
                let prefixes = Prefixes::new(kept, self.chapters);
                let evidence = prefixes.evidence(&self.tally, self.place, running);
                let posterior = prefixes.posterior(rates, &evidence);
                Some(prefixes.part(prefixes.most_informative(rates, &posterior)))
            }
            Stage::Confirming { kept, chapter, .. } => {
                Some(Prefixes::new(kept, self.chapters).part(chapter + 1))
            }
            Stage::Certificate(_, certificate) => certificate.next(rates, self.place, running),
            Stage::Answered(_) => None,
        }
    }

    fn next_of_baseline(&self, running: u64) -> Option<Vec<usize>> {
        let missing = BASELINE_DEATHS.saturating_sub(self.whole_deaths());
        (running == 0 || running < 2 * missing).then(|| self.whole())
    }

    /// Records the end of a round of `part`. The state depends only on the sequence of these calls.
    pub fn push(&mut self, part: &[usize], death: Death) {
        self.runs += 1;
        self.others += u64::from(death == Death::Other);
        self.tally.add(part, death);
        match &mut self.stage {
            Stage::Certificate(_, certificate) => certificate.fresh_mut().add(part, death),
            Stage::Confirming { fresh, .. } => fresh.add(part, death),
            _ => {}
        }
        while self.advance() {}
    }

    /// Takes the next step of the search if the rounds so far allow one.
    fn advance(&mut self) -> bool {
        let Some(rates) = self.rates else {
            return self.end_baseline();
        };
        if self.has_lost_place() {
            self.place = None;
            self.rates = Some(Rates::of(self.whole_seen(), self.background));
            self.stage = Stage::Prefix(Vec::new());
            return true;
        }
        let next = match &self.stage {
            Stage::Baseline | Stage::Answered(_) => None,
            Stage::Halving(halving) => self.after_halving(halving, &rates),
            Stage::Prefix(kept) => self.after_prefix(kept, &rates),
            Stage::Confirming {
                kept,
                chapter,
                fresh,
            } => self.after_confirming(kept, *chapter, fresh, &rates),
            Stage::Certificate(kept, certificate) => {
                self.after_certificate(kept, certificate, &rates)
            }
        };
        let Some(next) = next else {
            return false;
        };
        if let Stage::Certificate(_, certificate) = &next {
            self.certificates += 1;
            self.spent += certificate.error();
        }
        // Giving up a kept chapter needs a new round before the next step. The two posteriors may
        // contradict each other, and would otherwise keep and give up the chapter forever.
        let gives_up = matches!((&self.stage, &next),
            (Stage::Prefix(now), Stage::Prefix(next)) if next.len() < now.len());
        self.stage = next;
        !gives_up
    }

    fn end_baseline(&mut self) -> bool {
        let whole = self.tally.of(&self.whole());
        let Some(rounds) = whole.filter(|rounds| rounds.deaths() >= BASELINE_DEATHS) else {
            return false;
        };
        let deadliest = rounds
            .deadliest()
            .filter(|(_, deaths)| *deaths >= SAME_PLACE);
        self.place = deadliest.map(|(chapter, _)| chapter);
        self.rates = Some(Rates::of(self.whole_seen(), self.background));
        self.stage = match self.place {
            Some(victim) => Stage::Halving(Halving::new(victim)),
            None => Stage::Prefix(Vec::new()),
        };
        true
    }

    fn after_halving(&self, halving: &Halving, rates: &Rates) -> Option<Stage> {
        let victim = self.place?;
        if let candidates @ ([] | [_]) = halving.candidates() {
            let kept = candidates.iter().copied().chain([victim]).collect();
            return Some(self.certify(kept));
        }
        match halving.step(rates, &self.tally) {
            Step::Open => None,
            Step::Keep(half) => Some(Stage::Halving(half)),
            Step::Neither => Some(Stage::Prefix(vec![victim])),
        }
    }

    fn after_prefix(&self, kept: &[usize], rates: &Rates) -> Option<Stage> {
        let prefixes = Prefixes::new(kept, self.chapters);
        let evidence = prefixes.evidence(&self.tally, self.place, &[]);
        let posterior = prefixes.posterior(rates, &evidence);
        Some(match prefixes.finding(&posterior)? {
            Finding::Needed(chapter) => Stage::Confirming {
                kept: kept.to_vec(),
                chapter,
                fresh: Tally::default(),
            },
            Finding::NoneNeeded => self.certify(kept.to_vec()),
            Finding::Never => Stage::Prefix(kept[1..].to_vec()),
        })
    }

    fn after_confirming(
        &self,
        kept: &[usize],
        chapter: usize,
        fresh: &Tally,
        rates: &Rates,
    ) -> Option<Stage> {
        let part = Prefixes::new(kept, self.chapters).part(chapter + 1);
        let crashes = CONFIRMATION.verdict(rates, fresh.seen(&part, self.place))?;
        let more = || [&[chapter], kept].concat();
        Some(match (crashes, chapter) {
            (true, 0) => self.certify(more()),
            (true, _) => Stage::Prefix(more()),
            (false, _) => Stage::Prefix(kept.to_vec()),
        })
    }

    fn after_certificate(
        &self,
        kept: &[usize],
        certificate: &Certificate,
        rates: &Rates,
    ) -> Option<Stage> {
        match certificate.ruling(rates, self.place) {
            Ruling::Open => None,
            Ruling::Holds => Some(Stage::Answered(self.answered(kept, certificate))),
            Ruling::Fails => Some(Stage::Prefix(kept.to_vec())),
            Ruling::NotNeeded(out, seen) => {
                let fewer: Vec<usize> = kept.iter().copied().filter(|c| *c != out).collect();
                let certificate = self.certificate(fewer.clone()).with_crashes(seen);
                Some(Stage::Certificate(fewer, certificate))
            }
        }
    }

    fn certify(&self, kept: Vec<usize>) -> Stage {
        let certificate = self.certificate(kept.clone());
        Stage::Certificate(kept, certificate)
    }

    fn certificate(&self, kept: Vec<usize>) -> Certificate {
        Certificate::new(kept, self.error, self.certificates)
    }

    /// Whether the crash mostly happens in other chapters than the known place.
    fn has_lost_place(&self) -> bool {
        self.place.is_some_and(|place| {
            let [here, elsewhere] = self.tally.placed(place);
            elsewhere > here + ELSEWHERE
        })
    }

    fn whole(&self) -> Vec<usize> {
        (0..self.chapters).collect()
    }

    fn whole_seen(&self) -> Seen {
        self.tally.seen(&self.whole(), self.place)
    }

    fn whole_deaths(&self) -> u64 {
        self.tally.seen(&self.whole(), None).deaths
    }
}
