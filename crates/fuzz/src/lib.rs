//! What several fuzz targets do with what was read.

use crashrate_model::Record;
use crashrate_report::{Detail, RunState, TerminalOptions, ViewBuilder, json, markdown, terminal};

/// Makes every form of the report of these records. Records that do not fit each other are an
/// error, and never a panic.
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
            };
            terminal(&view, &options);
            markdown(&view, Some(&view));
        }
    }
}
