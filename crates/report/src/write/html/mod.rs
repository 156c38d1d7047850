//! Pages for people to look at: one file each, with pictures in it and nothing from elsewhere.
//!
//! Every picture is drawn from the tables and plots that the other forms have too. A page in a file has no script, and
//! forbids them all; one that is served has a small one that draws its parts anew while a run goes on.

mod curve;
mod grid;
mod history;
mod index;
mod page;
mod parts;
mod track;

use maud::{Markup, html};

use crate::clean::{NAME, SENTENCE, clean};
use crate::compare::{cautions, comparisons, gates, intro, lines, shown};
use crate::layout::{self, ChapterColumns};
use crate::view::View;
use crate::words::{
    count, duration, findings, flaky, independence, leading, notes, recommendations, summary,
};
pub use history::history_html;
pub use index::{error_html, index_html, waiting_html};
use page::Page;
pub use page::{LIVE_SCRIPT, Place};
use parts::{blocks, list, section, table, tables};

/// The report as a page. With the run before it, the numbers of both stand side by side.
pub fn html(view: &View, previous: Option<&View>, place: Place) -> String {
    let run = &view.run;
    let suite = clean(&run.suite, NAME);
    let page = Page {
        title: format!("Report N={}: {suite}", run.number),
        place,
        live: run.live,
        body: html! {
            (head(view, &suite))
            main {
                @for part in sections(view, previous) { (part) }
            }
        },
    };
    page.write()
}

fn head(view: &View, suite: &str) -> Markup {
    let run = &view.run;
    let incomplete = !run.live && !run.complete;
    let verb = if run.live { "running for" } else { "took" };
    html! {
        header id="head" {
            h1 { "Report N=" (run.number) ": " (suite) }
            p class="facts" {
                (clean(&run.started, NAME))
                @if incomplete { ", incomplete" }
                @if run.secs.is_some() { ", " (verb) " " (duration(run.secs)) }
                "; device " (clean(&run.device, NAME))
                @if let Some(seed) = run.seed { "; seed " (seed) }
            }
        }
    }
}

/// The parts of a report, those that say what it came to first.
fn sections(view: &View, previous: Option<&View>) -> Vec<Markup> {
    let mut all = vec![section("Verdict", verdict(view))];
    all.push(section("Running now", running(view)));
    let rates = layout::rates(view);
    all.push(section("Crash rates", rates.as_ref().map(track::plot)));
    let rounds = layout::grid(view);
    all.push(section("Rounds", rounds.as_ref().map(grid::grid)));
    all.push(section("Hazard by position", hazards(view)));
    let modes = layout::modes(view);
    all.push(section(
        "Isolated beside sequential",
        modes.as_ref().map(table),
    ));
    all.push(section("Comparisons", compared(view)));
    if let Some(part) = layout::baseline_section(view) {
        all.push(section(&part.heading, blocks(&part.blocks)));
    }
    all.push(section("What the report says", list(&layout::told(view))));
    let curves = layout::efficiency(view, previous);
    all.push(section("Efficiency", curve::curves(&curves)));
    let durations = layout::durations(view);
    all.push(section("Durations", durations.as_ref().map(track::plot)));
    for part in layout::parts(view) {
        all.push(section(&part.heading, blocks(&part.blocks)));
    }
    all.push(section("Measures", tables(&layout::measures(view))));
    let crashes = layout::crashes(view).map(|part| part.blocks);
    all.push(section(
        "Crashes by signature",
        blocks(&crashes.unwrap_or_default()),
    ));
    all.push(section(
        "Why rounds did not pass",
        list(&layout::reasons(view)),
    ));
    all.push(section("Independence", list(&independence(view))));
    all.push(section("Findings", list(&findings(view))));
    all.push(section("Chapters", chapters(view)));
    all.push(section("Sequences", sequences(view)));
    if let Some(previous) = previous {
        let part = layout::previous(view, previous);
        all.push(section(&part.heading, blocks(&part.blocks)));
    }
    let blockers = layout::blockers(view);
    all.push(section("Blockers", blocks(blockers.as_slice())));
    all.push(section("Recommendations", list(&recommendations(view))));
    all.push(section("Notes", list(&notes(view))));
    all.push(section(
        "Environment",
        Some(table(&layout::environment(view))),
    ));
    all.push(section("How to repeat it", command(view)));
    all
}

fn verdict(view: &View) -> Option<Markup> {
    let gates = gates(view);
    Some(html! {
        @for warning in leading(view) {
            p class="doubt" { strong { (warning) } }
        }
        @for sentence in summary(view) { p class="said" { (sentence) } }
        @if let Some(flaky) = flaky(view) { p class="doubt" { (flaky) } }
        @if !gates.is_empty() { h3 { "Gates" } }
        (list(&gates).unwrap_or_default())
        @for all in comparisons(view) {
            @for line in shown(&all) { p { (line) } }
        }
    })
}

fn compared(view: &View) -> Option<Markup> {
    let all = comparisons(view);
    (!all.is_empty()).then(|| {
        html! {
            @for one in &all {
                p class="small" { (intro(one)) }
                (list(&lines(one)).unwrap_or_default())
                @for caution in cautions(one) { p class="small" { (caution) } }
            }
        }
    })
}

fn running(view: &View) -> Option<Markup> {
    let (ended, planned) = (view.totals.first_attempt.n, view.totals.planned);
    view.run.live.then(|| {
        html! {
            p {
                label for="progress" { (count(ended.into())) " of " (count(planned.into())) " planned rounds have an end" }
                progress id="progress" max=(planned) value=(ended) {}
            }
            (list(&layout::running(view)).unwrap_or_default())
        }
    })
}

fn hazards(view: &View) -> Option<Markup> {
    let plots = layout::hazard_plots(view);
    (!plots.is_empty()).then(|| html! { @for plot in &plots { (track::plot(plot)) } })
}

fn chapters(view: &View) -> Option<Markup> {
    let (mode, time) = (true, true);
    (!view.chapters.is_empty())
        .then(|| table(&layout::chapters(view, ChapterColumns { mode, time })))
}

fn sequences(view: &View) -> Option<Markup> {
    (!view.sequences.is_empty()).then(|| table(&layout::sequences(view)))
}

fn command(view: &View) -> Option<Markup> {
    let command = clean(view.command.as_ref()?, 10 * SENTENCE);
    Some(html! { pre tabindex="0" aria-label="command" { code { (command) } } })
}
