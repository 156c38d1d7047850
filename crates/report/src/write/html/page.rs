//! The frame of every page: head, style, scripts, and a content policy that loads nothing.

use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::clean::is_unseen;

/// Where a page is viewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageHost {
    /// In a file: no links to other pages.
    File,
    /// From `crashrate serve`: it may refresh itself.
    Served,
}

/// The script of served pages, available at `/live.js`.
pub const LIVE_SCRIPT: &str = include_str!("live.js");

const STYLE: &str = include_str!("style.css");
/// Search, filters and copy buttons. A page shows everything without it.
const SCRIPT: &str = include_str!("page.js");

/// Blocks all loading and all scripts but the page's own, in case some text ever escapes the
/// escaping.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let [style, script] = [STYLE, SCRIPT].map(hash);
    format!("default-src 'none'; style-src {style}; script-src {script}; img-src data:")
});

/// The content policy of served pages. They may also load the script of the server, and listen to
/// it.
pub static SERVED_POLICY: LazyLock<String> = LazyLock::new(|| {
    let [style, script] = [STYLE, SCRIPT].map(hash);
    format!(
        "default-src 'none'; style-src {style}; script-src 'self' {script}; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
});

/// An inline text as a content policy names it.
fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    format!("'sha256-{}'", Base64::encode_string(&digest))
}

/// A page in parts: a live page replaces those that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageParts {
    pub(super) title: String,
    /// The title of its tab, if it is another one.
    pub(super) tab: Option<String>,
    /// A line below the title; often empty.
    pub(super) facts: String,
    pub(super) host: PageHost,
    /// Whether it may change.
    pub(super) live: bool,
    /// The sections with their ids, in order.
    pub(super) sections: Vec<(String, String)>,
}

impl PageParts {
    /// Whether it may change, so that a browser listens for updates.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// The title of its tab.
    pub fn tab(&self) -> &str {
        self.tab.as_deref().unwrap_or(&self.title)
    }

    /// The header and the sections with their ids, in order.
    pub fn parts(&self) -> impl Iterator<Item = (&str, String)> {
        let sections = self.sections.iter();
        let sections = sections.map(|(id, text)| (id.as_str(), text.clone()));
        std::iter::once(("head", harmless(self.header()))).chain(sections)
    }

    fn header(&self) -> Markup {
        html! {
            header id="head" {
                h1 { (self.title) }
                @if !self.facts.is_empty() { p class="facts" { (self.facts) } }
            }
        }
    }

    /// Adds a section.
    pub(super) fn push(&mut self, id: &str, section: Markup) {
        self.sections.push((id.to_owned(), harmless(section)));
    }

    /// The whole page.
    pub fn page(&self) -> String {
        let served = self.host == PageHost::Served;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    @if !served {
                        meta http-equiv="Content-Security-Policy" content=(*POLICY);
                    }
                    title { (self.tab()) }
                    // An inline icon keeps browsers from requesting one and logging an error.
                    link rel="icon" href="data:,";
                    style { (PreEscaped(STYLE)) }
                    @if served { script src="/live.js" defer {} }
                }
                body data-live=[(self.live && served).then_some("")] {
                    @if served {
                        nav aria-label="pages" {
                            a href="/" { "All runs" }
                            " "
                            span id="state" role="status" {}
                        }
                    }
                    (self.header())
                    main { @for (_, section) in &self.sections { (PreEscaped(section)) } }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        harmless(page)
    }
}

/// Texts are escaped before they get here. This rejects any that was not.
fn harmless(markup: Markup) -> String {
    let is_harmful = |c: char| c != '\n' && is_unseen(c);
    markup.into_string().replace(is_harmful, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of a script element in a script would end it, and a carriage return would change its
    /// hash.
    #[test]
    fn inline_texts_are_written_as_they_are_hashed() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("</") && !text.contains('\r'));
            assert!(text.chars().all(|c| c == '\n' || !is_unseen(c)));
        }
        assert_eq!(
            hash(""),
            "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
        );
    }
}
