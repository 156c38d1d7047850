//! Plots: a table with a track in each row that shows the row's mark.

use maud::{Markup, html};

use super::parts::{caption, cells, heads};
use crate::document::{Mark, Plot, Text, Tick};

/// The table with its tracks. Lengths are percentages of the track, so it fits any page width.
pub(super) fn plot(plot: &Plot) -> Markup {
    let table = &plot.table;
    html! {
        table class="plot" {
            (caption(table))
            thead {
                tr {
                    (heads(table))
                    th scope="col" class="track" {
                        span class="small" { (plot.head) }
                        (axis(&plot.ticks))
                    }
                }
            }
            tbody {
                @for (row, mark) in table.rows.iter().zip(&plot.marks) {
                    tr {
                        (cells(table, row))
                        td class="track" { (track(&plot.ticks, mark.as_ref(), row)) }
                    }
                }
            }
        }
    }
}

fn axis(ticks: &[Tick]) -> Markup {
    html! {
        svg class="axis" width="100%" height="16" aria-hidden="true" {
            @for tick in ticks {
                text x=(percent(tick.place)) y="12" text-anchor=(anchor(tick.place)) { (tick.label) }
            }
        }
    }
}

/// Labels at the ends are aligned inwards.
pub(super) fn anchor(place: f64) -> &'static str {
    match place {
        p if p < 0.02 => "start",
        p if p > 0.98 => "end",
        _ => "middle",
    }
}

fn track(ticks: &[Tick], mark: Option<&Mark>, row: &[Text]) -> Markup {
    let cells: Vec<_> = row.iter().map(|cell| cell.text.as_str()).collect();
    html! {
        svg width="100%" height="18" role="img" {
            title { (cells.join(", ")) }
            @for tick in ticks {
                line class="g" x1=(percent(tick.place)) x2=(percent(tick.place)) y2="18" {}
            }
            @if let Some(mark) = mark { (drawn(mark)) }
        }
    }
}

fn drawn(mark: &Mark) -> Markup {
    let [from, at, to] = [mark.from, mark.at, mark.to].map(percent);
    let class = if mark.bad { "m bad" } else { "m" };
    html! {
        g class=(class) {
            line x1=(from) x2=(to) y1="9" y2="9" {}
            line x1=(from) x2=(from) y1="5" y2="13" {}
            line x1=(to) x2=(to) y1="5" y2="13" {}
            circle cx=(at) cy="9" r="4" {}
        }
    }
}

/// A position from 0 to 1 as a length. The ends move inwards a little, so that marks are not cut
/// off.
pub(super) fn percent(place: f64) -> String {
    format!("{:.2}%", 1.5 + 97.0 * place)
}
