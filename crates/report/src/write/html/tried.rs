//! The parts of a sequence that a search tried: a row for each, with a bar over its chapters.

use std::ops::RangeInclusive;

use maud::{Markup, html};

use super::parts::with_tracks;
use crate::document::Parts;

/// The table with a bar in each row; its width is the whole sequence.
pub(super) fn parts(parts: &Parts) -> Markup {
    let head = html! {
        span class="small" { "which chapters, from 1 to " (parts.chapters) }
    };
    let tracks = parts.rows.iter().map(|part| {
        html! {
            svg width="100%" height="14" aria-hidden="true" {
                rect class="whole" width="100%" height="14" {}
                @for range in &part.ranges { (bar(range, parts.chapters, part.crashed)) }
            }
        }
    });
    with_tracks(&parts.table, head, tracks)
}

fn bar(range: &RangeInclusive<u32>, chapters: u32, crashed: bool) -> Markup {
    let place = |position: u32| 100.0 * f64::from(position) / f64::from(chapters.max(1));
    let (from, to) = (place(range.start().saturating_sub(1)), place(*range.end()));
    let class = if crashed { "part bad" } else { "part" };
    html! {
        rect class=(class) x=(format!("{from:.2}%")) y="2" height="10"
            width=(format!("{:.2}%", (to - from).max(0.3))) {}
    }
}
