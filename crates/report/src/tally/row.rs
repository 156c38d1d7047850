//! Tallies one row of the report: a whole unit, or a chapter of a sequence.

use std::cmp::Reverse;

use crashrate_model::{Ended, Exit, Outcome, OutcomeSet};

use super::distinct::{Distinct, Measures, MissedExpectations, cut, spread};
use crate::view::{Bounds, Cell, End, Note, Outcomes, Reason, Results, RoundOrder};

/// The most distinct reasons and notes kept. Texts with a changing number would otherwise grow with
/// the rounds.
const TEXTS: usize = 32;

#[derive(Clone, Debug, Default)]
pub(super) struct RowTally {
    /// Cells, numbers of attempts, first attempts that were run again, signals and exposure. The
    /// rest follows from these and the tallies below.
    pub(super) results: Results,
    secs: Vec<f64>,
    measures: Measures,
    missed: MissedExpectations,
    reasons: Distinct<Reason, TEXTS>,
    notes: Distinct<Note, TEXTS>,
}

impl RowTally {
    pub(super) fn has_measured_first(&self, round: u32) -> bool {
        let cell = self.results.cells.get(round as usize - 1);
        cell.is_some_and(is_measured)
    }

    /// The number of the round's last attempt that counts; 0 if none does.
    pub(super) fn measured_attempts(&self, round: u32) -> u32 {
        let cell = self.results.cells.get(round as usize - 1);
        cell.map_or(0, |cell| cell.attempts)
    }

    /// Records the round's first attempt. An earlier one moves to `run_again`.
    pub(super) fn put_first(&mut self, ended: &Ended, outcome: Outcome) {
        let round = ended.round;
        let cell = self.cell(round);
        cell.run = u8::try_from(ended.run.unwrap_or(0)).unwrap_or(u8::MAX);
        let before = cell.first.replace(outcome);
        cell.vanished |= matches!(outcome, Outcome::Lost | Outcome::Interrupted);
        if let Some(before) = before {
            self.results.run_again.add(before, 1);
        }
        self.put_retry(round, 1, outcome);
    }

    /// Records an attempt; it becomes the round's last one if it counts, or if a retry was skipped.
    pub(super) fn put_retry(&mut self, round: u32, attempt: u32, outcome: Outcome) {
        let cell = self.cell(round);
        if outcome.counts() || (outcome == Outcome::Skipped && attempt > 1) {
            cell.last = Some(outcome);
            cell.attempts = attempt;
        }
    }

    /// Adds an attempt's duration, values and signal.
    pub(super) fn measure(&mut self, end: &End<'_>, is_bad: bool) {
        if !end.outcome.counts() {
            return;
        }
        if let Some(secs) = end.secs.filter(|secs| secs.is_finite() && *secs >= 0.0) {
            self.secs.push(secs);
            let exposure = &mut self.results.exposure;
            exposure.secs += secs;
            exposure.n += 1;
            if is_bad {
                exposure.bad_secs += secs;
                exposure.bad += 1;
            }
        }
        for measure in end.measures {
            self.measures.add(measure);
        }
        // Only signals that crashrate did not send count; the kernel's do.
        if let (Outcome::Crashed | Outcome::OutOfMemory, Some(Exit::Signal(name))) =
            (end.outcome, &end.attempt.exit)
        {
            *self.results.signals.entry(name.clone()).or_default() += 1;
        }
    }

    /// Adds the reason why an attempt did not pass.
    pub(super) fn explain(&mut self, end: &End<'_>) {
        let (attempt, outcome) = (end.attempt, end.outcome);
        if matches!(outcome, Outcome::Passed | Outcome::Unreached) {
            return;
        }
        let reason = end.reason.map(str::to_owned);
        let Some(text) = reason.or_else(|| end.exit_words(attempt.exit.as_ref())) else {
            return;
        };
        if outcome == Outcome::Failed {
            self.missed.add(&text);
        }
        let text = cut(text);
        let same = |kept: &Reason| kept.outcome == outcome && kept.text == text;
        let reason = self.reasons.entry(same, || Reason {
            outcome,
            text: text.clone(),
            count: 0,
            round: Some(attempt.round),
            output: attempt.output.clone(),
            tail: Vec::new(),
        });
        if let Some(reason) = reason {
            reason.count += 1;
        }
    }

