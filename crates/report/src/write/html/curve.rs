//! Efficiency curves with the ideal line.

use maud::{Markup, html};

use super::parts::table;
use super::track::anchor;
use crate::document::{Curve, Curves};

/// The picture's inner size and margins.
const WIDE: f64 = 340.0;
const HIGH: f64 = 180.0;
const LEFT: f64 = 44.0;
const ABOVE: f64 = 10.0;

/// The efficiency curves of a chapter with their values.
pub(super) fn curves(curves: &Curves) -> Markup {
    html! {
        h3 { (curves.title) }
        div class="beside" {
            figure { (picture(curves)) (key(curves)) }
            (table(&curves.table))
        }
    }
}

fn picture(curves: &Curves) -> Markup {
    let size = format!("0 0 {} {}", LEFT + WIDE + 12.0, ABOVE + HIGH + 40.0);
    let right = format!("{:.1}", LEFT + WIDE);
    let ideal = y(curves.ideal);
    html! {
        svg class="curve" viewBox=(size) role="img" {
            title { (curves.title) ": the numbers are in the table beside it" }
            @for tick in &curves.up {
                line class="g" x1=(LEFT) x2=(right) y1=(y(tick.place)) y2=(y(tick.place)) {}
                text x=(LEFT - 6.0) y=(y(tick.place)) dy="4" text-anchor="end" { (tick.label) }
            }
            @for tick in &curves.across {
                text x=(x(tick.place)) y=(ABOVE + HIGH + 18.0) text-anchor=(anchor(tick.place)) { (tick.label) }
            }
            text x=(LEFT + WIDE / 2.0) y=(ABOVE + HIGH + 35.0) text-anchor="middle" { (curves.key) }
            line class="ideal" x1=(LEFT) x2=(right) y1=(ideal) y2=(ideal) {}
            @for (place, curve) in curves.curves.iter().enumerate() { (line(place, curve)) }
        }
    }
}

fn line(place: usize, curve: &Curve) -> Markup {
    let at = |(across, up): &(f64, f64)| format!("{},{}", x(*across), y(*up));
    let points: Vec<_> = curve.points.iter().map(at).collect();
    html! {
        g class=(class(place, curve)) {
            polyline points=(points.join(" ")) {}
            @for (across, up) in &curve.points { circle cx=(x(*across)) cy=(y(*up)) r="3.5" {} }
        }
    }
}

/// The legend.
fn key(curves: &Curves) -> Markup {
    html! {
        figcaption class="legend" {
            span class="key" { (sample("ideal")) " ideal" }
            @for (place, curve) in curves.curves.iter().enumerate() {
                span class="key" { (sample(&class(place, curve))) " " (curve.name) }
            }
        }
    }
}

fn sample(class: &str) -> Markup {
    html! {
        svg width="28" height="10" aria-hidden="true" {
            g class=(class) { line x1="1" x2="27" y1="5" y2="5" {} }
        }
    }
}

/// A picture has few lines; the colours repeat after six.
fn class(place: usize, curve: &Curve) -> String {
    let past = if curve.past { " past" } else { "" };
    format!("c c{}{past}", place % 6)
}

fn x(place: f64) -> String {
    format!("{:.1}", LEFT + WIDE * place)
}

fn y(place: f64) -> String {
    format!("{:.1}", ABOVE + HIGH * (1.0 - place))
}
