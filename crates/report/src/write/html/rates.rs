//! The rates of chapters on one scale: a mark for each mode, and for failures.

use maud::{Markup, html};

use super::Host;
use super::parts::{more_cells, scrolled};
use super::pictures::{axis, percent, scale_lines};
use crate::document::{Column, Mark, RateKind, RateMarks, RatesPlot};

/// A row for each chapter, with its numbers and its marks.
pub(super) fn rates(plot: &RatesPlot, host: Host<'_>) -> Markup {
    let scale = host.new_id();
    let rows = plot.table.rows.iter().zip(&plot.rows);
    let table = html! {
        table class="plot rates" {
            thead { (heads(plot)) }
            tbody {
                @for (row, marks) in rows {
                    @let outcomes: Vec<_> = marks.outcomes.iter().map(|one| one.word()).collect();
                    tr data-o=(outcomes.join(" ")) {
                        th scope="row" {
                            (row[0].text)
                            @if !marks.details.is_empty() {
                                span class="small details" { (marks.details) }
                            }
                        }
                        (more_cells(&plot.table, row))
                        td class="track" { (track(marks, &scale)) }
                    }
                }
            }
        }
    };
    html! { (key(plot)) (scale_lines(&scale, &plot.ticks)) (scrolled("rates", table)) }
}

/// Two rows of heads: the groups of columns, and the modes in each.
fn heads(plot: &RatesPlot) -> Markup {
    let columns = &plot.table.columns;
    let first = columns.first().map_or("", |column| &column.head);
    let groups: Vec<&[Column]> = columns[1.min(columns.len())..]
        .chunk_by(|a, b| !a.group.is_empty() && a.group == b.group)
        .collect();
    let has_groups = groups.iter().any(|group| !group[0].group.is_empty());
    let rows = if has_groups { 2 } else { 1 };
    html! {
        tr {
            th scope="col" rowspan=(rows) { (first) }
            @for group in &groups {
                @if group[0].group.is_empty() {
                    th scope="col" rowspan=(rows) { (group[0].head) }
                } @else {
                    th scope="colgroup" colspan=(group.len()) { (group[0].group) }
                }
            }
            th scope="col" class="track" rowspan=(rows) {
                (axis(&plot.ticks))
                span class="unseen" { "rate with its 95% interval" }
            }
        }
        @if has_groups {
            tr {
                @for column in groups.iter().flat_map(|group| group.iter()) {
                    @if !column.group.is_empty() { th scope="col" { (column.head) } }
                }
            }
        }
    }
}

/// What the marks mean.
fn key(plot: &RatesPlot) -> Markup {
    html! {
        p class="legend" {
            @for kind in &plot.kinds {
                span class="key" {
                    svg width="28" height="14" aria-hidden="true" {
                        (drawn(*kind, 7.0, ["2", "14", "26"].map(str::to_owned)))
                    }
                    " " (words(*kind))
                }
            }
            @if plot.rows.iter().any(|row| row.ideal.is_some()) {
                span class="key" {
                    svg width="28" height="14" aria-hidden="true" {
                        rect class="ideal-band" width="28" height="14" {}
                    }
                    " allowed by a gate"
                }
            }
            span class="small" { "each with its 95% interval" }
        }
    }
}

fn words(kind: RateKind) -> &'static str {
    match kind {
        RateKind::Isolated => "crash rate, isolated",
        RateKind::InSequence => "crash rate, in sequence",
        RateKind::IsolatedFailed => "failed, isolated",
        RateKind::InSequenceFailed => "failed, in sequence",
    }
}

fn track(row: &RateMarks, scale: &str) -> Markup {
    let lanes = row.marks.len().max(1);
    let high = 12 * lanes + 4;
    html! {
        svg width="100%" height=(high) aria-hidden="true" {
            @if let Some((from, to)) = row.ideal {
                @let wide = format!("{:.2}%", 97.0 * (to - from).max(0.004));
                rect class="ideal-band" x=(percent(from)) width=(wide) height=(high) {}
            }
            use href={ "#" (scale) } {}
            @for (lane, (kind, mark)) in row.marks.iter().enumerate() {
                @let Mark { from, at, to, .. } = mark;
                (drawn(*kind, 8.0 + 12.0 * lane as f64, [*from, *at, *to].map(percent)))
            }
        }
    }
}

/// A mark: filled circles in isolation, hollow ones in sequence; squares for failures.
fn drawn(kind: RateKind, y: f64, [from, at, to]: [String; 3]) -> Markup {
    let (class, failed) = match kind {
        RateKind::Isolated => ("r iso", false),
        RateKind::InSequence => ("r seq", false),
        RateKind::IsolatedFailed => ("r iso failed", true),
        RateKind::InSequenceFailed => ("r seq failed", true),
    };
    html! {
        g class=(class) {
            line x1=(from) x2=(to) y1=(y) y2=(y) {}
            @if failed {
                // A line with square ends is a square, and takes lengths in percent.
                line class="square" x1=(at) x2=(at) y1=(y - 0.01) y2=(y + 0.01) {}
            } @else {
                circle cx=(at) cy=(y) r="4" {}
            }
        }
    }
}