    pub(super) fn note(&mut self, notes: &[String]) {
        for text in notes {
            let text = cut(text.clone());
            let new = || Note {
                text: text.clone(),
                count: 0,
            };
            if let Some(note) = self.notes.entry(|kept| kept.text == text, new) {
                note.count += 1;
            }
        }
    }

    pub(super) fn measured_rounds(&self) -> u32 {
        let cells = self.results.cells.iter();
        cells.filter(|cell| is_measured(cell)).count() as u32
    }

    /// Rounds that did not pass and still have retries.
    pub(super) fn unsettled(&self, retries: u32) -> u32 {
        let unsettled = |cell: &&Cell| {
            cell.last.is_some_and(|last| !last.is_good()) && cell.attempts <= retries
        };
        self.results.cells.iter().filter(unsettled).count() as u32
    }

    /// The results so far. If the order of rounds is unknown, reasons have no round number.
    pub(super) fn results(&self, planned: u32, bad: &OutcomeSet, order: RoundOrder) -> Results {
        let mut reasons = self.reasons.kept.clone();
        reasons.sort_by_key(|reason| Reverse(reason.count));
        if !order.is_known() {
            reasons.iter_mut().for_each(|reason| reason.round = None);
        }
        let mut notes = self.notes.kept.clone();
        notes.sort_by_key(|note| Reverse(note.count));
        let mut results = Results {
            planned,
            order,
            outcomes: self.results.run_again,
            secs: spread(&self.secs),
            bounds: bounds(&self.results.cells, bad),
            measures: self.measures.stats(),
            measures_left_out: self.measures.left_out,
            missed: self.missed.sums(),
            missed_left_out: self.missed.left_out,
            reasons,
            reasons_left_out: self.reasons.left_out,
            notes,
            notes_left_out: self.notes.left_out,
            ..self.results.clone()
        };
        for (round, cell) in (1..).zip(&self.results.cells) {
            add_cell(&mut results, round, cell, bad);
        }
        results.first_attempt = results.outcomes.share(bad);
        results
    }

    fn cell(&mut self, round: u32) -> &mut Cell {
        let cells = &mut self.results.cells;
        let place = round as usize - 1;
        if place >= cells.len() {
            cells.resize(place + 1, Cell::default());
        }
        &mut cells[place]
    }
}

/// Whether the round's first attempt was made: it counts, or was skipped.
fn is_measured(cell: &Cell) -> bool {
    cell.first.is_some_and(Outcome::is_measured)
}

fn add_cell(results: &mut Results, round: u32, cell: &Cell, bad: &OutcomeSet) {
    if let Some(first) = cell.first {
        results.rounds += 1;
        results.ended += u32::from(first.is_measured());
        results.outcomes.add(first, 1);
    }
    if let Some(last) = cell.last {
        results.after_retries.n += 1;
        results.after_retries.bad += u32::from(bad.contains(last));
        results.passed_after_retries += u32::from(last == Outcome::Passed);
    }
    if cell.is_flaky() {
        results.flaky_rounds.push(round);
    }
}

/// The rates possible given the rounds without a result.
fn bounds(cells: &[Cell], bad: &OutcomeSet) -> Option<Bounds> {
    let known = cells.iter().filter(|cell| !cell.is_missing());
    let missing = cells.len() - known.clone().count();
    let known: Outcomes = known.filter_map(|cell| cell.first).collect();
    Bounds::of(known.share(bad), missing as u32)
}
