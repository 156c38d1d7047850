//! Tallies one unit: which attempts count as a round's first, and their results for the unit and
//! its chapters.

use std::collections::BTreeMap;
use std::iter::once;

use crashrate_model::{DiedIn, Ended, Mode, Outcome, OutcomeSet, Spawn, Unit, executed_variant};

use super::crashes::CrashTally;
use super::row::RowTally;
use super::run::Measured;
use crate::error::ReportError;
use crate::view::{
    ChapterRow, DiedInCounts, End, Results, RoundOrder, RunFacts, SequenceRow, Totals, is_bad_end,
};

#[derive(Clone, Debug)]
pub(super) struct UnitTally {
    pub(super) unit: Unit,
    /// How many of its rounds the run has to run.
    planned: u32,
    /// Whether the order of its rounds is known.
    order: RoundOrder,
    /// The whole unit; in isolated mode, its one chapter.
    pub(super) whole: RowTally,
    /// The chapters of a sequence.
    chapters: Vec<RowTally>,
    /// Deaths, also of chapters that had none.
    died_in: DiedInCounts,
    /// The order of the chapters in rounds that did not have the sequence's.
    orders: BTreeMap<u32, Vec<u32>>,
    pub(super) crashes: CrashTally,
}

impl UnitTally {
    pub(super) fn new(unit: Unit, planned: u32, order: RoundOrder) -> Self {
        let chapters = match unit.mode {
            Mode::Isolated => &[],
            Mode::Sequential => unit.chapters.as_slice(),
        };
        UnitTally {
            planned,
            order,
            whole: RowTally::default(),
            chapters: vec![RowTally::default(); chapters.len()],
            died_in: DiedInCounts {
                chapters: chapters.iter().map(|id| (id.clone(), 0)).collect(),
                ..DiedInCounts::default()
            },
            orders: BTreeMap::new(),
            crashes: CrashTally::default(),
            unit,
        }
    }

    pub(super) fn check(&self, round: u32, attempt: u32) -> Result<(), ReportError> {
        if round == 0 || round > self.unit.rounds {
            return Err(ReportError::UnknownRound {
                unit: self.unit.name.clone(),
                round,
                planned: self.unit.rounds,
            });
        }
        if attempt == 0 {
            return Err(ReportError::AttemptZero(self.unit.name.clone()));
        }
        Ok(())
    }

    /// Adds an attempt that ended.
    pub(super) fn end(&mut self, ended: &Ended, bad: &OutcomeSet) -> Result<(), ReportError> {
        self.check_chapters(ended)?;
        self.whole.results.attempts += 1;
        self.whole.note(&ended.notes);
        if ended.attempt > 1 {
            self.retry(ended);
        } else {
            self.first(ended, bad);
        }
        Ok(())
    }

    /// Checks the ends of an attempt's chapters.
    fn check_chapters(&self, ended: &Ended) -> Result<(), ReportError> {
        let (found, planned) = (ended.chapters.len(), self.chapters.len());
        // A lost attempt has no chapter results.
        if found != planned && (found > 0 || ended.outcome.counts()) {
            return Err(ReportError::ChapterCount {
                unit: self.unit.name.clone(),
                found,
                planned,
            });
        }
        match &ended.died_in {
            None if ended.outcome.is_death() && self.unit.mode == Mode::Sequential => {
                Err(ReportError::NoDiedIn(self.unit.name.clone()))
            }
            Some(DiedIn::Chapter(id)) if !self.unit.chapters.contains(id) => {
                Err(ReportError::UnknownChapter {
                    unit: self.unit.name.clone(),
                    chapter: id.clone(),
                })
            }
            _ => Ok(()),
        }
    }

    fn first(&mut self, ended: &Ended, bad: &OutcomeSet) {
        // In a sequence the chapters give the reasons; the sequence adds only what no chapter
        // explains.
        let explained = ended.chapters.iter().any(|end| is_bad_end(end.outcome));
        let outside = matches!(ended.died_in, Some(DiedIn::Between | DiedIn::Exit));
        let explain = self.unit.mode == Mode::Isolated || !explained || outside;
        let whole = End::whole(ended);
        if !ended.outcome.counts() {
            for row in once(&mut self.whole).chain(&mut self.chapters) {
                row.put_first(ended, ended.outcome);
            }
            self.whole.explain(&whole);
            return;
        }
        self.whole.put_first(ended, ended.outcome);
        self.crashes.add(ended);
        self.whole.measure(&whole, bad.contains(whole.outcome));
        if explain {
            self.whole.explain(&whole);
        }
        for (row, end) in self.chapters.iter_mut().zip(&ended.chapters) {
            let end = End::chapter(ended, end);
            row.put_first(ended, end.outcome);
            row.measure(&end, bad.contains(end.outcome));
            row.explain(&end);
        }
        self.count_death(ended.died_in.as_ref());
        if !ended.order.is_empty() {
            let known = |index: &&u32| (**index as usize) < self.chapters.len();
            let order = ended.order.iter().filter(known).copied().collect();
            self.orders.insert(ended.round, order);
        }
    }

