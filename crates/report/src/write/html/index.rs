//! The pages of `crashrate serve` other than reports.

use std::collections::HashSet;

use maud::{Markup, html};

use super::history::linked;
use super::page::{PageHost, PageParts};
use super::parts::scrolled;
use crate::clean::{NAME, SENTENCE, clean};
use crate::document::{RunPages, segment, state_of};
use crate::view::RunLine;
use crate::words::{date, out_of, share};

/// The list of runs, latest first, with links to their reports and to each suite's history.
pub fn index_parts(lines: &[RunLine]) -> PageParts {
    let heads = [
        "run", "suite", "state", "passed", "bad", "rounds", "began", "device",
    ];
    let list = html! {
        table class="runs" {
            thead { tr { @for head in heads { th scope="col" { (head) } } } }
            tbody { @for line in lines.iter().rev() { (row(line)) } }
        }
    };
    // A run may start at any moment.
    let mut page = empty("Runs".to_owned(), true);
    page.push("suites", suites(lines));
    page.push(
        "runs",
        html! { section id="runs" { (scrolled("runs", list)) } },
    );
    page
}

/// A link to the history of each suite, the one that ran last first.
fn suites(lines: &[RunLine]) -> Markup {
    let mut seen = HashSet::new();
    let known = lines.iter().rev().filter_map(|line| line.known.as_ref());
    let suites = known.map(|known| known.suite.as_str());
    let suites: Vec<_> = suites.filter(|suite| seen.insert(*suite)).collect();
    html! {
        section id="suites" {
            p {
                @if suites.is_empty() { "There are no runs yet." } @else { "History of " }
                @for (place, suite) in suites.iter().enumerate() {
                    @if place > 0 { ", " }
                    a href=(history_of(suite)) { (clean(suite, SENTENCE)) }
                }
            }
        }
    }
}

fn history_of(suite: &str) -> String {
    format!("/history/{}", segment(suite))
}

/// A run with its counts. A damaged run says so.
fn row(line: &RunLine) -> Markup {
    let link = RunPages::Served.link(&line.id);
    let id = clean(&line.id, SENTENCE);
    let Some(known) = &line.known else {
        return html! {
            tr {
                th scope="row" { (linked(&id, link.as_deref())) }
                td class="bad" colspan="7" { "its journal cannot be read" }
            }
        };
    };
    let (bad, n) = (known.bad.bad, known.bad.n);
    // Rounds may fail without being counted as bad.
    let failed = known.passed + bad < n;
    html! {
        tr {
            th scope="row" title=(id) {
                (linked(&format!("N={}", known.number), link.as_deref()))
            }
            td { a href=(history_of(&known.suite)) { (clean(&known.suite, SENTENCE)) } }
            td class=[(known.state.is_running() || !known.complete).then_some("doubt")] {
                (state_of(known))
            }
            td class=[failed.then_some("doubt")] data-h="passed" { (share(known.passed, n)) }
            td class=[(bad > 0).then_some("bad")] data-h="bad" { (share(bad, n)) }
            td data-h="rounds" { (out_of(known.rounds.0, known.rounds.1)) }
            td { (date(&known.started)) }
            td { (clean(&known.device, NAME)) }
        }
    }
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
