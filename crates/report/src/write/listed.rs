//! Shared by the formats that list attempts. They hold one attempt at a time and read its record
//! again.

use std::io;

use crashrate_model::{ChapterEnd, Ended, Mode, Outcome, Unit};
use thiserror::Error;

use crate::view::{AttemptPlace, Ends, Unreadable};

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

/// The chapters of a unit that an attempt ran: in a search for a part of a sequence, those of the
/// part.
pub(super) fn chapters<'a>(unit: &'a Unit, attempt: &Ended) -> Vec<&'a str> {
    let is_in = |place: &u32| {
        let part = attempt.part.as_ref();
        part.is_none_or(|part| part.chapters.contains(place))
    };
    let all = (0..).zip(&unit.chapters);
    all.filter(|(place, _)| is_in(place))
        .map(|(_, id)| id.as_str())
        .collect()
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
    let run = self::chapters(unit, &attempt).len();
    let chapters = &mut attempt.chapters;
    match (unit.mode, attempt.outcome.counts()) {
        (Mode::Sequential, true) => chapters.resize(run, end(Outcome::Unreached)),
        (Mode::Isolated, true) => {
            *chapters = vec![ChapterEnd {
                secs: attempt.secs,
                reason: attempt.reason.clone(),
                ..end(attempt.outcome)
            }];
        }
        // A lost round is run again as a whole.
        (_, false) => *chapters = vec![end(attempt.outcome); run],
    }
    Ok(attempt)
}
