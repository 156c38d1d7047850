//! The pages of `crashrate serve` other than reports.

use maud::html;

use super::page::{Page, PageHost};
use super::parts::{cells, scrolled, with_heads};
use crate::clean::{SENTENCE, clean};
use crate::document::runs;
use crate::view::RunLine;

/// The list of runs, latest first, with links to their reports and to each suite's history.
pub fn index_html(lines: &[RunLine]) -> String {
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
    let page = Page {
        title: "Runs",
        tab: None,
        facts: "",
        host: PageHost::Served,
        // A run may start at any moment.
        refresh: true,
        body: html! {
            section id="suites" {
                p {
                    @if suites.is_empty() { "There are no runs yet." } @else { "History of " }
                    @for (place, suite) in suites.iter().enumerate() {
                        @if place > 0 { ", " }
                        a href={ "/history/" (segment(suite)) } { (clean(suite, SENTENCE)) }
                    }
                }
            }
            section id="runs" { (scrolled("runs", with_heads(&table, rows))) }
        },
    };
    page.write()
}

/// A page with an error message.
pub fn error_html(title: &str, message: &str) -> String {
    message_html(title, message, false)
}

/// A page saying why there is no report yet. It refreshes itself.
pub fn waiting_html(title: &str, message: &str) -> String {
    message_html(title, message, true)
}

fn message_html(title: &str, message: &str, refresh: bool) -> String {
    let page = Page {
        title: &clean(title, SENTENCE),
        tab: None,
        facts: "",
        host: PageHost::Served,
        refresh,
        body: html! { section id="error" { p { (clean(message, 10 * SENTENCE)) } } },
    };
    page.write()
}

/// A name as one URL path segment.
fn segment(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    let part = |b: u8| match plain(b) {
        true => char::from(b).to_string(),
        false => format!("%{b:02X}"),
    };
    name.bytes().map(part).collect()
}
