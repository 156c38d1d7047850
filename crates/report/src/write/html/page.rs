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

pub(super) struct Page<'a> {
    pub(super) title: &'a str,
    /// A line below the title; often empty.
    pub(super) facts: &'a str,
    pub(super) host: PageHost,
    /// Whether the page refreshes itself, if it is served.
    pub(super) refresh: bool,
    pub(super) body: Markup,
}

impl Page<'_> {
    pub(super) fn write(self) -> String {
        let served = self.host == PageHost::Served;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    @if !served { meta http-equiv="Content-Security-Policy" content=(POLICY); }
                    title { (self.title) }
                    // An inline icon keeps browsers from requesting one and logging an error.
                    link rel="icon" href="data:,";
                    style { (PreEscaped(STYLE)) }
                    @if served { script src="/live.js" defer {} }
                }
                body data-refresh=[(self.refresh && served).then_some("2")] {
                    @if served {
                        nav aria-label="pages" {
                            a href="/" { "All runs" }
                            " "
                            span id="state" role="status" {}
                        }
                    }
                    header id="head" {
                        h1 { (self.title) }
                        @if !self.facts.is_empty() { p class="facts" { (self.facts) } }
                    }
                    main { (self.body) }
                }
            }
        };
        // Texts are escaped before they get here. This rejects any that was not.
        let is_harmful = |c: char| c != '\n' && is_unseen(c);
        page.into_string().replace(is_harmful, "\u{fffd}")
    }
}
