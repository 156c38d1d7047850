//! Pictures beside their numbers: plots with a track in each row, efficiency curves with the ideal
//! line, and crash rates over the runs of a suite.

use maud::{Markup, html};

use super::Host;
use super::parts::{table, with_tracks};
use crate::compare::verb;
use crate::document::{Curve, Curves, Mark, Plot, Tick, TrendPlot};

/// The table with its tracks. Lengths are percentages of the track, so it fits any page width.
pub(super) fn plot(plot: &Plot, host: Host<'_>) -> Markup {
    let head = html! { span class="small" { (plot.head) } (axis(&plot.ticks)) };
    let scale = host.new_id();
    let tracks = plot.marks.iter().map(|mark| track(&scale, mark.as_ref()));
    html! { (scale_lines(&scale, &plot.ticks)) (with_tracks(&plot.table, head, tracks)) }
}

/// The lines of a scale, once for all tracks that show it.
pub(super) fn scale_lines(id: &str, ticks: &[Tick]) -> Markup {
    html! {
        svg class="unseen" aria-hidden="true" {
            g id=(id) {
                @for x in ticks.iter().map(|tick| percent(tick.place)) {
                    line class="g" x1=(x) x2=(x) y2="100%" {}
                }
            }
        }
    }
}

pub(super) fn axis(ticks: &[Tick]) -> Markup {
    html! {
        svg class="axis" width="100%" height="16" aria-hidden="true" {
            @for Tick { place, label } in ticks {
                text x=(percent(*place)) y="12" text-anchor=(anchor(*place)) { (label) }
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

fn track(scale: &str, mark: Option<&Mark>) -> Markup {
    html! {
        svg width="100%" height="18" aria-hidden="true" {
            use href={ "#" (scale) } {}
            @if let Some(mark) = mark {
                @let [from, at, to] = [mark.from, mark.at, mark.to].map(percent);
                g class=(class_of(mark)) {
                    line x1=(from) x2=(to) y1="9" y2="9" {}
                    line x1=(from) x2=(from) y1="5" y2="13" {}
                    line x1=(to) x2=(to) y1="5" y2="13" {}
                    circle cx=(at) cy="9" r="4" {}
                }
            }
        }
    }
}

fn class_of(mark: &Mark) -> &'static str {
    match mark.bad {
        true => "m bad",
        false => "m",
    }
}

/// A position from 0 to 1 as a length. The ends move inwards a little, so that marks are not cut
/// off.
pub(super) fn percent(place: f64) -> String {
    format!("{:.2}%", 1.5 + 97.0 * place)
}

/// The area of a picture's curves, in its own units.
struct Area {
    left: f64,
    above: f64,
    wide: f64,
    high: f64,
}

impl Area {
    fn x(&self, place: f64) -> String {
        format!("{:.1}", self.left + self.wide * place)
    }

    fn y(&self, place: f64) -> String {
        format!("{:.1}", self.above + self.high * (1.0 - place))
    }
}

const CURVES: Area = Area {
    left: 44.0,
    above: 10.0,
    wide: 340.0,
    high: 180.0,
};

/// The efficiency curves of a chapter with their values.
pub(super) fn curves(curves: &Curves) -> Markup {
    html! {
        h3 { (curves.title) }
        div class="beside" {
            figure { (drawn_curves(curves)) (key(curves)) }
            (table(&curves.table))
        }
    }
}

fn drawn_curves(curves: &Curves) -> Markup {
    let area = CURVES;
    let bottom = area.above + area.high;
    let size = format!("0 0 {} {}", area.left + area.wide + 12.0, bottom + 40.0);
    let right = area.x(1.0);
    let ideal = area.y(curves.ideal);
    html! {
        svg class="curve" viewBox=(size) role="img" {
            title { (curves.title) ": the numbers are in the table beside it" }
            @for Tick { place, label } in &curves.up {
                @let y = area.y(*place);
                line class="g" x1=(area.left) x2=(right) y1=(y) y2=(y) {}
                text x=(area.left - 6.0) y=(y) dy="4" text-anchor="end" { (label) }
            }
            @for Tick { place, label } in &curves.across {
                @let x = area.x(*place);
                text x=(x) y=(bottom + 18.0) text-anchor=(anchor(*place)) { (label) }
            }
            @let middle = area.left + area.wide / 2.0;
            text x=(middle) y=(bottom + 35.0) text-anchor="middle" { (curves.key) }
            line class="ideal" x1=(area.left) x2=(right) y1=(ideal) y2=(ideal) {}
            @for (place, curve) in curves.curves.iter().enumerate() {
                (drawn_curve(place, curve))
            }
        }
    }
}

fn drawn_curve(place: usize, curve: &Curve) -> Markup {
    let points = curve.points.iter();
    let points = points.map(|(across, up)| (CURVES.x(*across), CURVES.y(*up)));
    let points: Vec<_> = points.collect();
    let line: Vec<_> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
    html! {
        g class=(class(place, curve)) {
            polyline points=(line.join(" ")) {}
            @for (x, y) in points { circle cx=(x) cy=(y) r="3.5" {} }
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

/// The area of a trend. Its horizontal places are percentages of the page.
const TREND: Area = Area {
    left: 12.0,
    above: 22.0,
    wide: 85.0,
    high: 150.0,
};
/// The number of run labels that fit below a picture on a narrow page.
const LABELS: usize = 10;

/// A picture of a chapter's rates over the runs of a suite, with their values.
pub(super) fn trend(trend: &TrendPlot) -> Markup {
    let n = trend.runs.len();
    let every = n.div_ceil(LABELS).max(1);
    let bottom = TREND.above + TREND.high;
    let runs = trend.runs.iter().zip(&trend.plot.marks);
    html! {
        svg class="trend" height=(bottom + 24.0) role="img" {
            title { (trend.name) ": crash rate by run; the numbers are in the table below" }
            @for Tick { place, label } in &trend.plot.ticks {
                @let y = TREND.y(*place);
                line class="g" x1="9%" x2="100%" y1=(y) y2=(y) {}
                text x="8%" y=(y) dy="4" text-anchor="end" { (label) }
            }
            @for (place, ((number, up), mark)) in runs.enumerate() {
                @let x = run_place(place, n);
                @if let Some(mark) = mark {
                    @let [from, at, to] = [mark.from, mark.at, mark.to].map(|at| TREND.y(at));
                    g class=(class_of(mark)) {
                        line x1=(x) x2=(x) y1=(from) y2=(to) {}
                        circle cx=(x) cy=(at) r="4" {}
                    }
                }
                // An arrow above the run in which a change is first shown.
                @if let Some(up) = *up {
                    text class=(if up { "bad" } else { "good" }) x=(x) y="14" text-anchor="middle" {
                        @if up { "\u{25b2} " } @else { "\u{25bc} " } (verb(up))
                    }
                }
                @if place % every == 0 {
                    text x=(x) y=(bottom + 18.0) text-anchor="middle" { "N=" (number) }
                }
            }
        }
        (table(&trend.plot.table))
    }
}

/// Runs are evenly spaced between the scale labels and the right edge.
fn run_place(place: usize, n: usize) -> String {
    let place = (place as f64 + 0.5) / n.max(1) as f64;
    format!("{:.2}%", TREND.left + TREND.wide * place)
}
