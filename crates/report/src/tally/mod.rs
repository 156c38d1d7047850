//! Makes the view from the journal's records, in one pass.
//!
//! Per round, memory holds only eight-byte cells (of units and of chapters in sequences), durations
//! and measured values. Medians need all of the latter two.

mod advice;
mod baseline;
mod begun;
mod bisection;
mod crashes;
mod devices;
mod distinct;
mod judge;
mod machines;
mod order;
mod provocation;
mod rate_tests;
mod row;
mod run;
mod running;
mod search;
mod unit;
mod watched;

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use crashrate_model::{
    Ended, JOURNAL_VERSION, Mode, Opened, Outcome, OutcomeSet, Record, StopReason,
};

use crate::error::{ReportError, ViewError};
use crate::view::{AttemptPlace, Derived, RoundOrder, RunState, Totals, View};
use devices::DeviceTally;
use run::{Measured, RunTally, repeats_rounds};
use running::Start;
use search::SearchTally;
use unit::UnitTally;
use watched::Watched;

/// Builds the view from the records of one journal, taken in order.
///
/// ```
/// use crashrate_report::{ReportError, RunState, ViewBuilder};
/// // A journal without records is no run.
/// let error = ViewBuilder::new().finish(RunState::Ended).unwrap_err();
/// assert_eq!(error.fault, ReportError::NotOpened);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ViewBuilder {
    records: u64,
    run: Option<RunTally>,
    units: Vec<UnitTally>,
    /// Attempts that were executed because their fork failed, by unit. They are counted separately.
    spawn_fallback: BTreeMap<u32, UnitTally>,
    watched: Watched,
    devices: DeviceTally,
    /// The search of a run that has one.
    search: Option<SearchTally>,
    /// Attempts that have started and not ended.
    open: BTreeMap<AttemptPlace, Start>,
    /// Present only if requested.
    attempts: Option<Vec<AttemptPlace>>,
}

