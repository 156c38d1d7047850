//! What the forms share that list attempts: they hold one at a time, and read its record again for that.

use std::error::Error;
use std::io;

use crashrate_model::{Ended, Record, Unit};
use thiserror::Error;

use crate::view::{Attempt, AttemptPlace};

/// Why a record cannot be read again.
type Unreadable = Box<dyn Error + Send + Sync>;

/// Reads the ends of attempts again, by the places with which the view was built.
pub trait Ends {
    /// The end that is on record at this place.
    ///
    /// # Errors
    /// It cannot be read, or is not there any more.
    fn end(&mut self, place: u64) -> Result<Ended, Unreadable>;

    /// The ends of what an attempt printed on standard output and standard error, from the file that is on record.
    fn output(&mut self, _file: &str) -> Option<[String; 2]> {
        None
    }

    /// The frames of the thread that crashed, from the file that is on record.
    fn stack(&mut self, _file: &str) -> Vec<String> {
        Vec::new()
    }

    /// The suite's file, as CI knows files: relative to the folder in which it works.
    fn suite_file(&mut self) -> Option<String> {
        None
    }
}

/// Records that are in memory, which a builder counts by itself.
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
    /// The text cannot be written.
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

/// An attempt of this unit, whole.
pub(super) fn attempt(
    unit: &Unit,
    at: &AttemptPlace,
    ends: &mut dyn Ends,
) -> Result<Attempt, ListError> {
    let end = at.end().map(|place| ends.end(place)).transpose();
    Ok(Attempt::of(unit, at, end.map_err(ListError::Record)?))
}
