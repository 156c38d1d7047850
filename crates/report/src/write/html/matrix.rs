//! The matrix of a history: rows and runs, with a line for each row, and the numbers in folds.

use maud::{Markup, html};

use super::history::linked;
use super::parts::{self, scrolled};
use super::pictures;
use crate::compare::verb;
use crate::document::{Matrix, MatrixCell, MatrixRow, MatrixRun, RateLevel, Sparkline};
use crate::words::{count, plural, share};

/// Up to this many rows, those without a change and a crash are not folded.
const ROWS: usize = 20;
/// The area of a line in pixels, without its margin.
const LINE: (f64, f64) = (104.0, 20.0);
/// Room for marks at its edges.
const MARGIN: f64 = 4.0;

pub(super) fn matrix(matrix: &Matrix) -> Markup {
    let folds = matrix.rows.len() > ROWS && matrix.notable < matrix.rows.len();
    let shown = if folds {
        matrix.notable
    } else {
        matrix.rows.len()
    };
    let (first, quiet) = matrix.rows.split_at(shown);
    let n = count(quiet.len() as u64);
    html! {
        @if first.is_empty() {
            p { "No row has a crash or a change in these runs." }
        } @else {
            (table(matrix, first))
            (key(matrix))
            (changes(first))
            details class="fold" { summary { "Numbers and intervals" } (numbers(first)) }
        }
        @if !quiet.is_empty() {
            details class="fold" {
                summary { (n) " others: no crash and no change" }
                (table(matrix, quiet))
                @if first.is_empty() { (key(matrix)) }
                (numbers(quiet))
            }
        }
    }
}

fn table(matrix: &Matrix, rows: &[MatrixRow]) -> Markup {
    let body = html! {
        table class="matrix" {
            thead {
                tr {
                    th scope="col" { "chapter" }
                    @for run in &matrix.columns { (head(run)) }
                    th scope="col" { "trend" }
                }
            }
            tbody { @for row in rows { (one_row(matrix, row)) } }
        }
    };
    html! {
        div class="latest-first" {
            (scrolled("crash rates by run", body))
        }
    }
}

/// The number of a run, its day, and whether something changed.
fn head(run: &MatrixRun) -> Markup {
    let day = run.date.get(5..10).unwrap_or(&run.date);
    html! {
        th scope="col" title=(run.date) {
            (linked(&run.number, run.link.as_deref()))
            span class="small" { @if run.running { "running" } @else { (day) } }
            @if !run.changed.is_empty() {
                span class="small" title={ "changed: " (run.changed.join(", ")) } {
                    span aria-hidden="true" { "\u{394}" }
                    span class="unseen" { "changed: " (run.changed.join(", ")) }
                }
            }
        }
    }
}

fn one_row(matrix: &Matrix, row: &MatrixRow) -> Markup {
    html! {
        tr {
            th scope="row" { a href={ "#" (row.key) } { (row.name) } }
            @for (cell, run) in row.cells.iter().zip(&matrix.columns) {
                @match cell {
                    Some(one) => (cell_of(one, run)),
                    None => td class="none" {
                        span aria-hidden="true" { "\u{2013}" }
                        span class="unseen" { "no rounds" }
                    },
                }
            }
            td class="line" { (line(&row.line)) }
        }
    }
}

fn cell_of(cell: &MatrixCell, run: &MatrixRun) -> Markup {
    html! {
        td class=(class(cell.level)) title=(cell.title) {
            (linked(&cell.text, run.link.as_deref()))
            @if let Some(rose) = cell.turn { (arrow(rose)) }
        }
    }
}

/// A sign for eyes, and a word for screen readers.
fn arrow(rose: bool) -> Markup {
    html! {
        span class="turn" aria-hidden="true" { @if rose { "\u{25b2}" } @else { "\u{25bc}" } }
        span class="unseen" { " rate " (verb(rose)) }
    }
}

