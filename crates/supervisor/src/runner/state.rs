//! The main loop: an event changes the schedule, and the schedule starts attempts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crashrate_model::{
    Closed, Ended, EvidenceMode, Hello, JOURNAL_VERSION, Opened, Outcome, Record, RunInfo, Started,
    StopReason,
};

use super::campaign::{Campaign, Observer, RunError, RunEvent, RunningAttempt};
use super::clock::{now, rounded};
use super::event::{Event, Flow};
use super::evidence_rounds::EvidenceRounds;
use super::journal::RunJournal;
use super::perturbing::Perturbing;
use super::probes::Probes;
use super::resume::Resume;
use crate::decide::Decider;
use crate::plan::{Pending, RoundKey, SpecBuilder};
use crate::process::{Assignment, Slots};
use crate::program::Programs;
use crate::schedule::{Action, End, Input, Running, Schedule};
use crate::search::SharedSearch;
use crate::signals::StopSignal;

/// The reason on record for an attempt whose supervisor died.
const LOST: &str =
    "its end is not on record: crashrate or its machine died, or the journal could not be written";

/// The state of a run.
pub(super) struct Runner<'a> {
    pub(super) specs: SpecBuilder<'a>,
    schedule: Schedule<Box<dyn Iterator<Item = Pending> + Send + 'a>>,
    pub(super) slots: Slots,
    /// By slot: whether it has work.
    pub(super) is_busy: Vec<bool>,
    /// By slot: its attempt.
    pub(super) current: Vec<Option<RunningAttempt>>,
    pub(super) programs: &'a Programs,
    pub(super) probes: Arc<Probes>,
    /// The devices that nothing is started on, by index.
    pub(super) failed: Vec<u32>,
    journal: RunJournal,
    decider: Decider,
    /// What the stopping rule has asked for, also after the rounds of earlier supervisors.
    decided: Vec<Input>,
    /// Traced rounds after the counted ones; no rate counts them. `None` if none are made.
    pub(super) evidence_rounds: Option<EvidenceRounds>,
    /// Attempts that an earlier supervisor started and did not see end.
    lost: Vec<(RoundKey, u32)>,
    /// How the counted rounds are watched.
    watch: EvidenceMode,
    /// What perturbed attempts need to know of earlier ones.
    pub(super) perturbing: Perturbing,
    /// The different answers of children about what they run on. Each is on record once.
    pub(super) hellos: Vec<Hello>,
    /// By unit: how its first attempt was watched. Attempts watched otherwise are not pooled with
    /// it.
    pub(super) first_watch: Vec<Option<EvidenceMode>>,
    /// Why the counted rounds ended, while evidence rounds follow them.
    pub(super) counted: Option<StopReason>,
    /// The first signal that stopped the run.
    pub(super) stop_signal: Option<StopSignal>,
    /// Why the run ends early.
    pub(super) trouble: Option<(StopReason, String)>,
    started: Instant,
    pub(super) observer: &'a mut Observer<'a>,
}

