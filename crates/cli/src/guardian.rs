//! The hidden command with which this program is its own guardian.

use crashrate_supervisor::process;

use crate::exit::{Exit, Failure};

/// The arguments before the run's id.
pub(crate) const ARGUMENTS: &[&str] = &["guardian"];

pub(crate) fn guardian(run_id: &str) -> Result<Exit, Failure> {
    process::guard(run_id)
        .map(|()| Exit::Passed)
        .map_err(Failure::usage)
}
