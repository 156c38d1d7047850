//! Tallies one row of the report: a whole unit, or a chapter of a sequence.

use std::collections::BTreeMap;

use crashrate_model::{Ended, Exit, Measure, Outcome, OutcomeSet};

use super::missed::MissedTally;
use super::texts::{NoteTally, ReasonTally};
use super::values::{MeasureTally, spread};
use crate::view::{Bounds, Cell, Exposure, Outcomes, Reason, Results, RoundOrder, Share};

/// The end of a unit or chapter in one attempt.
pub(super) struct End<'a> {
    pub(super) outcome: Outcome,
    pub(super) secs: Option<f64>,
    pub(super) reason: Option<&'a str>,
    pub(super) measures: &'a [Measure],
}

#[derive(Clone, Debug, Default)]
pub(super) struct RowTally {
    cells: Vec<Cell>,
    run_again: Outcomes,
    signals: BTreeMap<String, u32>,
    secs: Vec<f64>,
    bad_secs: f64,
    bad_timed: u32,
    measures: MeasureTally,
    missed: MissedTally,
    reasons: ReasonTally,
    notes: NoteTally,
}

impl RowTally {
    pub(super) fn has_counted_first(&self, round: u32) -> bool {
        let cell = self.cells.get(round as usize - 1);
        cell.and_then(|cell| cell.first)
            .is_some_and(Outcome::counts)
    }

    /// The number of the round's last attempt that counts; 0 if none does.
    pub(super) fn measured_attempts(&self, round: u32) -> u32 {
        let cell = self.cells.get(round as usize - 1);
        cell.map_or(0, |cell| cell.attempts)
    }

    /// Records the round's first attempt. An earlier one moves to `run_again`.
    pub(super) fn put_first(&mut self, round: u32, outcome: Outcome) {
        let cell = self.cell(round);
        let before = cell.first.replace(outcome);
        cell.vanished |= matches!(outcome, Outcome::Lost | Outcome::Interrupted);
        if let Some(before) = before {
            self.run_again.add(before, 1);
        }
        self.put_retry(round, 1, outcome);
    }

    /// Records an attempt; it becomes the round's last one if it counts.
    pub(super) fn put_retry(&mut self, round: u32, attempt: u32, outcome: Outcome) {
        let cell = self.cell(round);
        if outcome.counts() {
            cell.last = Some(outcome);
            cell.attempts = attempt;
        }
    }

    /// Adds an attempt's duration, values and signal.
    pub(super) fn measure(&mut self, end: &End<'_>, ended: &Ended, is_bad: bool) {
        if !end.outcome.counts() {
            return;
        }
        let secs = end.secs.filter(|secs| secs.is_finite() && *secs >= 0.0);
        self.secs.extend(secs);
        if is_bad && let Some(secs) = secs {
            self.bad_secs += secs;
            self.bad_timed += 1;
        }
        for measure in end.measures {
            self.measures.add(measure);
        }
        // Only signals that crashrate did not send count; the kernel's do.
        if let (Outcome::Crashed | Outcome::OutOfMemory, Some(Exit::Signal(name))) =
            (end.outcome, &ended.exit)
        {
            *self.signals.entry(name.clone()).or_default() += 1;
        }
    }

    /// Adds the reason why an attempt did not pass.
    pub(super) fn explain(&mut self, end: &End<'_>, ended: &Ended) {
        if matches!(end.outcome, Outcome::Passed | Outcome::Unreached) {
            return;
        }
        let text = match (end.reason, end.outcome, &ended.exit) {
            (Some(reason), _, _) => reason.to_owned(),
            // If crashrate killed the process, its exit explains nothing.
            (None, Outcome::TimedOut, _) => "killed after its time limit".to_owned(),
            (None, Outcome::Failed | Outcome::Crashed | Outcome::OutOfMemory, Some(exit)) => {
                exit.to_string()
            }
            (None, _, _) => return,
        };
        if end.outcome == Outcome::Failed {
            self.missed.add(&text);
        }
        self.reasons.add(Reason {
            outcome: end.outcome,
            text,
            count: 1,
            round: Some(ended.round),
            output: ended.output.clone(),
            tail: Vec::new(),
        });
    }

    pub(super) fn note(&mut self, notes: &[String]) {
        for note in notes {
            self.notes.add(note);
        }
    }

    pub(super) fn counted_rounds(&self) -> usize {
        let counts = |cell: &&Cell| cell.first.is_some_and(Outcome::counts);
        self.cells.iter().filter(counts).count()
    }

    /// Rounds that did not pass and still have retries.
    pub(super) fn unsettled(&self, retries: u32) -> u32 {
        let unsettled = |cell: &&Cell| {
            cell.last.is_some_and(|last| last != Outcome::Passed) && cell.attempts <= retries
        };
        self.cells.iter().filter(unsettled).count() as u32
    }

    /// The results so far. If the order of rounds is unknown, reasons have no round number.
    pub(super) fn results(&self, planned: u32, bad: &OutcomeSet, order: RoundOrder) -> Results {
        let (mut reasons, reasons_left_out) = self.reasons.sorted();
        if !order.is_known() {
            reasons.iter_mut().for_each(|reason| reason.round = None);
        }
        let (notes, notes_left_out) = self.notes.sorted();
        let (measures, measures_left_out) = self.measures.stats();
        let (missed, missed_left_out) = self.missed.sums();
        let mut results = Results {
            planned,
            order,
            outcomes: self.run_again,
            run_again: self.run_again,
            signals: self.signals.clone(),
            secs: spread(self.secs.clone()),
            exposure: Exposure {
                secs: self.secs.iter().sum(),
                n: u32::try_from(self.secs.len()).unwrap_or(u32::MAX),
                bad_secs: self.bad_secs,
                bad: self.bad_timed,
            },
            bounds: self.bounds(bad),
            measures,
            measures_left_out,
            missed,
            missed_left_out,
            reasons,
            reasons_left_out,
            notes,
            notes_left_out,
            cells: self.cells.clone(),
            ..Results::default()
        };
        for (round, cell) in (1..).zip(&self.cells) {
            add_cell(&mut results, round, cell, bad);
        }
        results
    }

    fn bounds(&self, bad: &OutcomeSet) -> Option<Bounds> {
        let missing = self.cells.iter().filter(|cell| cell.is_missing()).count() as u32;
        let known = self.cells.iter().filter(|cell| !cell.is_missing());
        let mut share = Share::default();
        for first in known.filter_map(|cell| cell.first).filter(|o| o.counts()) {
            share.add(Share {
                bad: bad.contains(first).into(),
                n: 1,
            });
        }
        let with = |bad| Share {
            bad: share.bad + bad,
            n: share.n + missing,
        };
        (missing > 0).then(|| Bounds {
            missing,
            best: with(0),
            worst: with(missing),
        })
    }

    fn cell(&mut self, round: u32) -> &mut Cell {
        let place = round as usize - 1;
        if place >= self.cells.len() {
            self.cells.resize(place + 1, Cell::default());
        }
        &mut self.cells[place]
    }
}

fn add_cell(results: &mut Results, round: u32, cell: &Cell, bad: &OutcomeSet) {
    if let Some(first) = cell.first {
        results.rounds += 1;
        results.ended += u32::from(first.is_measured());
        results.outcomes.add(first, 1);
        if first.counts() {
            results.first_attempt.n += 1;
            results.first_attempt.bad += u32::from(bad.contains(first));
        }
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
