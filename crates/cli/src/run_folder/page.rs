//! The view of a run for a page, with single attempts and the evidence of crashes.

use std::path::Path;

use crashrate_report::{RunState, View, ViewBuilder};

use super::attempts::add_attempts;
use super::evidence::add_evidence;
use super::reader::view_with;
use crate::error::Failure;

/// The view with what a page shows of single attempts and of crashes.
pub(crate) fn page_view(folder: &Path, state: RunState) -> Result<View, Failure> {
    let mut view = view_with(folder, state, ViewBuilder::with_attempts())?;
    add_page_details(folder, &mut view);
    Ok(view)
}

/// Adds what a page shows of single attempts and of crashes.
pub(crate) fn add_page_details(folder: &Path, view: &mut View) {
    add_attempts(folder, view);
    add_evidence(folder, view);
}
