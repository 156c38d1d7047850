//! The frame of every page: its head, its style, and what it may load, which is nothing.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::clean::is_unseen;

/// Where a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file: no script, no link to other pages.
    File,
    /// On `crashrate serve`: it may draw itself anew.
    Served,
}

/// The script of pages that are served, to be found at `/live.js`.
pub const LIVE_SCRIPT: &str = include_str!("live.js");

const STYLE: &str = include_str!("style.css");

/// Nothing is loaded from anywhere and nothing runs, should some text ever get past the escaping.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

pub(super) struct Page {
    pub(super) title: String,
    pub(super) place: Place,
    /// Whether it will look different in a moment.
    pub(super) refresh: bool,
    pub(super) body: Markup,
}

impl Page {
    pub(super) fn write(self) -> String {
        let refresh = (self.refresh && self.place == Place::Served).then_some("2");
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    @if self.place == Place::File {
                        meta http-equiv="Content-Security-Policy" content=(POLICY);
                    }
                    title { (self.title) }
                    // Browsers would ask for an icon, and complain that there is none.
                    link rel="icon" href="data:,";
                    style { (PreEscaped(STYLE)) }
                    @if self.place == Place::Served { script src="/live.js" defer {} }
                }
                body data-refresh=[refresh] {
                    @if self.place == Place::Served {
                        nav aria-label="pages" {
                            a href="/" { "All runs" }
                            " "
                            span id="state" role="status" {}
                        }
                    }
                    (self.body)
                }
            }
        };
        seen(&page.into_string())
    }
}

/// Texts are made harmless before they come here; should one not be, it is not let out as it is.
fn seen(page: &str) -> String {
    let harmless = |c: char| {
        if c != '\n' && is_unseen(c) {
            '\u{fffd}'
        } else {
            c
        }
    };
    page.chars().map(harmless).collect()
}
