//! The search of `crashrate minimize`: which part of the sequence each round runs.

mod reduction;
mod request;
mod suite_file;

use std::collections::BTreeMap;

use crashrate_model::{Deaths, MinimizeRule, Minimized, OutcomeSet, Part, Record, Unit};
use crashrate_stats::StatsError;

use crate::plan::{Pending, RoundKey};
use crate::search::{MinimizeStatus, Search, SearchPhase, SearchStatus};
use reduction::Reduction;

pub(crate) use request::plan;
pub use request::{MinimizeError, MinimizeOptions};
pub use suite_file::suite_file;

/// The most suspects that are on record.
const MAX_SUSPECTS: usize = 20;

/// The only unit of such a run.
const UNIT: u32 = 0;

/// The search, with the rounds that it has chosen.
pub(crate) struct MinimizeSearch {
    deaths: Deaths<Part>,
    search: Reduction,
    /// The rounds that were chosen and have not ended.
    open: BTreeMap<u32, Part>,
    last: u32,
    most: u32,
}

impl MinimizeSearch {
    /// The search in the only unit of a plan.
    pub(crate) fn new(
        units: &[Unit],
        bad: &OutcomeSet,
        rule: &MinimizeRule,
    ) -> Result<MinimizeSearch, StatsError> {
        let unit = &units[UNIT as usize];
        Ok(MinimizeSearch {
            deaths: Deaths::of_minimize(rule, unit, bad),
            search: Reduction::new(unit.chapters.len(), rule)?,
            open: BTreeMap::new(),
            last: 0,
            most: unit.rounds,
        })
    }
}

impl Search for MinimizeSearch {
    fn push(&mut self, record: &Record) -> bool {
        match record {
            // The rounds of an earlier supervisor have ended or are lost.
            Record::Opened(_) => self.open.clear(),
            Record::Started(started) => self.last = self.last.max(started.round),
            Record::Ended(ended) => {
                self.open.remove(&ended.round);
                if let Some(part) = &ended.part {
                    for (part, death) in self.deaths.push(part.clone(), ended) {
                        self.search.push(&part, death);
                    }
                }
            }
            _ => {}
        }
        self.search.is_answered()
    }

    fn found(&self, at: f64) -> Record {
        let chapters = self.search.chapters();
        let progress = chapters.progress();
        let suspects = progress.suspects.iter().take(MAX_SUSPECTS);
        Record::Minimized(Box::new(Minimized {
            at,
            target: self.deaths.target().map(str::to_owned),
            part: self.search.best(),
            certificate: chapters
                .answer()
                .map(|answer| self.search.certificate(&answer)),
            rate: progress.rate,
            level: progress.level,
            suspects: suspects
                .map(|one| (one.chapter as u32, one.posterior))
                .collect(),
        }))
    }

    fn status(&self) -> SearchStatus {
        let progress = self.search.chapters().progress();
        let numbers = self.search.numbers();
        SearchStatus::Minimize(MinimizeStatus {
            phase: match numbers {
                Some(_) => SearchPhase::Numbers,
                None => SearchPhase::Chapters(progress.phase),
            },
            runs: progress.runs + numbers.map_or(0, |numbers| numbers.runs()),
            expected: progress.expected,
            best: self.search.best(),
            suspects: (progress.suspects.iter().take(MAX_SUSPECTS))
                .map(|one| (one.chapter, one.posterior))
                .collect(),
        })
    }

    fn part(&self, key: RoundKey) -> Option<Part> {
        self.open.get(&key.round).cloned()
    }

    fn next(&mut self) -> Option<Pending> {
        let round = self.last + 1;
        if round > self.most {
            return None;
        }
        let part = self.search.next(self.open.values())?;
        self.last = round;
        self.open.insert(round, part);
        Some(Pending {
            key: RoundKey { unit: UNIT, round },
            attempt: 1,
        })
    }
}
