//! Notes: what is missing and why, and what was not counted.

use crashrate_model::{EvidenceMode, Mode, Outcome, StopReason};

use super::names::{counted, of_chapter, of_unit};
use super::numbers::count;
use crate::clean::{SENTENCE, clean};
use crate::view::{Cell, Results, RunFacts, View};

/// The notes of a run.
pub(crate) fn notes(view: &View) -> Vec<String> {
    let mut notes = Vec::new();
    run_notes(view, &mut notes);
    for (name, results) in units(view) {
        missing(&name, results, &view.run, &mut notes);
        uncounted(&name, results, &mut notes);
        let is_done = view.run.stopped == Some(StopReason::Done);
        if !is_done && !view.run.state.is_running() && results.unsettled > 0 {
            notes.push(format!(
                "{name}: {} did not pass and had retries left that were not run, so the rate \
                 after retries is not final.",
                rounds(results.unsettled)
            ));
        }
        other_notes(&name, results, &mut notes);
        left_out(&name, results, &mut notes);
    }
    for row in view.chapters.iter().filter(|row| row.sequence.is_some()) {
        left_out(&of_chapter(row), &row.results, &mut notes);
    }
    notes
}

/// Every unit with its name; chapters of sequences are in their sequence's results.
pub(crate) fn units(view: &View) -> impl Iterator<Item = (String, &Results)> {
    let isolated = view.chapters.iter().filter(|row| row.sequence.is_none());
    let isolated = isolated.map(|row| {
        let name = of_unit(&row.chapter, Some(Mode::Isolated), &row.variant);
        (name, &row.results)
    });
    let sequences = view.sequences.iter().map(|row| {
        let name = of_unit(&row.sequence, Some(Mode::Sequential), &row.variant);
        (name, &row.results)
    });
    isolated.chain(sequences)
}

/// Why a run stopped early, if that was not its own rule.
pub(crate) fn stop_note(view: &View) -> Option<String> {
    let run = &view.run;
    let because = clean(run.stopped_because.as_deref().unwrap_or_default(), SENTENCE);
    let note = match run.stopped {
        Some(StopReason::Interrupted) => "The user stopped the run.".to_owned(),
        Some(StopReason::JournalFailed) => {
            format!("The run stopped because the journal could not be written: {because}.")
        }
        Some(StopReason::WaitingFailed) => {
            format!("The run stopped because it could not wait for its children: {because}.")
        }
        Some(StopReason::ProgramReplaced) => {
            format!("The run stopped because a measured program changed: {because}.")
        }
        None if !run.state.is_running() => {
            "The run was not closed: crashrate or its machine died, or its journal could not be \
             written."
                .to_owned()
        }
        _ => return None,
    };
    Some(note)
}

fn run_notes(view: &View, notes: &mut Vec<String>) {
    let run = &view.run;
    notes.extend(stop_note(view));
    if run.optional_stopping().is_possible() {
        notes.push(
            "The number of rounds depends on their results, so intervals are confidence sequences."
                .to_owned(),
        );
    }
    if run.evidence != EvidenceMode::Trace && !run.evidence_rounds && run.imported.is_none() {
        notes.push(
            "The counted rounds were not traced, so a descendant's crash is seen only in the exit \
             status of the attempt."
                .to_owned(),
        );
    }
    if let Some(round) = run.only_round {
        notes.push(format!(
            "Only round {round} was run, to repeat it. A chosen round says nothing about the rate."
        ));
    }
    for (what, limit) in &run.limits {
        let limit = clean(&format!("{what} {limit}"), SENTENCE);
        notes.push(format!("Limit of each attempt: {limit}."));
    }
    match run.resumed {
        0 => {}
        1 => notes.push("The run was resumed once.".to_owned()),
        n => notes.push(format!("The run was resumed {n} times.")),
    }
    for change in &run.changes {
        let change = clean(change, SENTENCE);
        notes.push(format!("Changed when the run was resumed: {change}."));
    }
}

fn missing(name: &str, results: &Results, run: &RunFacts, notes: &mut Vec<String>) {
    // A run with a stopping rule need not start all its rounds.
    let planned = if run.complete {
        results.rounds
    } else {
        results.planned
    };
    let missing = planned.saturating_sub(results.first_attempt.n);
    if missing == 0 {
        return;
    }
    let left = planned.saturating_sub(results.rounds);
    let mut why = Vec::new();
    for outcome in [Outcome::Lost, Outcome::NotStarted, Outcome::Interrupted] {
        let first = |cell: &&Cell| cell.first == Some(outcome);
        match results.cells.iter().filter(first).count() {
            0 => {}
            n => why.push(format!("{} {outcome}", count(n as u64))),
        }
    }
    if left > 0 {
        let word = if run.state.is_running() {
            "not finished yet"
        } else {
            "not started"
        };
        why.push(format!("{} {word}", count(left.into())));
    }
    notes.push(format!(
        "{name}: {} of {} without a result: {}.",
        count(missing.into()),
        rounds(planned),
        why.join(", ")
    ));
}

fn uncounted(name: &str, results: &Results, notes: &mut Vec<String>) {
    if results.run_again.sum() > 0 {
        notes.push(format!(
            "{name}: run again after their first attempt: {}.",
            counted(&results.run_again, |_| true)
        ));
    }
    let lost = results.outcomes.get(Outcome::Lost);
    if lost > 0 {
        notes.push(format!(
            "{name}: result lost of {}, because crashrate or its machine died or the journal \
             could not be written.",
            attempts(lost)
        ));
    }
    for reason in &results.reasons {
        if !reason.outcome.counts() {
            let text = clean(&reason.text, SENTENCE);
            let (outcome, n) = (reason.outcome, count(reason.count.into()));
            notes.push(format!("{name}: {n} {outcome}: {text}"));
        }
    }
    if results.lost_retries > 0 {
        notes.push(format!(
            "{name}: result lost of {}.",
            retries(results.lost_retries)
        ));
    }
}

fn other_notes(name: &str, results: &Results, notes: &mut Vec<String>) {
    for note in &results.notes {
        let text = clean(&note.text, SENTENCE);
        let times = if note.count == 1 {
            String::new()
        } else {
            format!(" ({} times)", count(note.count.into()))
        };
        notes.push(format!("{name}: {text}{times}"));
    }
}

/// What was left out because there was too much of it.
fn left_out(name: &str, results: &Results, notes: &mut Vec<String>) {
    let left_out = [
        (results.reasons_left_out, "attempts with further reasons"),
        (results.notes_left_out, "further notes"),
        (results.missed_left_out, "further missed expectations"),
        (results.measures_left_out, "values of further measures"),
    ];
    for (n, what) in left_out.into_iter().filter(|(n, _)| *n > 0) {
        notes.push(format!("{name}: {} {what} left out.", count(n.into())));
    }
}

fn rounds(n: u32) -> String {
    plural(n, "round")
}

fn attempts(n: u32) -> String {
    plural(n, "attempt")
}

fn retries(n: u32) -> String {
    if n == 1 {
        "1 retry".to_owned()
    } else {
        format!("{} retries", count(n.into()))
    }
}

pub(crate) fn plural(n: u32, word: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {word}{s}", count(n.into()))
}
