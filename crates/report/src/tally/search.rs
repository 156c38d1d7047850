//! Tallies the rounds of a search. They are in no rate of its units.

use crashrate_model::{Built, Death, Deaths, Ended, Outcome, Part, Record, RunInfo, Stopping};

use super::bisection::BisectTally;
use super::provocation::ProvokeTally;
use crate::view::{Bisection, Outcomes, PartSeen, Provocation, Search, Share, Totals};

#[derive(Clone, Debug)]
pub(super) struct SearchTally {
    of: Kind,
    outcomes: Outcomes,
    attempts: u32,
}

#[derive(Clone, Debug)]
enum Kind {
    Minimize(Box<MinimizeTally>),
    Bisect(Box<BisectTally>),
    Provoke(Box<ProvokeTally>),
}

impl SearchTally {
    /// The search of a run that has one.
    pub(super) fn of(run: &RunInfo) -> Option<SearchTally> {
        let of = match &run.stopping {
            Stopping::Minimized(_) => Kind::Minimize(Box::new(MinimizeTally::of(run)?)),
            Stopping::Bisected(rule) => Kind::Bisect(Box::new(BisectTally::new(run, rule))),
            Stopping::Provoked(rule) => Kind::Provoke(Box::new(ProvokeTally::new(run, rule))),
            _ => return None,
        };
        Some(SearchTally {
            of,
            outcomes: Outcomes::default(),
            attempts: 0,
        })
    }

    pub(super) fn end(&mut self, ended: &Ended) {
        self.attempts += 1;
        self.outcomes.add(ended.outcome, 1);
        match &mut self.of {
            Kind::Minimize(minimize) => minimize.end(ended),
            Kind::Bisect(bisect) => bisect.end(ended),
            Kind::Provoke(provoke) => provoke.end(ended),
        }
    }

    /// Takes how far the search is. Returns when that was.
    pub(super) fn found(&mut self, record: &Record) -> f64 {
        match (&mut self.of, record) {
            (Kind::Minimize(minimize), Record::Minimized(found)) => {
                minimize.search.found = Some((**found).clone());
                found.at
            }
            (Kind::Bisect(bisect), Record::Bisected(found)) => {
                bisect.found(found);
                found.at
            }
            (Kind::Provoke(provoke), Record::Provoked(found)) => {
                provoke.found(found);
                found.at
            }
            _ => 0.0,
        }
    }

    pub(super) fn built(&mut self, built: &Built) {
        if let Kind::Bisect(bisect) = &mut self.of {
            bisect.built(built);
        }
    }

    /// Whether any round has a result, or the search did without.
    pub(super) fn has_rounds(&self) -> bool {
        let is_answered = match &self.of {
            Kind::Minimize(_) | Kind::Provoke(_) => false,
            Kind::Bisect(bisect) => bisect.is_answered(),
        };
        is_answered || self.outcomes.counted() > 0
    }

    /// The sums over the run.
    pub(super) fn totals(&self, run: &RunInfo) -> Totals {
        let first_attempt = self.outcomes.share(&run.bad);
        // The units of a search share its rounds.
        let planned = run.units.iter().map(|unit| unit.rounds).max();
        Totals {
            planned: planned.unwrap_or(0),
            rounds: first_attempt.n,
            outcomes: self.outcomes,
            first_attempt,
            after_retries: first_attempt,
            passed_after_retries: self.outcomes.get(Outcome::Passed),
            attempts: self.attempts,
            ..Totals::default()
        }
    }

    /// The rounds of a unit that count.
    pub(super) fn share(&self, unit: u32, run: &RunInfo) -> Share {
        match &self.of {
            Kind::Minimize(_) => self.outcomes.share(&run.bad),
            Kind::Bisect(bisect) => bisect.share(unit),
            Kind::Provoke(provoke) => provoke.share(unit),
        }
    }

    pub(super) fn search(&self) -> Option<Search> {
        match &self.of {
            Kind::Minimize(minimize) => Some(minimize.search()),
            Kind::Bisect(_) | Kind::Provoke(_) => None,
        }
    }

    pub(super) fn bisection(&self) -> Option<Box<Bisection>> {
        match &self.of {
            Kind::Bisect(bisect) => Some(Box::new(bisect.bisection())),
            Kind::Minimize(_) | Kind::Provoke(_) => None,
        }
    }

    pub(super) fn provocation(&self) -> Option<Box<Provocation>> {
        match &self.of {
            Kind::Provoke(provoke) => Some(Box::new(provoke.provocation())),
            Kind::Minimize(_) | Kind::Bisect(_) => None,
        }
    }
}

/// The rounds of a search for the smallest part of a sequence.
#[derive(Clone, Debug)]
struct MinimizeTally {
    deaths: Deaths<Part>,
    search: Search,
}

impl MinimizeTally {
    fn of(run: &RunInfo) -> Option<MinimizeTally> {
        let Stopping::Minimized(rule) = &run.stopping else {
            return None;
        };
        let unit = run.units.first()?;
        Some(MinimizeTally {
            deaths: Deaths::of_minimize(rule, unit, &run.bad),
            search: Search {
                rule: rule.clone(),
                sequence: unit.name.clone(),
                chapters: unit.chapters.clone(),
                target: None,
                signatures: Vec::new(),
                parts: Vec::new(),
                found: None,
            },
        })
    }

    fn end(&mut self, ended: &Ended) {
        let Some(part) = ended.part.clone() else {
            return;
        };
        for (part, death) in self.deaths.push(part, ended) {
            let parts = &mut self.search.parts;
            let place = parts.iter().position(|seen| seen.part == part);
            let place = place.unwrap_or_else(|| {
                parts.push(PartSeen::new(part));
                parts.len() - 1
            });
            let seen = &mut parts[place];
            match death {
                Death::Other => seen.others += 1,
                Death::None => seen.rounds += 1,
                Death::Target(place) => {
                    seen.rounds += 1;
                    seen.deaths += 1;
                    *seen.died_in.entry(place).or_default() += 1;
                }
            }
        }
    }

    fn search(&self) -> Search {
        Search {
            target: self.deaths.target().map(str::to_owned),
            signatures: self.deaths.signatures(),
            ..self.search.clone()
        }
    }
}
