//! Code shared by several fuzz targets.

use crashrate_model::Record;
use crashrate_report::{Detail, RunState, TerminalOptions, ViewBuilder, json, markdown, terminal};

/// Renders the report of these records as JSON, as text and as Markdown. Inconsistent records must
/// be an error, not a panic.
pub fn report(records: impl Iterator<Item = Record>) {
    let mut builder = ViewBuilder::new();
    for record in records {
        if builder.push(&record).is_err() {
            return;
        }
    }
    for state in [RunState::Running, RunState::Ended] {
        if let Ok(view) = builder.clone().finish(state) {
            json(&view);
            let options = TerminalOptions {
                width: 100,
                color: true,
                detail: Detail::Full,
                page: None,
                origin: None,
            };
            terminal(&view, &options);
            markdown(&view, Some(&view));
        }
    }
}
