//! What follows from what: schedule, slots and journal joined. It alone owns the state of a run.

mod evidence;

use std::collections::VecDeque;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crashrate_model::{
    Closed, Ended, EvidenceMode, Hello, JOURNAL_VERSION, Opened, Outcome, Record, RunInfo, Started,
    StopReason, Usage, ZygoteEnd,
};

use super::clock::now;
use super::evidence_rounds::EvidenceRounds;
use super::{Observer, RunError, RunEvent};
use crate::crashes::Crashes;
use crate::decide::{Decider, inputs};
use crate::journal::{Journal, JournalError, Reserve, RunFolder};
use crate::outcome::{Seen, classify};
use crate::outputs::Outputs;
use crate::plan::{AttemptSpec, Pending, RoundKey, SpecBuilder};
use crate::process::{FromSlot, Observed, Slots};
use crate::program::Programs;
use crate::schedule::{Action, End, Input, Running, Schedule};

/// What is said of an attempt that has no end on record and that nobody runs any more.
const LOST: &str =
    "its end is not on record: crashrate or its machine died, or the journal could not be written";

/// A running attempt: what was asked for and where it stands in the plan.
#[derive(Clone)]
struct InSlot {
    running: Running,
    spec: Arc<AttemptSpec>,
    begun: SystemTime,
}

/// What is kept of a run, in its folder.
pub(super) struct RunArtifacts {
    journal: Journal,
    reserve: Reserve,
    outputs: Outputs,
    crashes: Crashes,
    /// How the rounds of this run that count are watched.
    watch: EvidenceMode,
}

impl RunArtifacts {
    pub(super) fn new(folder: &RunFolder, journal: Journal, watch: EvidenceMode) -> RunArtifacts {
        RunArtifacts {
            journal,
            reserve: Reserve::take(folder.path()),
            outputs: Outputs::new(folder.path()),
            crashes: Crashes::new(folder.path(), folder.id()),
            watch,
        }
    }
}

pub(super) struct Runner<'a, R, T> {
    recipe: SpecBuilder<'a>,
    schedule: Schedule<R, T>,
    specs: Vec<Option<InSlot>>,
    slots: Slots,
    programs: Programs,
    kept: RunArtifacts,
    /// What children said they run on; each different answer is on record once.
    hellos: Vec<Hello>,
    decider: Option<Decider>,
    /// The evidence rounds; nothing if none are made.
    evidence_rounds: Option<EvidenceRounds>,
    /// Why the counted rounds ended, once evidence rounds are made.
    counted: Option<StopReason>,
    /// How the first attempt of each unit was watched: what was watched differently is not pooled with it.
    first_watch: Vec<Option<EvidenceMode>>,
    /// What the schedule has not heard yet: what the stopping rule asks for, and what makes the run impossible.
    decided: Vec<Input>,
    /// Why the run cannot go on.
    trouble: Option<(StopReason, String)>,
    /// The journal took the records since then only because room was held back for them.
    failed: Option<JournalError>,
    /// Nothing is done any more.
    over: bool,
    /// How the run ended, until it is asked for.
    end: Option<Result<StopReason, RunError>>,
    begun: Instant,
    tell: &'a mut Observer<'a>,
}