    fn retry(&mut self, ended: &Ended) {
        if ended.outcome == Outcome::Lost {
            self.whole.results.lost_retries += 1;
        }
        if !ended.outcome.is_measured() {
            return;
        }
        let (round, attempt) = (ended.round, ended.attempt);
        self.whole.put_retry(round, attempt, ended.outcome);
        for (row, end) in self.chapters.iter_mut().zip(&ended.chapters) {
            row.put_retry(round, attempt, end.outcome);
        }
    }

    fn count_death(&mut self, died_in: Option<&DiedIn>) {
        match died_in {
            None => {}
            Some(DiedIn::Between) => self.died_in.between += 1,
            Some(DiedIn::Exit) => self.died_in.exit += 1,
            Some(DiedIn::Chapter(id)) => {
                let mut chapters = self.died_in.chapters.iter_mut();
                if let Some((_, count)) = chapters.find(|(chapter, _)| chapter == id) {
                    *count += 1;
                }
            }
        }
    }

    /// An empty tally for attempts of this unit that were executed because their fork failed.
    pub(super) fn new_fallback(&self) -> UnitTally {
        let unit = Unit {
            variant: format!("{}+exec", executed_variant(&self.unit.variant)),
            spawn: Spawn::Exec,
            ..self.unit.clone()
        };
        UnitTally::new(unit, self.planned, self.order)
    }

    /// The number of planned rounds, without those counted in `spawn_fallback`.
    pub(super) fn planned(&self, spawn_fallback: Option<&UnitTally>) -> u32 {
        let elsewhere = spawn_fallback.map_or(0, |other| other.whole.measured_rounds());
        self.planned.saturating_sub(elsewhere)
    }

    /// How many of the planned rounds have a measured end, here or in `spawn_fallback`.
    pub(super) fn measured(&self, spawn_fallback: Option<&UnitTally>) -> Measured {
        match self.whole.measured_rounds() {
            n if n == self.planned(spawn_fallback) => Measured::All,
            0 => Measured::TooFew,
            _ => Measured::Some,
        }
    }

    pub(super) fn results(&self, run: &RunFacts, planned: u32) -> Results {
        Results {
            optional_stopping: run.optional_stopping(),
            unsettled: self.whole.unsettled(run.retries.unwrap_or(0)),
            ..self.whole.results(planned, &run.bad, self.order)
        }
    }

    /// The row of an isolated chapter.
    pub(super) fn isolated_row(&self, results: Results) -> ChapterRow {
        let unit = &self.unit;
        ChapterRow {
            chapter: unit.chapters.first().unwrap_or(&unit.name).clone(),
            mode: Mode::Isolated,
            sequence: None,
            position: None,
            variant: unit.variant.clone(),
            results,
        }
    }

    /// The rows of a sequence's chapters.
    pub(super) fn chapter_rows(&self, run: &RunFacts) -> impl Iterator<Item = ChapterRow> {
        let unit = &self.unit;
        let rows = (1..).zip(unit.chapters.iter().zip(&self.chapters));
        rows.map(|(position, (chapter, row))| ChapterRow {
            chapter: chapter.clone(),
            mode: Mode::Sequential,
            sequence: Some(unit.name.clone()),
            position: Some(position),
            variant: unit.variant.clone(),
            results: Results {
                optional_stopping: run.optional_stopping(),
                attempts: self.whole.results.attempts,
                ..row.results(self.planned, &run.bad, self.order)
            },
        })
    }

    pub(super) fn sequence_row(&self, results: Results) -> SequenceRow {
        let unit = &self.unit;
        let mut died_in = self.died_in.clone();
        died_in.chapters.retain(|(_, deaths)| *deaths > 0);
        SequenceRow {
            sequence: unit.name.clone(),
            variant: unit.variant.clone(),
            chapters: unit.chapters.clone(),
            orders: self.orders.clone(),
            died_in,
            results,
        }
    }
}

impl Totals {
    pub(super) fn add(&mut self, unit: &Results) {
        // The plan is read from a file; absurd numbers must not panic.
        self.planned = self.planned.saturating_add(unit.planned);
        self.rounds += unit.rounds;
        self.outcomes.add_all(&unit.outcomes);
        self.run_again.add_all(&unit.run_again);
        self.first_attempt.add(unit.first_attempt);
        self.after_retries.add(unit.after_retries);
        self.passed_after_retries += unit.passed_after_retries;
        self.flaky += unit.flaky_rounds.len() as u32;
        self.attempts += unit.attempts;
    }
}
