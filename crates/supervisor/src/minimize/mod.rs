//! The search of `crashrate minimize`: which part of the sequence each round runs.
//!
//! The search decides by the rounds in the journal alone, so a resumed run continues where it was.

mod reduction;
mod request;
mod suite_file;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crashrate_model::{Deaths, MinimizeRule, Minimized, OutcomeSet, Part, Record, Unit};
use crashrate_stats::{MinimizePhase, StatsError};

use crate::plan::{Pending, RoundKey};
use reduction::Reduction;

pub(crate) use request::plan;
pub use request::{MinimizeError, MinimizeOptions};
pub use suite_file::suite_file;

/// The most suspects that are on record.
const MAX_SUSPECTS: usize = 20;

/// The only unit of such a run.
const UNIT: u32 = 0;

/// A search that the schedule, the runner and the stopping rule share. As an iterator it gives the
/// rounds to run: `None` while it waits for running ones, or when it is over.
#[derive(Clone)]
pub(crate) struct SharedSearch(Arc<Mutex<Rounds>>);

struct Rounds {
    deaths: Deaths,
    search: Reduction,
    /// The rounds that were chosen and have not ended.
    open: BTreeMap<u32, Part>,
    last: u32,
    most: u32,
}

impl SharedSearch {
    /// The search in the only unit of a plan.
    pub(crate) fn new(
        units: &[Unit],
        bad: &OutcomeSet,
        rule: &MinimizeRule,
    ) -> Result<SharedSearch, StatsError> {
        let unit = &units[UNIT as usize];
        Ok(SharedSearch(Arc::new(Mutex::new(Rounds {
            deaths: Deaths::new(unit, bad, rule),
            search: Reduction::new(unit.chapters.len(), rule)?,
            open: BTreeMap::new(),
            last: 0,
            most: unit.rounds,
        }))))
    }

    /// Applies a record. Returns whether the search is answered.
    pub(crate) fn push(&self, record: &Record) -> bool {
        let mut rounds = self.lock();
        match record {
            // The rounds of an earlier supervisor have ended or are lost.
            Record::Opened(_) => rounds.open.clear(),
            Record::Started(started) => rounds.last = rounds.last.max(started.round),
            Record::Ended(ended) => drop(rounds.open.remove(&ended.round)),
            _ => {}
        }
        for (part, death) in rounds.deaths.push(record) {
            rounds.search.push(&part, death);
        }
        rounds.search.is_answered()
    }

    /// What is found so far, as the journal has it.
    pub(crate) fn found(&self) -> Minimized {
        let rounds = self.lock();
        let chapters = rounds.search.chapters();
        let progress = chapters.progress();
        let suspects = progress.suspects.iter().take(MAX_SUSPECTS);
        Minimized {
            at: 0.0,
            target: rounds.deaths.target().map(str::to_owned),
            part: rounds.search.best(),
            certificate: chapters
                .answer()
                .map(|answer| rounds.search.certificate(&answer)),
            rate: progress.rate,
            level: progress.level,
            suspects: suspects
                .map(|one| (one.chapter as u32, one.posterior))
                .collect(),
        }
    }

    /// How far the search is, for people.
    pub(crate) fn status(&self) -> SearchStatus {
        let rounds = self.lock();
        let progress = rounds.search.chapters().progress();
        SearchStatus {
            phase: match rounds.search.numbers() {
                Some(_) => SearchPhase::Numbers,
                None => SearchPhase::Chapters(progress.phase),
            },
            runs: progress.runs + rounds.search.numbers().map_or(0, |numbers| numbers.runs()),
            expected: progress.expected,
            best: rounds.search.best(),
            suspects: (progress.suspects.iter().take(MAX_SUSPECTS))
                .map(|one| (one.chapter, one.posterior))
                .collect(),
        }
    }

    /// The part that a round runs.
    pub(crate) fn part(&self, key: RoundKey) -> Option<Part> {
        self.lock().open.get(&key.round).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Rounds> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a search is.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchStatus {
    /// What is searched now.
    pub phase: SearchPhase,
    /// The rounds so far.
    pub runs: u64,
    /// An estimate of the rounds left.
    pub expected: Option<f64>,
    /// The smallest part that is known to crash so far.
    pub best: Part,
    /// The chapters that may be needed, by index, each with its posterior probability; the most
    /// probable first.
    pub suspects: Vec<(usize, f64)>,
}

/// What a search looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchPhase {
    /// The chapters.
    Chapters(MinimizePhase),
    /// The numbers of a chapter.
    Numbers,
}

impl Iterator for SharedSearch {
    type Item = Pending;

    fn next(&mut self) -> Option<Pending> {
        let mut rounds = self.lock();
        let round = rounds.last + 1;
        if round > rounds.most {
            return None;
        }
        let part = rounds.search.next(rounds.open.values())?;
        rounds.last = round;
        rounds.open.insert(round, part);
        Some(Pending {
            key: RoundKey { unit: UNIT, round },
            attempt: 1,
        })
    }
}
