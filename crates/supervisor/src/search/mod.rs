//! Searches: runs whose rounds choose the rounds that follow.
//!
//! A search decides by the records of the journal alone, so a resumed run continues where it was.

mod status;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crashrate_model::{Part, Record};

use crate::plan::{Pending, RoundKey};

pub use status::{BisectStatus, MinimizeStatus, ProvokeStatus, SearchPhase, SearchStatus};

/// What chooses the rounds of a run.
pub(crate) trait Search: Send {
    /// Applies a record. Returns whether the search is answered.
    fn push(&mut self, record: &Record) -> bool;

    /// The next round to run: `None` while it waits for running ones, or when it is over.
    fn next(&mut self) -> Option<Pending>;

    /// The part of its unit that a round runs; `None` for all of it.
    fn part(&self, _key: RoundKey) -> Option<Part> {
        None
    }

    /// What is found so far, as the journal has it, at this time.
    fn found(&self, at: f64) -> Record;

    /// How far it is, for people.
    fn status(&self) -> SearchStatus;
}

/// A search that the schedule, the runner and the stopping rule share. As an iterator it gives the
/// rounds to run.
#[derive(Clone)]
pub(crate) struct SharedSearch(Arc<Mutex<dyn Search>>);

impl SharedSearch {
    pub(crate) fn new(search: impl Search + 'static) -> SharedSearch {
        SharedSearch(Arc::new(Mutex::new(search)))
    }

    /// Applies a record. Returns whether the search is answered.
    pub(crate) fn push(&self, record: &Record) -> bool {
        self.lock().push(record)
    }

    /// The part of its unit that a round runs; `None` for all of it.
    pub(crate) fn part(&self, key: RoundKey) -> Option<Part> {
        self.lock().part(key)
    }

    /// What is found so far, as the journal has it, at this time.
    pub(crate) fn found(&self, at: f64) -> Record {
        self.lock().found(at)
    }

    /// How far it is, for people.
    pub(crate) fn status(&self) -> SearchStatus {
        self.lock().status()
    }

    fn lock(&self) -> MutexGuard<'_, dyn Search + 'static> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Iterator for SharedSearch {
    type Item = Pending;

    fn next(&mut self) -> Option<Pending> {
        self.lock().next()
    }
}
