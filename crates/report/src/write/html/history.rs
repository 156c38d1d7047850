//! The runs of a history: what changed between them, and all of them in a fold.

use maud::{Markup, html};

use super::parts::{heads, more_cells, scrolled};
use crate::document::{DIFFERENCES, PastRunRow, PastRuns, Table, Text};
use crate::words::count;

/// A name that links to a page, if there is one.
pub(super) fn linked(name: &str, link: Option<&str>) -> Markup {
    html! {
        @match link {
            Some(link) => a href=(link) { (name) },
            None => (name),
        }
    }
}

/// Up to this many runs in which something changed are not folded.
const CHANGED: usize = 8;

/// The runs in which something changed, the latest first, and then all runs.
pub(super) fn past_runs(past: &PastRuns) -> Markup {
    let runs = past.table.rows.iter().zip(&past.runs).rev();
    let runs = runs.filter(|(_, run)| !run.differs.is_empty());
    let changed: Vec<(&Vec<Text>, &PastRunRow)> = runs.collect();
    let (first, older) = changed.split_at(changed.len().min(CHANGED));
    html! {
        @if changed.is_empty() {
            p { "Nothing on record changed between these runs, besides their rates." }
        } @else {
            (changes(first, Some("What changed since the run before, the latest first")))
        }
        @if !older.is_empty() {
            details class="fold" {
                summary { (count(older.len() as u64)) " older runs with changes" }
                (changes(older, None))
            }
        }
        details class="fold" {
            summary { "All runs (" (count(past.runs.len() as u64)) ")" }
            (all_runs(past))
        }
    }
}

fn changes(runs: &[(&Vec<Text>, &PastRunRow)], caption: Option<&str>) -> Markup {
    html! {
        table class="changes" {
            @if let Some(caption) = caption { caption { (caption) } }
            thead { tr { th scope="col" { "run" } th scope="col" { "changed" } } }
            tbody {
                @for (row, run) in runs {
                    tr {
                        th scope="row" {
                            (linked(text(row, 0), run.link.as_deref()))
                            " "
                            span class="small" { (text(row, 1)) }
                        }
                        td { (differences(&run.differs)) }
                    }
                }
            }
        }
    }
}

fn text(row: &[Text], place: usize) -> &str {
    row.get(place).map_or("", |cell| &cell.text)
}

/// Each fact with its value before and now.
fn differences(differs: &[[String; 3]]) -> Markup {
    let (first, more) = differs.split_at(differs.len().min(DIFFERENCES));
    let list = |some: &[[String; 3]]| {
        html! {
            ul class="plain" {
                @for [what, before, now] in some {
                    li {
                        (what) ": " span class="before" { (before) }
                        span class="unseen" { " before, now " }
                        span class="to" aria-hidden="true" { " \u{2192} " }
                        strong { (now) }
                    }
                }
            }
        }
    };
    html! {
        (list(first))
        @if !more.is_empty() {
            details { summary { (count(more.len() as u64)) " more" } (list(more)) }
        }
    }
}

/// The table of runs without what changed, which is above it.
fn all_runs(past: &PastRuns) -> Markup {
    let shown = past.table.columns.len() - 1;
    let table = Table {
        columns: past.table.columns[..shown].to_vec(),
        ..Table::default()
    };
    let body = html! {
        table {
            thead { tr { (heads(&table)) } }
            tbody {
                @for (row, run) in past.table.rows.iter().zip(&past.runs).rev() {
                    tr {
                        th scope="row" { (linked(text(row, 0), run.link.as_deref())) }
                        (more_cells(&table, row))
                    }
                }
            }
        }
    };
    scrolled("all runs", body)
}