impl<'a, R, T> Runner<'a, R, T>
where
    R: Iterator<Item = Pending>,
    T: Fn(u32) -> u32,
{
    pub(super) fn new(
        recipe: SpecBuilder<'a>,
        schedule: Schedule<R, T>,
        slots: Slots,
        programs: Programs,
        kept: RunArtifacts,
        tell: &'a mut Observer<'a>,
    ) -> Self {
        let recipe_units = recipe.plan.units.len();
        Runner {
            recipe,
            schedule,
            specs: vec![None; slots.count()],
            slots,
            programs,
            kept,
            hellos: Vec::new(),
            decider: None,
            evidence_rounds: None,
            counted: None,
            first_watch: vec![None; recipe_units],
            decided: Vec::new(),
            trouble: None,
            failed: None,
            over: false,
            end: None,
            begun: Instant::now(),
            tell,
        }
    }

    /// The stopping rule, which has seen the run until now, and what it said to that.
    pub(super) fn rule(&mut self, decider: Decider, decided: Vec<Input>) {
        self.decider = Some(decider);
        self.decided = decided;
    }

    /// Traced rounds that are in no rate follow the counted ones where they are needed.
    pub(super) fn make_evidence_rounds(&mut self, rounds: EvidenceRounds) {
        self.evidence_rounds = Some(rounds);
    }

    /// Opens the journal. Attempts that a supervisor before this one started and did not see the end of are lost.
    pub(super) fn open(&mut self, run: RunInfo, lost: &[(RoundKey, u32)]) -> Result<(), RunError> {
        for &(key, attempt) in lost {
            self.record(Record::Ended(Box::new(Ended {
                reason: Some(LOST.into()),
                ..Ended::of(key.unit, key.round, attempt, Outcome::Lost)
            })))?;
        }
        self.record(Record::Opened(Box::new(Opened {
            v: JOURNAL_VERSION,
            time: now(),
            run,
        })))?;
        self.write()
    }

    /// Begins: what can run at first is started.
    pub(super) fn begin(&mut self) {
        self.follow(|_| Ok(Some(Input::Begin)));
    }

    /// Takes news of a slot.
    pub(super) fn hear(&mut self, news: FromSlot) {
        self.follow(|driver| match news {
            FromSlot::Note(slot, note) => {
                if let Some(in_slot) = &driver.specs[slot as usize] {
                    (driver.tell)(RunEvent::Progress(in_slot.running.key, &note));
                }
                Ok(None)
            }
            FromSlot::Ended(slot, mut observed) => driver.ended(slot, &mut observed),
        });
    }

    /// Asked to stop: what runs may end.
    pub(super) fn stop(&mut self) {
        (self.tell)(RunEvent::Stopping);
        self.evidence_rounds = None;
        self.follow(|_| Ok(Some(Input::Stop(StopReason::Interrupted))));
    }

    /// Asked to stop at once: what runs is killed.
    pub(super) fn kill(&mut self) {
        (self.tell)(RunEvent::Killing);
        self.evidence_rounds = None;
        if self.counted.is_some() {
            self.slots.kill_all();
        }
        self.follow(|_| Ok(Some(Input::Kill)));
    }

    /// The time for it is over: what runs may end.
    pub(super) fn out_of_time(&mut self) {
        self.evidence_rounds = None;
        self.follow(|_| Ok(Some(Input::Stop(StopReason::TimeBudget))));
    }

    /// It cannot go on.
    pub(super) fn fail(&mut self, error: RunError) {
        self.finish(Err(error));
    }

    fn finish(&mut self, end: Result<StopReason, RunError>) {
        if !std::mem::replace(&mut self.over, true) {
            self.end = Some(end);
        }
    }

    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// How it ended, once it has; told once.
    pub(super) fn end(&mut self) -> Option<Result<StopReason, RunError>> {
        self.end.take()
    }

    /// Kills what runs, and lets the slots' threads end.
    pub(super) fn close_slots(&mut self) {
        self.slots.close();
    }

    /// What of the journal has to be made to survive a power cut, if anything has.
    pub(super) fn unsynced(&mut self) -> Option<(File, PathBuf)> {
        match self.kept.journal.unsynced() {
            Ok(file) => file,
            Err(error) => {
                self.fail(error.into());
                None
            }
        }
    }

    /// Does what something comes to, and all that follows from that. Nothing once the run is over.
    fn follow(&mut self, happened: impl FnOnce(&mut Self) -> Result<Option<Input>, RunError>) {
        if self.over {
            return;
        }
        match happened(self).and_then(|input| self.consequences(input)) {
            Ok(None) => {}
            // One whose last records were written with the last of the room did not end well.
            Ok(Some(why)) => {
                let failed = self.failed.take();
                self.finish(failed.map_or(Ok(why), |error| Err(error.into())));
            }
            Err(error) => self.fail(error),
        }
    }

    /// Why the run has ended, if it has.
    fn consequences(&mut self, input: Option<Input>) -> Result<Option<StopReason>, RunError> {
        // The rule first: what it stops must not be started because something else ended.
        let mut inputs = VecDeque::from(std::mem::take(&mut self.decided));
        inputs.extend(input);
        loop {
            while let Some(input) = inputs.pop_front() {
                if let Some(why) = self.step(input)? {
                    return Ok(Some(why));
                }
                inputs.extend(self.decided.drain(..));
            }
            // Nothing, if it went with the start of what follows.
            self.write()?;
            if let Some(why) = self.counted {
                self.fill_with_evidence_rounds()?;
                return match self.specs.iter().all(Option::is_none) {
                    true => self.close(why).map(Some),
                    false => Ok(None),
                };
            }
            if self.decided.is_empty() {
                return Ok(None);
            }
            inputs.extend(self.decided.drain(..));
        }
    }

    fn step(&mut self, input: Input) -> Result<Option<StopReason>, RunError> {
        let mut actions: VecDeque<Action> = self.schedule.step(input);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Start(running) => self.start(running)?,
                Action::KillAll => self.slots.kill_all(),
                Action::Finish(why) if self.wants_evidence(why) => self.counted = Some(why),
                Action::Finish(why) => return self.close(why).map(Some),
            }
        }
        Ok(None)
    }

    fn close(&mut self, why: StopReason) -> Result<StopReason, RunError> {
        let (why, reason) = match self.trouble.clone() {
            Some((trouble, reason)) => (trouble, Some(reason)),
            None => (why, None),
        };
        self.record(Record::Closed(Closed {
            time: now(),
            at: self.elapsed(),
            why,
            reason,
        }))?;
        self.write()?;
        self.kept.journal.sync()?;
        Ok(why)
    }

    /// The run ends early, for a reason that is on record.
    fn give_up(&mut self, why: StopReason, reason: String) {
        (self.tell)(RunEvent::Trouble(&reason));
        self.trouble.get_or_insert((why, reason));
    }

    fn start(&mut self, running: Running) -> Result<(), RunError> {
        let Running { slot, key, attempt } = running;
        let mut spec = self.recipe.attempt(key, attempt, slot);
        if let Some(replaced) = self.programs.replaced(key.unit, &mut spec) {
            self.give_up(StopReason::ProgramReplaced, replaced);
            let end = End::Void;
            self.decided.push(Input::Stop(StopReason::ProgramReplaced));
            self.decided.push(Input::Ended { slot, end });
            return Ok(());
        }
        // On record before it starts: a death of the supervisor in between leaves a lost attempt, never an unknown one.
        self.record(Record::Started(Started {
            unit: key.unit,
            round: key.round,
            attempt,
            at: self.elapsed(),
        }))?;
        self.write()?;
        spec.watch = self.kept.watch;
        spec.asks_for_children = (self.evidence_rounds.as_ref())
            .is_some_and(|rounds| rounds.asks_for_children(key.unit));
        self.run(running, spec);
        Ok(())
    }

    fn run(&mut self, running: Running, spec: AttemptSpec) {
        let spec = Arc::new(spec);
        self.specs[running.slot as usize] = Some(InSlot {
            running,
            spec: spec.clone(),
            begun: SystemTime::now(),
        });
        self.slots.run(running.slot, spec);
    }

    fn ended(&mut self, slot: u32, observed: &mut Observed) -> Result<Option<Input>, RunError> {
        let Some(in_slot) = self.specs[slot as usize].take() else {
            return Ok(None);
        };
        let InSlot {
            running,
            spec,
            begun,
        } = in_slot;
        if spec.for_evidence {
            self.evidence_ended(running, &spec, observed)?;
            return Ok(None);
        }
        if let Some(problem) = &observed.evidence.waiting_failed {
            self.give_up(StopReason::WaitingFailed, problem.clone());
            (self.decided).push(Input::Stop(StopReason::WaitingFailed));
        }
        if let Some(replaced) = self.programs.replaced_under(running.key.unit, begun) {
            // Nobody knows which of the two it was: whatever was seen is no measurement.
            observed.seen = Seen {
                not_started: Some(format!("not counted: {replaced} when it began")),
                ..Seen::nothing(&spec.unit)
            };
            self.give_up(StopReason::ProgramReplaced, replaced);
            (self.decided).push(Input::Stop(StopReason::ProgramReplaced));
        }
        if let Some(hello) = observed.seen.transcript.hello()
            && !self.hellos.contains(hello)
        {
            self.hellos.push(hello.clone());
            self.record(Record::Hello(hello.clone()))?;
        }
        for reason in &observed.evidence.zygotes_ended {
            self.record(Record::Zygote(ZygoteEnd {
                at: self.elapsed(),
                unit: running.key.unit,
                round: running.key.round,
                reason: reason.clone(),
            }))?;
        }
        if spec.asks_for_children
            && let Some(rounds) = &mut self.evidence_rounds
        {
            rounds.looked(running.key.unit, observed.evidence.had_children);
        }
        let verdict = classify(&spec.unit, &observed.seen);
        let mut notes = verdict.notes;
        let output = match verdict.outcome {
            Outcome::Passed => None,
            _ => self.kept.outputs.keep(
                &self.recipe.plan.units[running.key.unit as usize],
                running,
                observed,
                &mut notes,
            ),
        };
        let outcome = verdict.outcome;
        let (crash, descendants) = self.keep_crashes(running, outcome, false, observed, &mut notes);
        let evidence = &observed.evidence;
        let was_run = evidence.usage.is_some();
        let first = &mut self.first_watch[running.key.unit as usize];
        let apart = was_run && *first.get_or_insert(evidence.watch) != evidence.watch;
        let ended = Ended {
            unit: running.key.unit,
            round: running.key.round,
            attempt: running.attempt,
            at: self.elapsed(),
            secs: Some(rounded(observed.seen.secs)),
            outcome,
            exit: observed.seen.exit.clone(),
            died_in: verdict.died_in,
            reason: verdict.reason,
            measures: verdict.measures,
            chapters: verdict.chapters,
            notes,
            output,
            crash,
            usage: evidence.usage.map(|usage| Usage {
                cpu_secs: rounded(usage.cpu_secs),
                ..usage
            }),
            evidence: (was_run && evidence.watch != self.kept.watch).then_some(evidence.watch),
            apart,
            descendants,
            spawn: (evidence.spawn)
                .filter(|spawn| *spawn != self.recipe.plan.units[running.key.unit as usize].spawn),
        };
        self.record(Record::Ended(Box::new(ended.shortened())))?;
        let end = match outcome {
            Outcome::Passed => End::Passed,
            other if other.counts() => End::NotPassed,
            _ => End::Void,
        };
        Ok(Some(Input::Ended { slot, end }))
    }

    /// Takes a record for the journal. It is there after [`Runner::write`].
    fn record(&mut self, record: Record) -> Result<(), RunError> {
        self.kept.journal.push(&record)?;
        if let Some(rounds) = &mut self.evidence_rounds {
            rounds.push(&record);
        }
        if let Some(decider) = &mut self.decider {
            self.decided.extend(inputs(decider.push(&record)));
        }
        (self.tell)(RunEvent::Record(&record));
        Ok(())
    }

    /// The end of an attempt and the start of the next in its slot are written in one piece.
    fn write(&mut self) -> Result<(), RunError> {
        match self.kept.journal.write() {
            Err(error @ JournalError::Write { .. }) => {
                self.make_room(error)?;
                Ok(self.kept.journal.write()?)
            }
            written => Ok(written?),
        }
    }

    /// The journal takes nothing more. With the room that was held back, what runs is ended and the run closed in good
    /// order.
    fn make_room(&mut self, error: JournalError) -> Result<(), RunError> {
        if !self.kept.reserve.release() {
            return Err(error.into());
        }
        self.give_up(StopReason::JournalFailed, error.to_string());
        self.failed = Some(error);
        self.decided.push(Input::Kill);
        Ok(())
    }

    /// Seconds since the journal was opened.
    fn elapsed(&self) -> f64 {
        rounded(self.begun.elapsed().as_secs_f64())
    }
}

/// To microseconds: more digits would only make the journal longer.
fn rounded(secs: f64) -> f64 {
    (secs * 1e6).round() / 1e6
}
