//! Draws a chapter's crash rate over the runs of a suite.

use maud::{Markup, html};

use super::parts::table;
use super::track::anchor;
use crate::compare::verb;
use crate::document::{Mark, TrendPlot};

/// The height of the plot area and of the parts above and below it.
const HIGH: f64 = 150.0;
const ABOVE: f64 = 22.0;
const BELOW: f64 = 24.0;
/// The number of run labels that fit below a picture on a narrow page.
const LABELS: usize = 10;

/// A picture of a chapter's rates, with their values.
pub(super) fn trend(trend: &TrendPlot) -> Markup {
    html! {
        (picture(trend))
        (table(&trend.table))
    }
}

fn picture(trend: &TrendPlot) -> Markup {
    let n = trend.marks.len();
    let every = n.div_ceil(LABELS).max(1);
    html! {
        svg class="trend" height=(ABOVE + HIGH + BELOW) role="img" {
            title { (trend.name) ": crash rate by run; the numbers are in the table below" }
            @for tick in &trend.ticks {
                line class="g" x1="9%" x2="100%" y1=(y(tick.place)) y2=(y(tick.place)) {}
                text x="8%" y=(y(tick.place)) dy="4" text-anchor="end" { (tick.label) }
            }
            @for (place, (number, mark, up)) in trend.marks.iter().enumerate() {
                @let x = x(place, n);
                @if let Some(mark) = mark { (whisker(&x, mark)) }
                @if let Some(up) = up { (changed(&x, *up)) }
                @if place % every == 0 {
                    text x=(x) y=(ABOVE + HIGH + 18.0) text-anchor=(anchor(0.5)) { "N=" (number) }
                }
            }
        }
    }
}

fn whisker(x: &str, mark: &Mark) -> Markup {
    html! {
        g class=(if mark.bad { "m bad" } else { "m" }) {
            line x1=(x) x2=(x) y1=(y(mark.from)) y2=(y(mark.to)) {}
            circle cx=(x) cy=(y(mark.at)) r="4" {}
        }
    }
}

/// An arrow above the run in which a change is first shown.
fn changed(x: &str, up: bool) -> Markup {
    html! {
        text class=(if up { "bad" } else { "good" }) x=(x) y="14" text-anchor="middle" {
            @if up { "\u{25b2} " } @else { "\u{25bc} " } (verb(up))
        }
    }
}

/// Runs are evenly spaced between the scale labels and the right edge.
fn x(place: usize, n: usize) -> String {
    format!(
        "{:.2}%",
        12.0 + 85.0 * (place as f64 + 0.5) / n.max(1) as f64
    )
}

fn y(place: f64) -> String {
    format!("{:.1}", ABOVE + HIGH * (1.0 - place))
}
