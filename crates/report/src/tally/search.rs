//! Tallies the rounds of a search. They run parts of a sequence, so they are in no rate of it.

use crashrate_model::{Death, Deaths, Ended, Minimized, Outcome, Part, RunInfo, Stopping};

use crate::view::{Outcomes, PartSeen, Search, Totals};

#[derive(Clone, Debug)]
pub(super) struct SearchTally {
    deaths: Deaths<Part>,
    search: Search,
    outcomes: Outcomes,
    attempts: u32,
}

impl SearchTally {
    /// The search of a run that has one.
    pub(super) fn of(run: &RunInfo) -> Option<SearchTally> {
        let Stopping::Minimized(rule) = &run.stopping else {
            return None;
        };
        let unit = run.units.first()?;
        Some(SearchTally {
            deaths: rule.deaths(unit, &run.bad),
            search: Search {
                rule: rule.clone(),
                sequence: unit.name.clone(),
                chapters: unit.chapters.clone(),
                target: None,
                signatures: Vec::new(),
                parts: Vec::new(),
                found: None,
            },
            outcomes: Outcomes::default(),
            attempts: 0,
        })
    }

    pub(super) fn end(&mut self, ended: &Ended) {
        self.attempts += 1;
        self.outcomes.add(ended.outcome, 1);
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

    pub(super) fn found(&mut self, found: &Minimized) {
        self.search.found = Some(found.clone());
    }

    /// Whether any round has a result.
    pub(super) fn has_rounds(&self) -> bool {
        self.outcomes.counted() > 0
    }

    /// The sums over the run.
    pub(super) fn totals(&self, run: &RunInfo) -> Totals {
        let first_attempt = self.outcomes.share(&run.bad);
        Totals {
            planned: run
                .units
                .iter()
                .map(|unit| unit.rounds)
                .fold(0, u32::saturating_add),
            rounds: first_attempt.n,
            outcomes: self.outcomes,
            first_attempt,
            after_retries: first_attempt,
            passed_after_retries: self.outcomes.get(Outcome::Passed),
            attempts: self.attempts,
            ..Totals::default()
        }
    }

    pub(super) fn search(&self) -> Search {
        Search {
            target: self.deaths.target().map(str::to_owned),
            signatures: self.deaths.signatures(),
            ..self.search.clone()
        }
    }
}
