//! The baseline of a suite, as a view.

use crashrate_model::Baseline;

use super::ViewBuilder;
use crate::error::{ReportError, ViewError};
use crate::view::{RunState, View};

/// The view of a baseline's run.
pub(super) fn view_of(recorded: &Baseline) -> Result<View, ReportError> {
    let view = || {
        let mut builder = ViewBuilder::new();
        for record in recorded.records() {
            builder.push(&record)?;
        }
        builder.finish(RunState::Ended)
    };
    view().map_err(|error: ViewError| ReportError::OfRecord(Box::new(error)))
}