impl<'a> Runner<'a> {
    pub(super) fn new(
        campaign: &Campaign,
        specs: SpecBuilder<'a>,
        mut resume: Resume,
        slots: Slots,
        (programs, probes): (&'a Programs, Arc<Probes>),
        journal: RunJournal,
        observer: &'a mut Observer<'a>,
    ) -> Self {
        let plan = specs.plan;
        let set = &campaign.devices;
        let begun = resume.progress.begun_on(&set.devices);
        let lost = resume.progress.open().to_vec();
        let left: Box<dyn Iterator<Item = Pending> + Send> = match resume.decider.search() {
            Some(search) => Box::new(search),
            None => Box::new(resume.progress.left(plan.rounds())),
        };
        Runner {
            schedule: Schedule::new(left, campaign.bounds, plan.retries()).on_devices(
                set.count(),
                begun,
                &set.missing,
            ),
            is_busy: vec![false; slots.count()],
            current: vec![None; slots.count()],
            first_watch: vec![None; specs.plan.units.len()],
            specs,
            slots,
            programs,
            probes,
            failed: set.missing.clone(),
            journal,
            decider: resume.decider,
            decided: resume.decided,
            evidence_rounds: resume.evidence_rounds,
            lost,
            watch: campaign.watching.mode,
            perturbing: resume.perturbing,
            hellos: Vec::new(),
            counted: None,
            stop_signal: None,
            trouble: None,
            started: Instant::now(),
            observer,
        }
    }

    /// Applies an event and the transitions it triggers.
    pub(super) fn handle(&mut self, event: Event) -> Result<Flow, RunError> {
        // Recording an attempt may make the stopping rule end the run. That comes before the end of
        // the attempt frees its slot, so that nothing is started in between.
        let mut inputs = VecDeque::new();
        match event {
            Event::Begin(run) => self.begin(*run, &mut inputs)?,
            Event::Note(key, note) => self.noted(key, &note),
            Event::Status => self.tell_status(),
            Event::ProgramChecked(running, replaced) => {
                self.program_checked(running, replaced, &mut inputs)?;
            }
            Event::Probed(running, end, why) => self.probed(running, end, why, &mut inputs)?,
            Event::Built(running, end) => self.built(running, end, &mut inputs)?,
            Event::Ended(ended) => self.attempt_ended(*ended, &mut inputs)?,
            Event::EvidenceEnded(running, round) => {
                self.evidence_ended(running, round, &mut inputs)?;
            }
            Event::SlotPanicked { slot, message } => {
                return Err(RunError::SlotPanicked { slot, message });
            }
            Event::Stop(signal) => self.stop(signal, &mut inputs)?,
            Event::Kill(signal) => self.kill(signal, &mut inputs),
            Event::OutOfTime => self.out_of_time(&mut inputs)?,
            Event::SyncDue => {
                let journal = self.journal.unsynced()?;
                return Ok(journal.map_or(Flow::Continue, |(file, path)| Flow::Sync(file, path)));
            }
            Event::SyncFailed(error) => return Err(error.into()),
        }
        loop {
            while let Some(input) = inputs.pop_front() {
                for action in self.schedule.step(input) {
                    match action {
                        Action::Start(running) => self.start(running, &mut inputs)?,
                        Action::Abandon { pending, device } => {
                            self.abandon(pending, device, &mut inputs)?;
                        }
                        Action::KillAll => self.slots.kill_all(),
                        Action::Finish(why) if self.wants_evidence(why) => {
                            self.end_counted_rounds(why)
                        }
                        Action::Finish(why) => return self.close(why),
                    }
                }
            }
            // Writes nothing if the start of an attempt has written it already.
            self.write(&mut inputs)?;
            if inputs.is_empty() {
                break;
            }
        }
        let Some(why) = self.counted else {
            return Ok(Flow::Continue);
        };
        self.fill_with_evidence_rounds();
        if self.is_busy.contains(&true) {
            return Ok(Flow::Continue);
        }
        self.close(why)
    }

    fn begin(&mut self, run: RunInfo, inputs: &mut VecDeque<Input>) -> Result<(), RunError> {
        inputs.extend(self.decided.iter().copied());
        for (key, attempt) in std::mem::take(&mut self.lost) {
            let ended = Ended {
                reason: Some(LOST.into()),
                ..Ended::of(key.unit, key.round, attempt, Outcome::Lost)
            };
            self.record(Record::Ended(Box::new(ended)), inputs)?;
        }
        if self.search().is_some() {
            // A search decides again when it is opened: a build that failed may work now.
            inputs.clear();
            self.decided.clear();
        }
        let opened = Opened {
            v: JOURNAL_VERSION,
            time: now(),
            run,
        };
        self.record(Record::Opened(Box::new(opened)), inputs)?;
        self.write(inputs)?;
        inputs.push_back(Input::Begin);
        Ok(())
    }

    /// Kills what runs and ends the slots' threads.
    pub(super) fn close_slots(&mut self) {
        self.slots.close();
    }

    fn start(&mut self, running: Running, inputs: &mut VecDeque<Input>) -> Result<(), RunError> {
        self.is_busy[running.slot as usize] = true;
        if let Some(source) = self.programs.builds().missing(running.key.unit) {
            (self.observer)(RunEvent::Building(running.key.unit, source));
            // Building takes long: the slot's thread does it, without the lock.
            self.slots.build(running);
            return Ok(());
        }
        if self.programs.is_touched(running.key.unit) {
            // Hashing takes long: the slot's thread does it, without the lock.
            self.slots.check_program(running);
            return Ok(());
        }
        self.start_checked(running, inputs)
    }

    /// The program was hashed: starts the attempt, or ends the run if the program was replaced.
    fn program_checked(
        &mut self,
        running: Running,
        replaced: Option<String>,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), RunError> {
        let slot = running.slot;
        if self.counted.is_some() {
            if replaced.is_some() {
                self.evidence_rounds = None;
            }
            // The user may have asked to stop since the round was chosen.
            if self.evidence_rounds.is_some() {
                self.start_evidence_round(running);
            } else {
                self.is_busy[slot as usize] = false;
            }
            return Ok(());
        }
        let Some(replaced) = replaced else {
            return self.start_checked(running, inputs);
        };
        self.is_busy[slot as usize] = false;
        self.give_up(StopReason::ProgramReplaced, replaced);
        inputs.push_back(Input::Stop(StopReason::ProgramReplaced));
        inputs.push_back(Input::Ended {
            slot,
            end: End::Void,
        });
        Ok(())
    }

    pub(super) fn start_checked(
        &mut self,
        running: Running,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), RunError> {
        let Running { slot, key, attempt } = running;
        let unit = self.unit_name(key.unit);
        if attempt > 1 {
            tracing::info!(unit, round = key.round, attempt, "retrying");
        } else {
            tracing::debug!(unit, round = key.round, slot, "starting");
        }
        // Written before the start: if the supervisor dies in between, the attempt is lost, never
        // unknown.
        let started = Started {
            unit: key.unit,
            round: key.round,
            attempt,
            at: self.elapsed(),
            opened: None,
        };
        self.record(Record::Started(started), inputs)?;
        self.write(inputs)?;
        let mut spec = match self.decider.part(key) {
            Some(part) => self.specs.of_part(key, &part, slot),
            None => self.specs.attempt(key, attempt, slot),
        };
        spec.program = self.programs.path(key.unit);
        spec.watch = self.watch;
        if let Some(perturb) = &mut spec.perturb {
            spec.watch = EvidenceMode::Trace;
            self.perturbing.complete(key.unit, perturb);
        }
        let evidence_rounds = self.evidence_rounds.as_ref();
        spec.asks_for_children =
            evidence_rounds.is_some_and(|rounds| rounds.asks_for_children(key.unit));
        self.attempt_begins(running, false);
        self.slots.run(Assignment::new(running, spec));
        Ok(())
    }

    /// Takes a record for the journal and shows it to the stopping rule, whose requests go to
    /// `inputs`. [`Runner::write`] writes it.
    pub(super) fn record(
        &mut self,
        record: Record,
        inputs: &mut VecDeque<Input>,
    ) -> Result<(), RunError> {
        self.journal.push(&record)?;
        if let Some(rounds) = &mut self.evidence_rounds {
            rounds.push(&record);
        }
        // The rule decides again with each attempt that was already running.
        if let Some(decided) = self.decider.push(&record)
            && !self.decided.contains(&decided)
        {
            tracing::info!(input = ?decided, "the stopping rule decided");
            self.decided.push(decided);
            inputs.push_back(decided);
        }
        (self.observer)(RunEvent::Record(&record));
        if let (Record::Ended(_) | Record::Built(_), Some(search)) =
            (&record, self.decider.search())
        {
            (self.observer)(RunEvent::Search(&search.status()));
        }
        Ok(())
    }

    /// Writes the end of an attempt and the start of the next one in its slot in one piece. A full
    /// disk ends the run in good order, in the space that was held back.
    fn write(&mut self, inputs: &mut VecDeque<Input>) -> Result<(), RunError> {
        if let Some(reason) = self.journal.write()? {
            self.give_up(StopReason::JournalFailed, reason);
            self.kill_all(inputs);
        }
        Ok(())
    }

    fn close(&mut self, why: StopReason) -> Result<Flow, RunError> {
        let (why, reason) = match self.trouble.take() {
            Some((why, reason)) => (why, Some(reason)),
            None if why == StopReason::Interrupted => {
                (why, self.stop_signal.map(|signal| signal.name().to_owned()))
            }
            None => (why, None),
        };
        let closed = Closed {
            time: now(),
            at: self.elapsed(),
            why,
            reason,
        };
        tracing::info!(?why, "run ended");
        if let Some(search) = self.decider.search() {
            self.record(search.found(self.elapsed()), &mut VecDeque::new())?;
        }
        // Nothing follows the last record, whatever the stopping rule makes of it.
        let mut inputs = VecDeque::new();
        self.record(Record::Closed(closed), &mut inputs)?;
        self.write(&mut inputs)?;
        self.journal.close()?;
        Ok(Flow::Ended(why))
    }

    /// The search that chooses the rounds.
    pub(super) fn search(&self) -> Option<SharedSearch> {
        self.decider.search()
    }

    pub(super) fn unit_name(&self, unit: u32) -> &'a str {
        &self.specs.plan.units[unit as usize].name
    }

    /// Seconds since the run began, as on record.
    pub(super) fn elapsed(&self) -> f64 {
        rounded(self.started.elapsed().as_secs_f64())
    }
}
