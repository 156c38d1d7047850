//! Writes HTML pages: one file each, with inline pictures and no external resources.
//!
//! A page in a file has no script and forbids all scripts. A served page has a small script that
//! updates its sections while the run is running.

mod grid;
mod index;
mod page;
mod parts;
mod pictures;
mod tried;

use std::collections::HashSet;

use maud::{Markup, html};

use crate::compare::History;
use crate::document::{Block, Detail, Document, Section, history_document, report};
use crate::view::View;
use crate::words::count;
pub use index::{error_html, index_html, waiting_html};
use page::Page;
pub use page::{LIVE_SCRIPT, PageHost};
use parts::{of_tone, table};

/// The report as a page, compared with the previous run if given.
pub fn html(view: &View, previous: Option<&View>, place: PageHost) -> String {
    page(&report(view, previous), view.run.state.is_running(), place)
}

/// The histories of a name as a page: one for a suite, one for each command.
pub fn history_html(histories: &[History], place: PageHost) -> String {
    let mut runs = histories.iter().flat_map(|history| &history.runs);
    let refresh = runs.any(|run| run.state.is_running());
    page(&history_document(histories), refresh, place)
}

fn page(document: &Document, refresh: bool, host: PageHost) -> String {
    let mut ids = HashSet::new();
    let sections = document.sections(Detail::Full);
    let sections = sections.map(|one| section(&id(&one.heading, &mut ids), one));
    let sections: Vec<Markup> = sections.collect();
    let page = Page {
        title: &document.title,
        facts: &document.facts,
        host,
        refresh,
        body: html! { @for section in sections { (section) } },
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

fn section(id: &str, section: &Section) -> Markup {
    let heading = &section.heading;
    let label = (!heading.is_empty()).then(|| format!("{id}-h"));
    html! {
        section id=(id) aria-labelledby=[&label] {
            @if let Some(label) = &label { h2 id=(label) { (heading) } }
            @for one in &section.blocks { (block(one)) }
        }
    }
}

fn block(block: &Block) -> Markup {
    match block {
        Block::Verdict(verdict) => html! {
            p class="status" { strong class=[of_tone(verdict.tone)] { (verdict.word) } }
            @for line in &verdict.lines { p class="said" { (line) } }
        },
        Block::Heading(heading) => html! { h3 { (heading) } },
        Block::Line(line) => html! { p class=[of_tone(line.tone)] { (line.text) } },
        Block::List(lines) => html! { ul { @for line in lines { li { (line) } } } },
        Block::Table(one) => table(one),
        Block::Signature(one) => html! {
            p {
                strong class="bad" { (one.what) } " " (one.at) " " (one.callers) " "
                code { (one.command) }
            }
        },
        Block::Output(lines) => html! {
            pre tabindex="0" aria-label="output" { (lines.join("\n")) }
        },
        Block::Command(command) => html! {
            pre tabindex="0" aria-label="command" { code { (command) } }
        },
        Block::Plot(plot) | Block::Picture(plot) => pictures::plot(plot),
        Block::Grid(one) => grid::grid(one),
        Block::Parts(one) => tried::parts(one),
        Block::Curves(curves) => pictures::curves(curves),
        Block::Trend(trend) => pictures::trend(trend),
        Block::Progress(ended, planned) => html! {
            p {
                label for="progress" {
                    (count((*ended).into())) " of " (count((*planned).into()))
                    " planned rounds have a result"
                }
                progress id="progress" max=(planned) value=(ended) {}
            }
        },
    }
}
