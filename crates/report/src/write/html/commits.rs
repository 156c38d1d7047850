//! The picture of a search for a commit: how probable each commit is, and the rates of those that
//! were run.

use maud::{Markup, html};

use super::parts::{scrolled, with_heads};
use crate::document::Commits;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 120.0;
/// The band below the bars that shows the commits that are not excluded.
const BAND: f64 = 8.0;
/// The radius of a dot.
const DOT: f64 = 3.5;

pub(super) fn commits(commits: &Commits) -> Markup {
    let rows = html! {
        @for row in &commits.table.rows { tr { (super::parts::cells(&commits.table, row)) } }
    };
    html! {
        figure class="commits" {
            (picture(commits))
            figcaption { (commits.words) "; the band below has those that the data do not exclude." }
        }
        (scrolled(&commits.table.title, with_heads(&commits.table, rows)))
    }
}

fn picture(commits: &Commits) -> Markup {
    let slot = WIDTH / f64::from(commits.commits.max(1));
    let left = |index: u32| f64::from(index) * slot;
    let base = HEIGHT - BAND - 2.0;
    let number = |value: f64| format!("{value:.1}");
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(commits.words) {
            line class="axis" x1="0" x2=(number(WIDTH)) y1=(number(base)) y2=(number(base)) {}
            @for (first, last, height) in &commits.heights {
                @let tall = (height * (base - 2.0 * DOT)).max(0.0);
                rect class="bar" x=(number(left(*first))) y=(number(base - tall))
                    width=(number((left(last + 1) - left(*first)).max(1.0))) height=(number(tall)) {}
            }
            @for [first, last] in &commits.confidence {
                rect class="band" x=(number(left(*first))) y=(number(HEIGHT - BAND))
                    width=(number((left(last + 1) - left(*first)).max(1.0))) height=(number(BAND)) {}
            }
            @for (index, rate) in &commits.rates {
                circle class="dot" cx=(number(left(*index) + slot / 2.0))
                    cy=(number(base - rate * (base - 2.0 * DOT))) r=(number(DOT)) {}
            }
        }
    }
}
