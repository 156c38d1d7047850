//! The crash rate over the rounds of a long run.

use maud::{Markup, html};

use super::pictures::anchor;
use crate::document::{OverTime, Tick};

/// The area of the picture, in its own units.
const WIDE: f64 = 1000.0;
const HIGH: f64 = 120.0;
const LEFT: f64 = 52.0;
const ABOVE: f64 = 10.0;
/// The height of the lines that mark crashes.
const MARKS: f64 = 12.0;

/// The rate with its interval as a band, and a line for each crash below.
pub(super) fn over_time(one: &OverTime) -> Markup {
    let x = |place: f64| format!("{:.1}", LEFT + (WIDE - LEFT - 12.0) * place);
    let y = |place: f64| format!("{:.1}", ABOVE + HIGH * (1.0 - place));
    let point = |place: f64, rate: f64| format!("{},{}", x(place), y(rate));
    let lows = one.points.iter().map(|(place, at)| point(*place, at[0]));
    let highs = one
        .points
        .iter()
        .rev()
        .map(|(place, at)| point(*place, at[2]));
    let band: Vec<_> = lows.chain(highs).collect();
    let line: Vec<_> = one
        .points
        .iter()
        .map(|(place, at)| point(*place, at[1]))
        .collect();
    let bottom = ABOVE + HIGH;
    let size = format!("0 0 {WIDE} {}", bottom + MARKS + 28.0);
    html! {
        figure class="wide" {
            figcaption { (one.name) span class="small" { ": " (one.about) } }
            svg class="curve over-time" viewBox=(size) role="img"
                aria-label={ (one.name) ": crash rate over the rounds" } {
                @for Tick { place, label } in &one.up {
                    line class="g" x1=(x(0.0)) x2=(x(1.0)) y1=(y(*place)) y2=(y(*place)) {}
                    text x=(LEFT - 6.0) y=(y(*place)) dy="4" text-anchor="end" { (label) }
                }
                polygon class="band" points=(band.join(" ")) {}
                polyline class="c c1" points=(line.join(" ")) {}
                @for place in &one.bad {
                    line class="m bad" x1=(x(*place)) x2=(x(*place)) y1=(bottom + 3.0)
                        y2=(bottom + 3.0 + MARKS) {}
                }
                @for Tick { place, label } in &one.across {
                    text x=(x(*place)) y=(bottom + MARKS + 20.0) text-anchor=(anchor(*place)) {
                        (label)
                    }
                }
            }
        }
    }
}
