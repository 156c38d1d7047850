//! Shared by the formats that list attempts. They hold one attempt at a time and read its record
//! again.

use std::error::Error;
use std::io;

use crashrate_model::{ChapterEnd, Ended, Mode, Outcome, Record, Unit};
use thiserror::Error;

use crate::view::AttemptPlace;

/// Why a record could not be read again.
type Unreadable = Box<dyn Error + Send + Sync>;

/// Reads end records again, by the places given when the view was built.
pub trait Ends {
    /// The end record at this place.
    ///
    /// # Errors
    /// It cannot be read, or no longer exists.
    fn end(&mut self, place: u64) -> Result<Ended, Unreadable>;

    /// The last lines of an attempt's standard output and standard error, from the recorded file.
    fn output(&mut self, _file: &str) -> Option<[String; 2]> {
        None
    }

    /// The frames of the crashed thread, from the recorded file.
    fn stack(&mut self, _file: &str) -> Vec<String> {
        Vec::new()
    }

    /// The suite's file for CI: relative to the working directory.
    fn suite_file(&mut self) -> Option<String> {
        None
    }
}

/// Records in memory; the builder numbers them itself.
impl Ends for &[Record] {
    fn end(&mut self, place: u64) -> Result<Ended, Unreadable> {
        let place = usize::try_from(place).ok();
        match place.and_then(|place| self.get(place)) {
            Some(Record::Ended(ended)) => Ok((**ended).clone()),
            _ => Err("no attempt ends there".into()),
        }
    }
}

/// The attempts could not be listed.
#[derive(Debug, Error)]
pub enum ListError {
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
    /// An attempt cannot be read again.
    #[error("{0}")]
    Record(Unreadable),
}

impl From<::csv::Error> for ListError {
    fn from(error: ::csv::Error) -> Self {
        ListError::Output(error.into())
    }
}

/// An attempt of this unit with an end for each of its chapters. Without an end record it is lost.
pub(super) fn attempt(
    unit: &Unit,
    at: &AttemptPlace,
    ends: &mut dyn Ends,
) -> Result<Ended, ListError> {
    let mut attempt = match at.end {
        Some(place) => ends.end(place.get()).map_err(ListError::Record)?,
        None => Ended::of(at.unit, at.round, at.attempt, Outcome::Lost),
    };
    let end = |outcome| ChapterEnd {
        outcome,
        secs: None,
        reason: None,
        measures: Vec::new(),
    };
    let chapters = &mut attempt.chapters;
    match (unit.mode, attempt.outcome.counts()) {
        (Mode::Sequential, true) => chapters.resize(unit.chapters.len(), end(Outcome::Unreached)),
        (Mode::Isolated, true) => {
            *chapters = vec![ChapterEnd {
                secs: attempt.secs,
                reason: attempt.reason.clone(),
                ..end(attempt.outcome)
            }];
        }
        // A lost round is run again as a whole.
        (_, false) => *chapters = vec![end(attempt.outcome); unit.chapters.len()],
    }
    Ok(attempt)
}
