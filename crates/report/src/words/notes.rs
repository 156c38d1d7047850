//! Notes: what is missing and why, and what was not counted.

use crashrate_model::{EvidenceMode, Outcome, StopReason};

use super::names::{capitalized, counted, of_chapter, units};
use super::numbers::{count, counts, joined, plural};
use crate::clean::{SENTENCE, clean};
use crate::view::{Outcomes, Results, RunFacts, View};
use crate::words::first_line;

/// The notes of a run.
pub(crate) fn notes(view: &View) -> Vec<String> {
    let mut notes = run_notes(view);
    for (name, results) in units(view) {
        let mut own = Vec::new();
        own.extend(missing(results, &view.run));
        own.extend(uncounted(results));
        let is_done = view.run.stopped == Some(StopReason::Done);
        if !is_done && !view.run.state.is_running() && results.unsettled > 0 {
            own.push(format!(
                "{} did not pass and had retries left that were not run, so the rate after \
                 retries is not final.",
                plural(results.unsettled, "round")
            ));
        }
        for note in &results.notes {
            let text = clean(&note.text, SENTENCE);
            own.push(match note.count {
                1 => text,
                n => format!("{text} ({} times)", count(n.into())),
            });
        }
        own.extend(left_out(results));
        notes.extend(own.iter().map(|note| format!("{name}: {note}")));
    }
    for row in view.chapters.iter().filter(|row| row.sequence.is_some()) {
        let own = left_out(&row.results);
        notes.extend(own.map(|note| format!("{}: {note}", of_chapter(row))));
    }
    notes
}

/// Why a run stopped early, if that was not its own rule.
pub(crate) fn stop_note(view: &View) -> Option<String> {
    let run = &view.run;
    if run.merged.is_some()
        && let Some(note) = stopped_shards(run)
    {
        return Some(note);
    }
    let what = match run.stopped {
        Some(StopReason::Interrupted) => return Some(stopped_by(run)),
        Some(StopReason::JournalFailed) => "the journal could not be written",
        Some(StopReason::WaitingFailed) => "it could not wait for its children",
        Some(StopReason::DeviceFailed) => "no device works any more",
        Some(StopReason::ProgramReplaced) => "a measured program changed",
        None if !run.state.is_running() => {
            let text = "The run was not closed: crashrate or its machine died, or its journal \
                could not be written.";
            return Some(text.to_owned());
        }
        _ => return None,
    };
    let because = clean(run.stopped_because.as_deref().unwrap_or_default(), SENTENCE);
    Some(format!("The run stopped because {what}: {because}."))
}

/// Why shards of a merged run stopped early. Others may have stopped for lesser reasons.
fn stopped_shards(run: &RunFacts) -> Option<String> {
    let why = match run.stopped? {
        StopReason::Interrupted => "of a signal",
        StopReason::JournalFailed => "the journal could not be written",
        StopReason::WaitingFailed => "crashrate could not wait for its children",
        StopReason::DeviceFailed => "no working device was left",
        StopReason::ProgramReplaced => "a measured program changed",
        _ => return None,
    };
    // `shard 3 stopped early`
    let shards = clean(run.stopped_because.as_deref()?, SENTENCE);
    Some(format!("{} because {why}.", capitalized(&shards)))
}

/// A run that a signal stopped. Its reason is the signal's name.
fn stopped_by(run: &RunFacts) -> String {
    match run.stopped_because.as_deref() {
        None | Some("") => "The run was stopped by a signal.".to_owned(),
        Some(name) => format!("The run was stopped by {}.", clean(name, SENTENCE)),
    }
}

fn run_notes(view: &View) -> Vec<String> {
    let run = &view.run;
    let mut notes = Vec::from_iter(stop_note(view));
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
    for (name, value) in &run.added_env {
        let added = clean(&format!("{name}={value}"), SENTENCE);
        notes.push(format!(
            "Added to the environment of Python commands: {added}."
        ));
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
    notes
}

fn missing(results: &Results, run: &RunFacts) -> Option<String> {
    // A run with a stopping rule need not start all its rounds.
    let planned = match run.complete {
        true => results.rounds,
        false => results.planned,
    };
    let missing = planned.saturating_sub(results.first_attempt.n);
    let first: Outcomes = results.cells.iter().filter_map(|cell| cell.first).collect();
    let lost = [Outcome::Lost, Outcome::NotStarted, Outcome::Interrupted];
    let lost = lost.map(|outcome| (first.get(outcome).into(), outcome.word()));
    let open = match run.state.is_running() {
        true => "not finished yet",
        false => "not started",
    };
    let left = planned.saturating_sub(results.rounds);
    let why = counts(lost.into_iter().chain([(left.into(), open)]));
    let why = joined(why, ", ").unwrap_or_default();
    let (n, planned) = (count(missing.into()), plural(planned, "round"));
    (missing > 0).then(|| format!("{n} of {planned} without a result: {why}."))
}

fn uncounted(results: &Results) -> Vec<String> {
    let mut notes = Vec::new();
    if results.run_again.sum() > 0 {
        let again = counted(&results.run_again, |_| true);
        notes.push(format!("first attempts that were run again: {again}."));
    }
    let lost = results.outcomes.get(Outcome::Lost);
    if lost > 0 {
        notes.push(format!(
            "result lost of {}, because crashrate or its machine died or the journal could not \
             be written.",
            plural(lost, "attempt")
        ));
    }
    for reason in &results.reasons {
        if !reason.outcome.counts() {
            let text = first_line(&reason.text);
            let n = count(reason.count.into());
            notes.push(format!("{n} {}: {text}", reason.outcome));
        }
    }
    match results.lost_retries {
        0 => {}
        1 => notes.push("result lost of 1 retry.".to_owned()),
        n => notes.push(format!("result lost of {} retries.", count(n.into()))),
    }
    notes
}

/// What was left out because there was too much of it.
fn left_out(results: &Results) -> impl Iterator<Item = String> {
    let left_out = [
        (results.reasons_left_out, "attempts with further reasons"),
        (results.notes_left_out, "further notes"),
        (results.missed_left_out, "further missed expectations"),
        (results.measures_left_out, "values of further measures"),
    ];
    let left_out = counts(left_out.map(|(n, what)| (n.into(), what)));
    left_out.map(|left_out| format!("{left_out} left out."))
}