fn class(level: RateLevel) -> &'static str {
    match level {
        RateLevel::None => "lv0",
        RateLevel::Rare => "lv1",
        RateLevel::Some => "lv2",
        RateLevel::Many => "lv3",
        RateLevel::Most => "lv4",
    }
}

/// The rate over all listed runs, with a mark at each change.
fn line(line: &Sparkline) -> Markup {
    let place = |across: f64, up: f64| {
        let (wide, high) = LINE;
        let round = |value: f64| (value * 10.0).round() / 10.0;
        (
            round(MARGIN + across * wide),
            round(MARGIN + (1.0 - up) * high),
        )
    };
    let points = line.points.iter().map(|(across, up)| {
        let (x, y) = place(*across, *up);
        format!("{x},{y}")
    });
    let (wide, high) = (LINE.0 + 2.0 * MARGIN, LINE.1 + 2.0 * MARGIN);
    html! {
        svg width=(wide) height=(high) viewBox=(format!("0 0 {wide} {high}")) role="img" {
            title { "from " (line.title) }
            polyline points=(points.collect::<Vec<_>>().join(" ")) {}
            @if let Some((across, up)) = line.points.last() {
                @let (x, y) = place(*across, *up);
                circle cx=(x) cy=(y) r="2.5" {}
            }
            @for (across, up, rose) in &line.turns {
                @let (x, y) = place(*across, *up);
                path class=(if *rose { "bad" } else { "good" }) d=(triangle(x, y, *rose)) {}
            }
        }
    }
}

/// A triangle around a point that points up or down.
fn triangle(x: f64, y: f64, up: bool) -> String {
    let tip = if up { -4.0 } else { 4.0 };
    let [left, right, base, tip] = [x - 4.0, x + 4.0, y - tip, y + tip];
    format!("M{left:.1} {base:.1}L{right:.1} {base:.1}L{x:.1} {tip:.1}Z")
}

/// What the colours and signs mean.
fn key(matrix: &Matrix) -> Markup {
    let cells = || matrix.rows.iter().flat_map(|row| &row.cells);
    let has_turn = cells().flatten().any(|cell| cell.turn.is_some());
    let has_changes = matrix.columns.iter().any(|run| !run.changed.is_empty());
    html! {
        p class="legend" {
            @for (level, words) in RateLevel::ALL {
                span class="key" { span class={ "swatch " (class(level)) } {} (words) }
            }
            @if has_turn { span class="key" { "\u{25b2}\u{25bc} a change of the rate is first shown" } }
            @if has_changes { span class="key" { "\u{394} something else changed (above)" } }
            @if cells().any(Option::is_none) { span class="key" { "\u{2013} no rounds" } }
        }
        p class="small" {
            "Bad rounds of those that count. Each line ends at the row's highest rate, or at 10%."
            @if matrix.older > 0 {
                " The last " (plural(matrix.columns.len() as u64, "run"))
                " have columns; lines and numbers also have "
                (count(matrix.older as u64)) " older."
            }
        }
    }
}

/// A sentence for each row with a change.
fn changes(rows: &[MatrixRow]) -> Markup {
    html! {
        @if rows.iter().any(|row| row.change.is_some()) {
            ul class="plain turns" {
                @for row in rows {
                    @if let Some(rose) = row.change {
                        li {
                            span class={ "turn " (if rose { "bad" } else { "good" }) }
                                aria-hidden="true" {
                                @if rose { "\u{25b2} " } @else { "\u{25bc} " }
                            }
                            strong { (row.name) } ": " (row.said)
                        }
                    }
                }
            }
        }
    }
}

/// Each row's rates with intervals. Rows with a change or a crash also have a picture.
fn numbers(rows: &[MatrixRow]) -> Markup {
    html! {
        @for row in rows {
            details class="row" data-name=(row.key) {
                summary { (row.name) ": " (share(row.total.bad, row.total.n)) }
                p id=(row.key) { (row.said) }
                @if row.total.bad > 0 || row.change.is_some() {
                    (pictures::trend(&row.numbers))
                } @else {
                    (parts::table(&row.numbers.plot.table))
                }
            }
        }
    }
}
