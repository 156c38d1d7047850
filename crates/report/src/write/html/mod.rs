//! Writes HTML pages: one file each, with inline pictures and no external resources.
//!
//! A page shows everything without a script. Its own script only adds search, filters and copy
//! buttons; a served page has another one that updates its sections while the run is running.

mod commits;
mod crash;
mod filter;
mod grid;
mod history;
mod index;
mod matrix;
mod over_time;
mod page;
mod parts;
mod pictures;
mod rates;
mod tried;

use std::cell::Cell;
use std::collections::HashSet;

use maud::{Markup, html};

use crate::compare::History;
use crate::document::{
    Block, Detail, Document, RunPages, Section, Shown, history_document, report,
};
use crate::view::View;
use crate::words::count;
pub use index::{error_html, index_parts, waiting_parts};
pub use page::{LIVE_SCRIPT, PageHost, PageParts, SERVED_POLICY};
use parts::{command, of_tone, output, sentence, table};

/// Where the page is viewed, and the run that its files belong to.
#[derive(Clone, Copy)]
struct Host<'a> {
    place: PageHost,
    run: &'a str,
    /// The section that is written, and how many ids it has given to its parts.
    section: &'a str,
    ids: &'a Cell<u32>,
}

impl Host<'_> {
    /// An id for a part of the section: unique on the page, and the same when it is written again.
    fn new_id(self) -> String {
        self.ids.set(self.ids.get() + 1);
        format!("{}-{}", self.section, self.ids.get())
    }
}

/// The report as a page, compared with the previous run if given.
pub fn html(view: &View, previous: Option<&View>) -> String {
    report_parts(view, previous, PageHost::File).page()
}

/// The same in parts.
pub fn report_parts(view: &View, previous: Option<&View>, place: PageHost) -> PageParts {
    let document = report(view, previous);
    let mut page = page(&document, place, &view.run.id);
    // Below the verdict, which is first.
    let filter = ("filter".to_owned(), filter::filter(view).into_string());
    page.sections.insert(page.sections.len().min(1), filter);
    page.live = view.run.state.is_running();
    page
}

/// The histories of a name as a page: one for a suite, one for each command. `pages` are those of
/// its runs.
pub fn history_html(histories: &[History], pages: &RunPages) -> String {
    history_parts(histories, pages).page()
}

/// The same in parts.
pub fn history_parts(histories: &[History], pages: &RunPages) -> PageParts {
    let place = match pages {
        RunPages::Served => PageHost::Served,
        RunPages::None | RunPages::Files(_) => PageHost::File,
    };
    let mut page = page(&history_document(histories, pages), place, "");
    let mut runs = histories.iter().flat_map(|history| &history.runs);
    page.live = runs.any(|run| run.state.is_running());
    page
}

fn page(document: &Document, place: PageHost, run: &str) -> PageParts {
    let mut page = PageParts {
        title: document.title.clone(),
        tab: document.tab.clone(),
        facts: document.facts.clone(),
        host: place,
        live: false,
        sections: Vec::new(),
    };
    let mut ids = HashSet::new();
    for one in document.sections(Detail::Full) {
        let id = id(&one.heading, &mut ids);
        let host = Host {
            place,
            run,
            section: &id,
            ids: &Cell::new(0),
        };
        page.push(&id, section(&id, one, host));
    }
    page
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

fn section(id: &str, section: &Section, host: Host<'_>) -> Markup {
    let heading = &section.heading;
    let label = (!heading.is_empty()).then(|| format!("{id}-h"));
    let tone = section.blocks.iter().find_map(|block| match block {
        Block::Verdict(verdict) => {
            Some(format!("tone-{}", of_tone(verdict.tone).unwrap_or("plain")))
        }
        _ => None,
    });
    let body = html! { @for one in &section.blocks { (block(one, host)) } };
    html! {
        section id=(id) class=[tone] aria-labelledby=[&label] {
            @match (section.shown, &label) {
                (Shown::Folded, Some(label)) => details class="fold" {
                    summary { h2 id=(label) { (heading) } }
                    (body)
                },
                (_, Some(label)) => { h2 id=(label) { (heading) } (body) }
                (_, None) => (body),
            }
        }
    }
}

fn block(block: &Block, host: Host<'_>) -> Markup {
    match block {
        Block::Verdict(verdict) => html! {
            p class="status" {
                strong class=[of_tone(verdict.tone)] { (verdict.word) }
                @if let Some(first) = verdict.lines.first() { " " (sentence(first)) }
            }
            @for line in verdict.lines.iter().skip(1) { p class="said" { (sentence(line)) } }
        },
        Block::Heading(heading) => html! { h3 { (heading) } },
        Block::Line(line) => html! { p class=[of_tone(line.tone)] { (sentence(&line.text)) } },
        Block::List(lines) => html! { ul { @for line in lines { li { (sentence(line)) } } } },
        Block::Table(one) => table(one),
        Block::Signature(one) => html! {
            p {
                strong class="bad" { (one.what) } " " (one.at) " " (one.callers) " "
                code { (one.command) }
            }
        },
        Block::Crash(one) => crash::crash(one, host),
        Block::Output(lines) => output("output", lines),
        Block::Command(one) => command(one),
        Block::Plot(plot) => pictures::plot(plot, host),
        Block::Rates(plot) => rates::rates(plot, host),
        Block::OverTime(one) => over_time::over_time(one),
        Block::Grid(one) => grid::grid(one, host),
        Block::Attempts(one) => crash::attempts(one, host),
        Block::Fold(title, blocks) => html! {
            details class="fold" {
                summary { (title) }
                @for one in blocks { (self::block(one, host)) }
            }
        },
        Block::Parts(one) => tried::parts(one),
        Block::Commits(one) => commits::commits(one),
        Block::Curves(curves) => pictures::curves(curves),
        Block::PastRuns(past) => history::past_runs(past),
        Block::Matrix(one) => matrix::matrix(one),
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
