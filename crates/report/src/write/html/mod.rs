//! Writes HTML pages: one file each, with inline pictures and no external resources.
//!
//! A page in a file has no script and forbids all scripts. A served page has a small script that
//! updates its sections while the run is running.

mod curve;
mod grid;
mod history;
mod index;
mod page;
mod parts;
mod track;

use std::collections::HashSet;

use maud::{Markup, html};

use crate::compare::History;
use crate::document::{
    Block, Detail, Document, Signature, Text, Tone, Verdict, history_document, report,
};
use crate::view::View;
use crate::words::count;
pub use index::{error_html, index_html, waiting_html};
use page::Page;
pub use page::{LIVE_SCRIPT, PageHost};
use parts::{list, section, table};

/// The report as a page, compared with the previous run if given.
pub fn html(view: &View, previous: Option<&View>, place: PageHost) -> String {
    page(&report(view, previous), view.run.state.is_running(), place)
}

/// The history of a suite as a page.
pub fn history_html(history: &History, place: PageHost) -> String {
    let refresh = history.runs.iter().any(|run| run.state.is_running());
    page(&history_document(history), refresh, place)
}

fn page(document: &Document, refresh: bool, place: PageHost) -> String {
    let mut ids = HashSet::new();
    let sections = document.sections(Detail::Full).map(|one| {
        let body = html! { @for one in &one.blocks { (block(one)) } };
        section(&id(&one.heading, &mut ids), &one.heading, body)
    });
    let sections: Vec<Markup> = sections.collect();
    let page = Page {
        title: document.title.clone(),
        place,
        refresh,
        body: html! {
            header id="head" {
                h1 { (document.title) }
                @if !document.facts.is_empty() { p class="facts" { (document.facts) } }
            }
            main { @for section in sections { (section) } }
        },
    };
    page.write()
}

/// The anchor of a heading. It must be unique, since the script replaces sections by it.
fn id(heading: &str, used: &mut HashSet<String>) -> String {
    let plain = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_lowercase(),
        false => '-',
    };
    let slug: String = heading.chars().map(plain).collect();
    let numbered = (2..).map(|number| format!("{slug}-{number}"));
    let mut ids = std::iter::once(slug.clone()).chain(numbered);
    let free = ids.find(|id| !id.is_empty() && used.insert(id.clone()));
    free.unwrap_or_default()
}

fn block(block: &Block) -> Markup {
    match block {
        Block::Verdict(verdict) => self::verdict(verdict),
        Block::Heading(heading) => html! { h3 { (heading) } },
        Block::Line(line) => self::line(line),
        Block::List(lines) => list(lines),
        Block::Table(one) => table(one),
        Block::Signature(one) => signature(one),
        Block::Output(lines) => {
            html! { pre tabindex="0" aria-label="output" { (lines.join("\n")) } }
        }
        Block::Command(command) => {
            html! { pre tabindex="0" aria-label="command" { code { (command) } } }
        }
        Block::Plot(plot) | Block::Picture(plot) => track::plot(plot),
        Block::Grid(one) => grid::grid(one),
        Block::Curves(curves) => curve::curves(curves),
        Block::Trend(trend) => history::trend(trend),
        Block::Progress(ended, planned) => progress(*ended, *planned),
    }
}

fn verdict(verdict: &Verdict) -> Markup {
    let class = tone(verdict.status.tone());
    html! {
        p class="status" { strong class=[class] { (verdict.status.word()) } }
        @for line in &verdict.lines { p class="said" { (line) } }
    }
}

fn line(line: &Text) -> Markup {
    html! { p class=[tone(line.tone)] { (line.text) } }
}

fn tone(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Plain => None,
        Tone::Good => Some("good"),
        Tone::Bad => Some("bad"),
        Tone::Doubtful => Some("doubt"),
    }
}

fn signature(signature: &Signature) -> Markup {
    html! {
        p {
            strong class="bad" { (signature.what) } " " (signature.at) " " (signature.callers) " "
            code { (signature.command) }
        }
    }
}

fn progress(ended: u32, planned: u32) -> Markup {
    html! {
        p {
            label for="progress" {
                (count(ended.into())) " of " (count(planned.into())) " planned rounds have a result"
            }
            progress id="progress" max=(planned) value=(ended) {}
        }
    }
}
