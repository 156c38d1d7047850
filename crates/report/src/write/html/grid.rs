//! Draws rounds as a grid of squares, each with a colour and a letter.

use crashrate_model::Outcome;
use maud::{Markup, html};

use super::parts::scrolled;
use crate::document::Grid;
use crate::words::{count, letter};

/// Squares per table row, each for one or more rounds. Longer rows continue in further tables.
const BANDS: [usize; 2] = [40, 25];

pub(super) fn grid(grid: &Grid) -> Markup {
    let columns = grid.rows.iter().map(|row| row.squares.len()).max();
    let columns = columns.unwrap_or(0);
    let wide = BANDS[usize::from(grid.per_square > 1)];
    html! {
        (legend(grid))
        @for begin in (0..columns).step_by(wide) { (band(grid, begin, columns.min(begin + wide))) }
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
                "A square is a round's first attempt. The rounds of a column belong to one block. \
                 A corner marks a round that passed on a retry. Where a chapter was not reached, \
                 its square is empty."
            } @else {
                "A square stands for " (count(grid.per_square.into())) " rounds of up to "
                (count(grid.rounds.into()))
                ", and none is left out. Its letter is their worst outcome, with the number of \
                 rounds that had it where that is not all of them; the stronger its colour, the \
                 more had it. Its title has all the counts."
            }
        }
    }
}

fn band(grid: &Grid, begin: usize, end: usize) -> Markup {
    let number = |column: usize| column as u64 * u64::from(grid.per_square) + 1;
    let last = (number(end) - 1).min(grid.rounds.into());
    let name = format!("rounds {} to {}", count(number(begin)), count(last));
    let rows = grid.rows.iter().filter(|row| row.squares.len() > begin);
    let table = html! {
        table class=(if grid.per_square > 1 { "grid several" } else { "grid" }) {
            caption { (name) }
            thead {
                tr {
                    th scope="col" { "chapter or sequence" }
                    @for column in begin..end { th scope="col" { (number(column)) } }
                }
            }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { (row.name) }
                        @for square in row.squares.iter().take(end).skip(begin) {
                            @let flaky = if square.flaky { " flaky" } else { "" };
                            @let class = class(square.worst, square.quarters);
                            td class={ (class) (flaky) } title=(square.title) {
                                span { (square.mark) }
                            }
                        }
                    }
                }
            }
        }
    };
    scrolled(&name, table)
}

/// The colour of the outcome, and its strength.
fn class(outcome: Option<Outcome>, quarters: u32) -> String {
    let word = outcome.map_or("open", Outcome::word);
    match quarters {
        1..=3 => format!("o {word} q{quarters}"),
        _ => format!("o {word}"),
    }
}
