//! The pages of `crashrate serve` other than reports.

use maud::html;

use super::page::{Page, PageHost};
use crate::clean::{SENTENCE, clean};
use crate::document::runs;
use crate::view::RunLine;

/// The list of runs, latest first, with links to their reports and to each suite's history.
pub fn index_html(lines: &[RunLine]) -> String {
    let table = runs(lines);
    let mut suites: Vec<&str> = Vec::new();
    for known in lines.iter().filter_map(|line| line.known.as_ref()) {
        if !suites.contains(&known.suite.as_str()) {
            suites.push(&known.suite);
        }
    }
    let page = Page {
        title: "Runs".to_owned(),
        place: PageHost::Served,
        // A run may start at any moment.
        refresh: true,
        body: html! {
            header id="head" { h1 { "Runs" } }
            main {
                section id="suites" {
                    @if suites.is_empty() { p { "There are no runs yet." } }
                    @else {
                        p {
                            "History of "
                            @for (place, suite) in suites.iter().enumerate() {
                                @if place > 0 { ", " }
                                a href={ "/history/" (segment(suite)) } { (clean(suite, SENTENCE)) }
                            }
                        }
                    }
                }
                section id="runs" { (super::parts::scrolled("runs", html! {
                    table {
                        thead { tr { (super::parts::heads(&table)) } }
                        tbody {
                            @for (line, row) in lines.iter().zip(&table.rows).rev() {
                                tr {
                                    @let (link, rest) = row.split_last().map_or((None, row.as_slice()), |(l, r)| (Some(l), r));
                                    (super::parts::cells(&table, rest))
                                    td { a href={ "/runs/" (segment(&line.id)) } { @if let Some(link) = link { (link.text) } } }
                                }
                            }
                        }
                    }
                })) }
            }
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
    let title = clean(title, SENTENCE);
    let page = Page {
        title: title.clone(),
        place: PageHost::Served,
        refresh,
        body: html! {
            header id="head" { h1 { (title) } }
            main { section id="error" { p { (clean(message, 10 * SENTENCE)) } } }
        },
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
