//! The writers: one for each format.

mod csv;
mod doctor;
mod github;
mod html;
mod json;
mod junit;
mod listed;
mod markdown;
mod strata;
mod terminal;

pub use csv::csv;
pub use doctor::{doctor_json, doctor_terminal};
pub use github::{github_annotations, github_summary};
pub use html::{
    LIVE_SCRIPT, PageHost, PageParts, SERVED_POLICY, error_html, history_html, history_parts, html,
    index_parts, report_parts, waiting_parts,
};
pub use json::{compare_json, history_json, json, json_schema};
pub use junit::{junit, junit_rounds};
pub use listed::ListError;
pub use markdown::{compare_markdown, history_markdown, markdown};
pub use strata::{strata_json, strata_text};
pub use terminal::{TerminalOptions, compare_terminal, history_terminal, runs_terminal, terminal};
