//! The pages of `crashrate serve` other than reports.

use maud::html;

use super::page::{PageHost, PageParts};
use super::parts::{cells, scrolled, with_heads};
use crate::clean::{SENTENCE, clean};
use crate::document::{runs, segment};
use crate::view::RunLine;

/// The list of runs, latest first, with links to their reports and to each suite's history.
pub fn index_parts(lines: &[RunLine]) -> PageParts {
    let mut suites: Vec<&str> = Vec::new();
    for known in lines.iter().filter_map(|line| line.known.as_ref()) {
        if !suites.contains(&known.suite.as_str()) {
            suites.push(&known.suite);
        }
    }
    let table = runs(lines);
    let rows = html! {
        @for (line, row) in lines.iter().zip(&table.rows).rev() {
            @if let [known @ .., name] = row.as_slice() {
                tr {
                    (cells(&table, known))
                    td { a href={ "/runs/" (segment(&line.id)) } { (name.text) } }
                }
            }
        }
    };
    let histories = html! {
        section id="suites" {
            p {
                @if suites.is_empty() { "There are no runs yet." } @else { "History of " }
                @for (place, suite) in suites.iter().enumerate() {
                    @if place > 0 { ", " }
                    a href={ "/history/" (segment(suite)) } { (clean(suite, SENTENCE)) }
                }
            }
        }
    };
    // A run may start at any moment.
    let mut page = empty("Runs".to_owned(), true);
    page.push("suites", histories);
    let table = scrolled("runs", with_heads(&table, rows));
    page.push("runs", html! { section id="runs" { (table) } });
    page
}

/// A page with an error message.
pub fn error_html(title: &str, message: &str) -> String {
    message_parts(title, message, false).page()
}

/// A page saying why there is no report yet. It is live.
pub fn waiting_parts(title: &str, message: &str) -> PageParts {
    message_parts(title, message, true)
}

fn message_parts(title: &str, message: &str, live: bool) -> PageParts {
    let mut page = empty(clean(title, SENTENCE), live);
    let message = clean(message, 10 * SENTENCE);
    page.push("error", html! { section id="error" { p { (message) } } });
    page
}

fn empty(title: String, live: bool) -> PageParts {
    PageParts {
        title,
        tab: None,
        facts: String::new(),
        host: PageHost::Served,
        live,
        sections: Vec::new(),
    }
}
