//! The frame of every page: head, style and a content policy that loads nothing.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::clean::is_unseen;

/// Where a page is viewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageHost {
    /// In a file: no script, no links to other pages.
    File,
    /// From `crashrate serve`: it may refresh itself.
    Served,
}

/// The script of served pages, available at `/live.js`.
pub const LIVE_SCRIPT: &str = include_str!("live.js");

const STYLE: &str = include_str!("style.css");

/// Blocks all loading and scripts, in case some text ever escapes the escaping.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

pub(super) struct Page {
    pub(super) title: String,
    pub(super) place: PageHost,
    /// Whether the page refreshes itself.
    pub(super) refresh: bool,
    pub(super) body: Markup,
}

impl Page {
    pub(super) fn write(self) -> String {
        let refresh = (self.refresh && self.place == PageHost::Served).then_some("2");
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    @if self.place == PageHost::File {
                        meta http-equiv="Content-Security-Policy" content=(POLICY);
                    }
                    title { (self.title) }
                    // An inline icon keeps browsers from requesting one and logging an error.
                    link rel="icon" href="data:,";
                    style { (PreEscaped(STYLE)) }
                    @if self.place == PageHost::Served { script src="/live.js" defer {} }
                }
                body data-refresh=[refresh] {
                    @if self.place == PageHost::Served {
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

/// Texts are escaped before they get here. This rejects any that was not.
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
