//! Draws rounds as a grid of squares, each with a colour and a letter.

use std::ops::Range;

use crashrate_model::Outcome;
use maud::{Markup, html};

use super::parts::scrolled;
use super::{Host, PageHost};
use crate::document::{Grid, GridRow, Square};
use crate::words::{count, letter, plural};

/// Squares per table row, each for one or more rounds. Longer rows continue in further tables.
const BANDS: [usize; 2] = [40, 25];

pub(super) fn grid(grid: &Grid, host: Host<'_>) -> Markup {
    html! {
        (legend(grid))
        @if host.place == PageHost::Served { (zoom(grid)) }
        (bands(grid, &grid.rows))
        @if !grid.folded.is_empty() {
            details class="fold" {
                summary { (plural(grid.folded.len() as u64, "row")) " that passed in every round" }
                (bands(grid, &grid.folded))
            }
        }
    }
}

/// A form for the rounds to show, in a run of many.
fn zoom(grid: &Grid) -> Markup {
    let (first, last) = (grid.rounds.start(), grid.rounds.end());
    let is_zoomed = grid.rounds != (1..=grid.last);
    html! {
        @if grid.per_square > 1 || is_zoomed {
            form method="get" class="bar" {
                label { "Rounds " input type="number" name="from" min="1" max=(grid.last) value=(first); }
                label { "to " input type="number" name="to" min="1" max=(grid.last) value=(last); }
                button { "show" }
                @if is_zoomed { a href="?" { "all rounds" } }
            }
        }
    }
}

/// The legend of letters, and the rounds per square.
fn legend(grid: &Grid) -> Markup {
    let ended = grid.outcomes.occurred().map(|(outcome, _)| Some(outcome));
    let open = (grid.open > 0).then_some(None);
    html! {
        p class="legend" {
            @for outcome in ended.chain(open) {
                span class="key" {
                    span class=(class(outcome, 4)) { (letter(outcome)) }
                    " " (outcome.map_or("no result yet", Outcome::word))
                }
            }
        }
        p class="small" {
            @if grid.per_square == 1 {
                "A square is a round's first attempt, and leads to it. A corner marks a round that \
                 passed on a retry."
            } @else {
                "A square stands for " (count(grid.per_square.into())) " rounds, and none is left \
                 out. It shows their worst outcome and how many had it: C3 is 3 crashes. It leads to \
                 the first of them; the stronger its colour, the more there were."
            }
        }
    }
}

fn bands(grid: &Grid, rows: &[GridRow]) -> Markup {
    let columns = rows.iter().map(|row| row.squares.len()).max();
    let columns = columns.unwrap_or(0);
    let has_long_numbers = grid.per_square > 1 || *grid.rounds.end() > 999;
    let wide = BANDS[usize::from(has_long_numbers)];
    html! {
        @for begin in (0..columns).step_by(wide) {
            (band(grid, rows, begin..columns.min(begin + wide)))
        }
    }
}

fn band(grid: &Grid, rows: &[GridRow], columns: Range<usize>) -> Markup {
    let Range { start: begin, end } = columns;
    let first = u64::from(*grid.rounds.start());
    let number = |column: usize| column as u64 * u64::from(grid.per_square) + first;
    let last = (number(end) - 1).min((*grid.rounds.end()).into());
    let name = format!("rounds {} to {}", count(number(begin)), count(last));
    let rows = rows.iter().filter(|row| row.squares.len() > begin);
    let table = html! {
        table class=(if grid.per_square > 1 { "grid several" } else { "grid" }) {
            caption { (name) }
            thead {
                tr {
                    th scope="col" { "chapter or sequence" }
                    @for column in begin..end { th scope="col" { (count(number(column))) } }
                }
            }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { (row.name) }
                        @for square in row.squares.iter().take(end).skip(begin) {
                            @let flaky = if square.flaky { " flaky" } else { "" };
                            @let class = class(square.worst, square.quarters);
                            td class={ (class) (flaky) } title=[title(square, grid.per_square)] {
                                @match &square.link {
                                    Some(link) => a href={ "#" (link) } { (square.mark) },
                                    None => span { (square.mark) },
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    scrolled(&name, table)
}

/// What a square shows in words, unless its letter says all.
fn title(square: &Square, per_square: u32) -> Option<&str> {
    let is_usual = square.worst == Some(Outcome::Passed) && !square.flaky;
    (per_square > 1 || !is_usual).then_some(square.title.as_str())
}

/// The colour of the outcome, and its strength.
fn class(outcome: Option<Outcome>, quarters: u32) -> String {
    let word = outcome.map_or("open", Outcome::word);
    match quarters {
        1..=3 => format!("o {word} q{quarters}"),
        _ => format!("o {word}"),
    }
}
