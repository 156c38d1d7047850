//! Search and filters: a field for names, and a button with a count for each outcome.

use maud::{Markup, html};

use crate::view::View;
use crate::words::count;

/// The bar. It does nothing without the page's script, which shows it.
pub(super) fn filter(view: &View) -> Markup {
    html! {
        section id="filter" aria-label="search and filter" {
            div class="bar" hidden {
                label {
                    span class="unseen" { "Search chapters and signatures" }
                    input type="search" placeholder="chapter or signature" autocomplete="off";
                }
                @for (outcome, n) in view.totals.outcomes.occurred() {
                    button type="button" data-outcome=(outcome.word()) aria-pressed="false" {
                        span class={ "swatch " (outcome.word()) } aria-hidden="true" {}
                        (outcome.word()) " " span class="count" { (count(n.into())) }
                    }
                }
                span id="found" role="status" {}
            }
        }
    }
}