impl ViewBuilder {
    /// An empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder that also keeps each attempt's place in the journal.
    pub fn with_attempts() -> Self {
        ViewBuilder {
            attempts: Some(Vec::new()),
            ..Self::default()
        }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// The record contradicts an earlier one: see [`ReportError`]. The builder must not be used
    /// afterwards.
    pub fn push(&mut self, record: &Record) -> Result<(), ViewError> {
        self.push_from(record, self.records)
    }

    /// The same with the record's place in the journal, for formats that read it again;
    /// [`Self::push`] counts records instead.
    ///
    /// # Errors
    /// As for [`Self::push`].
    pub fn push_from(&mut self, record: &Record, place: u64) -> Result<(), ViewError> {
        self.records += 1;
        self.take(record, place).map_err(|fault| self.error(fault))
    }

    /// Makes the view. An attempt without an end is running if the run is, and lost if the run has
    /// ended.
    ///
    /// # Errors
    /// There was no `opened` record.
    pub fn finish(mut self, state: RunState) -> Result<View, ViewError> {
        let state = self.state(state);
        self.settle(state).map_err(|fault| self.error(fault))?;
        let run = (self.run.as_ref()).ok_or_else(|| self.error(ReportError::NotOpened))?;
        let mut facts = run.facts(state, self.measured());
        let command = facts.machine.remove("command");
        let repeat = command.as_deref().filter(|line| repeats_rounds(line));
        let (mut chapters, mut sequences) = (Vec::new(), Vec::new());
        let (mut totals, mut crashes) = (Totals::default(), Vec::new());
        let search = self.search.as_ref();
        for (place, (unit, planned)) in (0..).zip(self.planned()) {
            let mut results = unit.results(&facts, planned);
            if let Some(search) = search {
                // Its rounds run parts of the sequence, and its command would search again.
                totals = search.totals(&run.info);
                results.first_attempt = search.share(place, &run.info);
                (unit.crashes).put(&unit.unit, &results, None, &mut crashes);
                continue;
            }
            totals.add(&results);
            (unit.crashes).put(&unit.unit, &results, repeat, &mut crashes);
            match unit.unit.mode {
                Mode::Isolated => chapters.push(unit.isolated_row(results)),
                Mode::Sequential => {
                    chapters.extend(unit.chapter_rows(&facts));
                    sequences.push(unit.sequence_row(results));
                }
            }
        }
        order::test(&mut chapters, &mut sequences, &facts.bad);
        let mut view = View {
            name: facts.number.to_string(),
            run: facts,
            chapters,
            sequences,
            totals,
            devices: self.devices.rows(&run.info),
            device_tests: Vec::new(),
            disturbances: self.devices.disturbances(),
            derived: Derived::default(),
            recommendations: Vec::new(),
            running: running::attempts(&self.open, &self.units),
            pace: run.pace(),
            units: run.info.units.clone(),
            pairs: self.watched.pairs(),
            gates: self.watched.gates(),
            baseline: self.baseline(run)?,
            attempts: self.attempts.unwrap_or_default(),
            details: Vec::new(),
            machines: None,
            zoom: None,
            search: search.and_then(SearchTally::search),
            bisection: search.and_then(SearchTally::bisection),
            provocation: search.and_then(SearchTally::provocation),
            crashes: crashes::sorted(crashes),
            command,
        };
        judge::judge(&mut view, &run.info);
        Ok(view)
    }

    /// Ends what runs no more, and gives the verdicts of a merged run.
    fn settle(&mut self, state: RunState) -> Result<(), ReportError> {
        if !state.is_running() {
            self.lose_open()?;
        }
        self.watched.settle(state, running::oldest(&self.open));
        Ok(())
    }

    /// A closed journal has no running attempts, even if its lock was held a moment ago.
    fn state(&self, state: RunState) -> RunState {
        match self.run.as_ref().is_some_and(|run| run.closed.is_some()) {
            true => RunState::Ended,
            false => state,
        }
    }

    fn baseline(&self, run: &RunTally) -> Result<Option<Box<View>>, ViewError> {
        let baseline = run
            .info
            .baseline
            .as_deref()
            .map(baseline::view_of)
            .transpose();
        Ok(baseline.map_err(|fault| self.error(fault))?.map(Box::new))
    }

    fn measured(&self) -> Measured {
        if let (Some(search), Some(run)) = (&self.search, &self.run) {
            let is_done = (run.closed.as_ref()).is_some_and(|end| end.why == StopReason::Done);
            return match search.has_rounds() {
                true if is_done => Measured::All,
                true => Measured::Some,
                false => Measured::TooFew,
            };
        }
        let units = (0u32..).zip(&self.units);
        let measured = units.map(|(place, unit)| unit.measured(self.spawn_fallback.get(&place)));
        measured.min().unwrap_or(Measured::All)
    }

    /// The units and then the fallbacks, each with its planned rounds.
    fn planned(&self) -> impl Iterator<Item = (&UnitTally, u32)> {
        let units = (0u32..).zip(&self.units).map(|(place, unit)| {
            let elsewhere = self.spawn_fallback.get(&place);
            (unit, unit.planned(elsewhere))
        });
        let others = self.spawn_fallback.values();
        units.chain(others.map(|other| (other, other.whole.measured_rounds())))
    }

    fn take(&mut self, record: &Record, place: u64) -> Result<(), ReportError> {
        if let Record::Opened(opened) = record {
            return self.opened(opened, place);
        }
        let run = self.run.as_mut().ok_or(ReportError::NotOpened)?;
        match record {
            Record::Opened(_) => {}
            Record::Hello(hello) => run.hello(hello),
            Record::Closed(closed) => run.close(closed),
            Record::Zygote(end) => run.zygote_ended(end),
            Record::Built(built) => {
                run.built(built);
                if let Some(search) = &mut self.search {
                    search.built(built);
                }
            }
            Record::DeviceFailed(failure) => run.device_failed(failure),
            Record::Ending(ending) => run.ending(ending),
            Record::Minimized(_) | Record::Bisected(_) | Record::Provoked(_) => {
                let search = self.search.as_mut().ok_or(ReportError::NoSearch)?;
                run.at(search.found(record));
            }
            Record::Evidence(round) => {
                run.at(round.at);
                let attempt = AttemptPlace::without_end(round.unit, round.round, 1);
                self.unit(attempt)?.crashes.add_evidence(round);
            }
            Record::Started(started) => {
                run.at(started.at);
                let (unit, round) = (started.unit, started.round);
                let attempt = AttemptPlace::without_end(unit, round, started.attempt);
                let measured = self.unit(attempt)?.whole.measured_attempts(round);
                let other = self.spawn_fallback.get(&unit);
                let other = other.map_or(0, |other| other.whole.measured_attempts(round));
                let is_measured = attempt.attempt <= measured.max(other);
                let start = Start {
                    at: started.at,
                    begun: self.watched.begun(started),
                };
                if is_measured || self.open.insert(attempt, start).is_some() {
                    return Err(ReportError::StartedTwice(self.describe(attempt)));
                }
            }
            Record::Ended(ended) => {
                run.at(ended.at);
                run.ended += u32::from(ended.attempt == 1);
                self.ended(record, ended, place)?;
            }
        }
        Ok(())
    }

    /// Takes the end of an attempt.
    fn ended(&mut self, record: &Record, ended: &Ended, place: u64) -> Result<(), ReportError> {
        let attempt = AttemptPlace::without_end(ended.unit, ended.round, ended.attempt);
        self.unit(attempt)?;
        let Some(Start { begun, .. }) = self.open.remove(&attempt) else {
            return Err(ReportError::NotRunning(self.describe(attempt)));
        };
        let run = self.run.as_ref().ok_or(ReportError::NotOpened)?;
        let attempt = AttemptPlace {
            end: NonZeroU64::new(place),
            ..attempt
        };
        self.attempts.iter_mut().for_each(|kept| kept.push(attempt));
        if let Some(search) = &mut self.search {
            search.end(ended);
            self.units[ended.unit as usize].crashes.add(ended);
            return Ok(());
        }
        let unit = tally(&mut self.units, &mut self.spawn_fallback, ended);
        unit.end(ended, &run.info.bad)?;
        self.devices.end(ended, &run.info);
        self.watch(record, begun);
        Ok(())
    }

    fn opened(&mut self, opened: &Opened, place: u64) -> Result<(), ReportError> {
        if opened.v != JOURNAL_VERSION {
            return Err(ReportError::Version(opened.v));
        }
        match &mut self.run {
            None => {
                let imported = opened.run.imported.as_ref();
                let order = |place| match imported.is_some_and(|i| i.order_unknown.contains(&place))
                {
                    true => RoundOrder::Unknown,
                    false => RoundOrder::Known,
                };
                self.units = (0u32..)
                    .zip(&opened.run.units)
                    .map(|(place, unit)| {
                        let planned = opened.run.planned_rounds(unit);
                        UnitTally::new(unit.clone(), planned, order(place))
                    })
                    .collect();
                self.watched = Watched::new(&opened.run);
                self.search = SearchTally::of(&opened.run);
                self.run = Some(RunTally::new(opened, place));
                Ok(())
            }
            Some(run) => {
                run.reopen(opened, place)?;
                // Attempts of the previous supervisor died with it.
                self.lose_open()?;
                self.watch(&Record::Opened(Box::new(opened.clone())), 0.0);
                Ok(())
            }
        }
    }

    /// Counts the attempts as lost that have started and not ended.
    fn lose_open(&mut self) -> Result<(), ReportError> {
        for (attempt, start) in std::mem::take(&mut self.open) {
            let lost = Ended::of(attempt.unit, attempt.round, attempt.attempt, Outcome::Lost);
            self.attempts.iter_mut().for_each(|kept| kept.push(attempt));
            if let Some(search) = &mut self.search {
                search.end(&lost);
                continue;
            }
            self.unit(attempt)?.end(&lost, &OutcomeSet::default())?;
            self.watch(&Record::Ended(Box::new(lost)), start.begun);
        }
        Ok(())
    }

    /// Passes the record to the run's stopping rule; `begun` is when an attempt that ended was begun.
    fn watch(&mut self, record: &Record, begun: f64) {
        if let Some(run) = &self.run {
            self.watched.push(record, &run.info, begun);
        }
    }

    /// The unit of an attempt, after checking the attempt's numbers.
    fn unit(&mut self, attempt: AttemptPlace) -> Result<&mut UnitTally, ReportError> {
        let units = self.units.len();
        let unit = self.units.get_mut(attempt.unit as usize);
        let unit = unit.ok_or(ReportError::UnknownUnit {
            unit: attempt.unit,
            units,
        })?;
        unit.check(attempt.round, attempt.attempt)?;
        Ok(unit)
    }

    /// An attempt in words.
    fn describe(&self, at: AttemptPlace) -> String {
        let unit = self.units.get(at.unit as usize);
        let name = unit.map_or("", |unit| &unit.unit.name);
        format!("round {}, attempt {} of `{name}`", at.round, at.attempt)
    }

    fn error(&self, fault: ReportError) -> ViewError {
        ViewError {
            record: self.records,
            fault,
        }
    }
}

/// The tally of an attempt: its unit's, or the fallback's if it or its round's first attempt was
/// spawned or watched differently.
fn tally<'a>(
    units: &'a mut [UnitTally],
    others: &'a mut BTreeMap<u32, UnitTally>,
    ended: &Ended,
) -> &'a mut UnitTally {
    let unit = &mut units[ended.unit as usize];
    let other = others.get(&ended.unit);
    let is_fallback = match ended.attempt {
        1 => ended.is_apart(),
        _ => other.is_some_and(|other| other.whole.has_measured_first(ended.round)),
    };
    match is_fallback {
        false => unit,
        true => others
            .entry(ended.unit)
            .or_insert_with(|| unit.new_fallback()),
    }
}
