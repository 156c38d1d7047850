//! What a report reads again from a run's files: single attempts, and what they printed.

use std::error::Error;

use crashrate_model::{Ended, Record};

/// Why a record could not be read again.
pub(crate) type Unreadable = Box<dyn Error + Send + Sync>;

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

    /// The seed of this round in a run with this seed.
    fn round_seed(&mut self, _seed: u64, _round: u32) -> Option<u64> {
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
