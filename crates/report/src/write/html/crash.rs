//! A signature as a card, and the attempts of a unit.

use maud::{Markup, html};

use super::parts::{command, output};
use super::{Host, PageHost};
use crate::document::{Attempt, Crash, UnitAttempts};

/// The signature: how often, where, the innermost frames, how to see it again; the rest folded.
pub(super) fn crash(crash: &Crash, host: Host<'_>) -> Markup {
    html! {
        article class="crash" id={ "crash-" (crash.number) } data-o="crashed timed-out"
            data-name=(crash.names) {
            h3 {
                span class="bad" { (crash.what) } " in "
                code { (crash.at) }
            }
            ul class="plain" { @for place in &crash.places { li { (place) } } }
            @if !crash.frames.is_empty() { (output("stack, innermost frame first", &crash.frames)) }
            @if !crash.python.is_empty() { (output("Python stack", &crash.python)) }
            p class="rounds" {
                (crash.rounds_label)
                @for (place, (round, anchor)) in crash.rounds.iter().enumerate() {
                    @if place > 0 { ", " }
                    @match anchor {
                        Some(anchor) => a href={ "#" (anchor) } { (round) },
                        None => (round),
                    }
                }
            }
            @if let Some(again) = &crash.again {
                p class="label" { "Run its first round again:" }
                (command(again))
            }
            @if !crash.evidence.is_empty() {
                details {
                    summary { "Registers, all threads, modules and output" }
                    @for (title, lines) in &crash.evidence {
                        h4 { (title) }
                        (output(title, lines))
                    }
                }
            }
            p class="small" {
                "In a terminal: " code { (crash.show) }
                @if let Some(file) = &crash.file { " · " (link(file, host)) }
            }
        }
    }
}

/// The rounds of a unit: those that did not pass, then those that did.
pub(super) fn attempts(unit: &UnitAttempts, host: Host<'_>) -> Markup {
    let mut outcomes: Vec<&str> = unit.others.iter().map(|one| one.outcome.word()).collect();
    outcomes.sort_unstable();
    outcomes.dedup();
    if !unit.passed.is_empty() {
        outcomes.push("passed");
    }
    html! {
        details class="unit fold" data-o=(outcomes.join(" ")) {
            summary { strong { (unit.name) } ": " (unit.summary) }
            @for one in &unit.others { (attempt(one, host)) }
            @if !unit.passed.is_empty() {
                ul class="attempt passed-rounds passed" {
                    @for (anchor, text) in &unit.passed { li id=(anchor) { (text) } }
                }
            }
        }
    }
}

fn attempt(one: &Attempt, host: Host<'_>) -> Markup {
    html! {
        article id=(one.anchor) class={ "attempt " (one.outcome.word()) } {
            h4 {
                span class={ "swatch " (one.outcome.word()) } aria-hidden="true" {}
                (one.title)
            }
            ul class="plain" {
                @for fact in &one.facts { li { (fact) } }
                @if let Some(number) = one.crash {
                    li { a href={ "#crash-" (number) } { "its stack: crash " (number) } }
                }
                @if !one.similar.is_empty() {
                    li {
                        "stacks from evidence rounds: "
                        @for (place, number) in one.similar.iter().enumerate() {
                            @if place > 0 { ", " }
                            a href={ "#crash-" (number) } { "crash " (number) }
                        }
                    }
                }
                @for file in &one.files { li { (link(file, host)) } }
            }
            @if !one.reason.is_empty() { (output("reason", &one.reason)) }
            @for (title, lines) in &one.output {
                p class="label" { (title) }
                (output(title, lines))
            }
        }
    }
}

/// A file of the run folder. A page in a file does not know where it is.
fn link(file: &str, host: Host<'_>) -> Markup {
    match host.place {
        PageHost::Served => html! { a href={ "/runs/" (host.run) "/" (file) } { (file) } },
        PageHost::File => html! { code { (file) } },
    }
}
