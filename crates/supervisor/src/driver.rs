//! The one event loop: schedule, slots, signals and journal joined. It alone owns the state of a run.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crashrate_model::{
    Closed, Ended, Finding, Hello, JOURNAL_VERSION, Opened, Outcome, Record, RunInfo, Started,
    StopReason, Stopping,
};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{MissedTickBehavior, interval};

use crate::crashes::Crashes;
use crate::decide::Decider;
use crate::journal::{Journal, JournalError, RunFolder};
use crate::outcome::{Note, classify};
use crate::outputs::Outputs;
use crate::past::{Past, inputs};
use crate::plan::{AttemptSpec, History, Pending, Plan, Recipe, RoundKey};
use crate::process::{self, FromSlot, Guardian, Observed, PlainExec, Slots, Start, TracedExec};
use crate::schedule::{Action, Bounds, End, Input, Running, Schedule};
use crate::suite::SuiteHazard;
use crate::worker::Workers;
use crate::{doctor, machine, run_file};

/// How often the journal is made to survive a power cut.
const SYNC_EVERY: Duration = Duration::from_secs(3);

/// What LeakSanitizer says when it finds itself traced, and what to say then.
const PTRACE_REFUSED: &str = "LeakSanitizer does not work under ptrace";
const SANITIZER_HINT: &str = "LeakSanitizer does not work in a traced process: run with --no-trace";

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The plan.
    pub plan: Plan,
    /// The workers of its variants.
    pub workers: Workers,
    /// How many attempts may run at the same time, and how many rounds may fail.
    pub bounds: Bounds,
    /// When the run stops by itself.
    pub stopping: Stopping,
    /// After this time no more rounds are started.
    pub time_budget: Option<Duration>,
    /// What was found out about the machine.
    pub findings: Vec<Finding>,
    /// Whether children are traced, where that is possible: without it a crash has no place.
    pub trace: bool,
    /// Whether children may leave core dumps.
    pub core_dumps: bool,
    /// The program that is the guardian, with the arguments before the run's id.
    pub guardian: (PathBuf, &'static [&'static str]),
}

/// A plain fact for whoever shows the run while it goes on.
#[derive(Debug)]
pub enum Fact<'a> {
    /// The journal has a new record.
    Record(&'a Record),
    /// A running attempt said something of its progress.
    Progress(RoundKey, &'a Note),
    /// Asked to stop: what runs may end.
    Stopping,
    /// Asked to stop at once: what runs is being killed.
    Killing,
}

/// A run that could not go on.
#[derive(Debug, Error)]
pub enum RunError {
    /// The journal could not be written. What was measured before is on record.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The run's folder could not be prepared.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The stopping rule makes no sense.
    #[error("the stopping rule: {0}")]
    Rule(#[source] crashrate_stats::StatsError),
    /// The supervisor's process could not be prepared.
    #[error("children cannot be started from here: {0}")]
    SetUp(#[source] io::Error),
}

/// Runs a campaign to its end in this thread; `tell` is handed every fact. A folder that has a journal already is gone on
/// with: exactly the rounds that have no end on record are run.
///
/// # Errors
/// The journal cannot be written, or nothing can be started at all. Nothing is left running.
pub fn run(
    campaign: &Campaign,
    folder: &RunFolder,
    tell: &mut dyn FnMut(Fact<'_>),
) -> Result<StopReason, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunError::SetUp)?;
    process::prepare(campaign.core_dumps).map_err(RunError::SetUp)?;
    let plan = &campaign.plan;
    let mut info = run_info(campaign, folder);
    prepare_folder(folder, plan, &info)?;
    let bad = &plan.suite.bad;
    let decider = Decider::new(&campaign.stopping, &plan.units, bad).map_err(RunError::Rule)?;
    let mut past = Past::new(History::new(plan), decider);
    past.read(folder)?;
    let journal = Journal::open(&folder.journal())?;
    let (program, arguments) = &campaign.guardian;
    let at_work = folder.path().join("guardian.lock");
    let guardian = Guardian::start(program, arguments, folder.id(), &at_work);
    let guardian = guardian.map_err(RunError::SetUp)?;
    let guardian = Arc::new(guardian);
    let (news, inbox) = unbounded_channel();
    let start = starter(campaign.trace, &guardian, &mut info);
    let jobs = campaign.bounds.slots;
    let slots = Slots::start(jobs, folder.id(), start, guardian, &news).map_err(RunError::SetUp)?;
    let lost = past.history.open().to_vec();
    let mut driver = Driver {
        recipe: Recipe {
            plan,
            run_id: folder.id(),
            workers: &campaign.workers.by_variant,
        },
        schedule: Schedule::new(past.history.left(plan.rounds()), campaign.bounds, |unit| {
            plan.retries(unit)
        }),
        specs: vec![None; jobs.max(1) as usize],
        slots,
        journal,
        outputs: Outputs::new(folder.path()),
        crashes: Crashes::new(folder.path(), folder.id()),
        traced: info.traced,
        hellos: Vec::new(),
        decider: past.decider,
        decided: past.decided,
        begun: Instant::now(),
        tell,
    };
    driver.open(info, &lost)?;
    runtime.block_on(driver.run(inbox, campaign.time_budget))
}

/// Prepares the folder of a run whose journal is not opened yet, so that it can be gone on with from there.
///
/// # Errors
/// A file cannot be written.
pub fn announce(campaign: &Campaign, folder: &RunFolder) -> Result<(), RunError> {
    let info = run_info(campaign, folder);
    run_file::write(folder.path(), &campaign.plan, &info).map_err(|source| RunError::Folder {
        path: folder.path().to_owned(),
        source,
    })
}

/// How children are started: traced if that is wanted and possible, which the run's facts say.
fn starter(trace: bool, guardian: &Arc<Guardian>, info: &mut RunInfo) -> Arc<dyn Start> {
    let possible = match trace {
        true => TracedExec::probe(guardian),
        false => Ok(false),
    };
    info.traced = possible == Ok(true);
    if let Err(why) = possible {
        tracing::warn!(
            "crashes have no place in this run: processes cannot be traced here ({why})"
        );
        info.findings.push(doctor::not_traced(&why));
    }
    match trace {
        true => Arc::new(TracedExec::new(guardian.clone())),
        false => Arc::new(PlainExec::new(guardian.clone())),
    }
}

fn prepare_folder(folder: &RunFolder, plan: &Plan, info: &RunInfo) -> Result<(), RunError> {
    let wrong = |source| RunError::Folder {
        path: folder.path().to_owned(),
        source,
    };
    if !folder.is_resumed() {
        run_file::write(folder.path(), plan, info).map_err(wrong)?;
    }
    fs::create_dir_all(folder.path().join("output")).map_err(wrong)
}

fn run_info(campaign: &Campaign, folder: &RunFolder) -> RunInfo {
    let plan = &campaign.plan;
    let mut machine = machine::describe(&plan.suite.around.directory);
    machine.extend(campaign.workers.facts.clone());
    RunInfo {
        id: folder.id().to_owned(),
        number: folder.number(),
        suite: plan.suite.name.clone(),
        seed: plan.seed,
        device: plan.suite.device.clone(),
        jobs: campaign.bounds.slots,
        retries: (0u32..)
            .zip(&plan.units)
            .map(|(unit, _)| plan.retries(unit))
            .max()
            .unwrap_or(0),
        bad: plan.suite.bad.clone(),
        hazard: plan.suite.hazard.as_ref().map(SuiteHazard::record),
        traced: campaign.trace,
        stopping: campaign.stopping.clone(),
        machine,
        chapters: campaign.workers.chapter_facts(&plan.suite),
        findings: campaign.findings.clone(),
        recommendations: plan.suite.recommendations.clone(),
        imported: None,
        record: plan.suite.record.clone(),
        units: plan.units.clone(),
    }
}

fn now() -> String {
    jiff::Zoned::now()
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

/// A running attempt: what was asked for and where it stands in the plan.
#[derive(Clone)]
struct InSlot {
    running: Running,
    spec: AttemptSpec,
}

struct Driver<'a, R, T> {
    recipe: Recipe<'a>,
    schedule: Schedule<R, T>,
    specs: Vec<Option<InSlot>>,
    slots: Slots,
    journal: Journal,
    outputs: Outputs,
    crashes: Crashes,
    /// Whether attempts of this run are traced.
    traced: bool,
    /// What children said they run on; each different answer is on record once.
    hellos: Vec<Hello>,
    decider: Decider,
    /// What the stopping rule asks for and the schedule has not heard yet.
    decided: Vec<Input>,
    begun: Instant,
    tell: &'a mut dyn FnMut(Fact<'_>),
}

impl<R, T> Driver<'_, R, T>
where
    R: Iterator<Item = Pending>,
    T: Fn(u32) -> u32,
{
    /// Opens the journal. Attempts that a supervisor before this one started and did not see the end of are lost.
    fn open(&mut self, run: RunInfo, lost: &[(RoundKey, u32)]) -> Result<(), RunError> {
        for &(key, attempt) in lost {
            self.record(Record::Ended(Box::new(Ended {
                reason: Some("crashrate or its machine died before its end was known".into()),
                ..Ended::of(key.unit, key.round, attempt, Outcome::Lost)
            })))?;
        }
        self.record(Record::Opened(Box::new(Opened {
            v: JOURNAL_VERSION,
            time: now(),
            run,
        })))
    }

    async fn run(
        mut self,
        mut inbox: UnboundedReceiver<FromSlot>,
        time_budget: Option<Duration>,
    ) -> Result<StopReason, RunError> {
        // Without a budget: far enough away for any run.
        let budget = time_budget.unwrap_or(Duration::from_secs(u64::from(u32::MAX)));
        let out_of_time = tokio::time::sleep(budget);
        tokio::pin!(out_of_time);
        let mut in_time = true;
        let listen = |kind| signal(kind).map_err(RunError::SetUp);
        let mut interrupt = listen(SignalKind::interrupt())?;
        let mut terminate = listen(SignalKind::terminate())?;
        let mut hangup = listen(SignalKind::hangup())?;
        let mut sync = interval(SYNC_EVERY);
        sync.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked = false;
        let mut input = Some(Input::Begin);
        loop {
            // The rule first: what it stops must not be started because something else ended.
            let decided = std::mem::take(&mut self.decided);
            for input in decided.into_iter().chain(input) {
                if let Some(why) = self.step(input)? {
                    return Ok(why);
                }
            }
            input = tokio::select! {
                Some(news) = inbox.recv() => self.hear(news)?,
                _ = interrupt.recv() => Some(self.stop(&mut asked)),
                _ = terminate.recv() => Some(self.kill()),
                _ = hangup.recv() => Some(self.kill()),
                () = &mut out_of_time, if in_time => {
                    in_time = false;
                    Some(Input::Stop(StopReason::TimeBudget))
                }
                _ = sync.tick() => self.journal.sync().map(|()| None)?,
            };
        }
    }

    /// Once: let what runs end. Twice: kill it.
    fn stop(&mut self, asked: &mut bool) -> Input {
        if std::mem::replace(asked, true) {
            return self.kill();
        }
        (self.tell)(Fact::Stopping);
        Input::Stop(StopReason::Interrupted)
    }

    fn kill(&mut self) -> Input {
        (self.tell)(Fact::Killing);
        Input::Kill
    }

    fn step(&mut self, input: Input) -> Result<Option<StopReason>, RunError> {
        let mut actions: VecDeque<Action> = self.schedule.step(input);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Start(running) => self.start(running)?,
                Action::KillAll => self.slots.kill_all(),
                Action::Finish(why) => {
                    self.record(Record::Closed(Closed {
                        time: now(),
                        at: self.elapsed(),
                        why,
                    }))?;
                    self.journal.sync()?;
                    return Ok(Some(why));
                }
            }
        }
        Ok(None)
    }

    fn start(&mut self, running: Running) -> Result<(), RunError> {
        let Running { slot, key, attempt } = running;
        // On record before it starts: a death of the supervisor in between leaves a lost attempt, never an unknown one.
        self.record(Record::Started(Started {
            unit: key.unit,
            round: key.round,
            attempt,
            at: self.elapsed(),
        }))?;
        let spec = self.recipe.attempt(key, attempt, slot);
        self.specs[slot as usize] = Some(InSlot {
            running,
            spec: spec.clone(),
        });
        self.slots.run(slot, spec);
        Ok(())
    }

    fn hear(&mut self, news: FromSlot) -> Result<Option<Input>, RunError> {
        match news {
            FromSlot::Note(slot, note) => {
                if let Some(in_slot) = &self.specs[slot as usize] {
                    (self.tell)(Fact::Progress(in_slot.running.key, &note));
                }
                Ok(None)
            }
            FromSlot::Ended(slot, observed) => self.ended(slot, &observed),
        }
    }

    fn ended(&mut self, slot: u32, observed: &Observed) -> Result<Option<Input>, RunError> {
        let Some(InSlot { running, spec }) = self.specs[slot as usize].take() else {
            return Ok(None);
        };
        if let Some(hello) = observed.seen.transcript.hello()
            && !self.hellos.contains(hello)
        {
            self.hellos.push(hello.clone());
            self.record(Record::Hello(hello.clone()))?;
        }
        let verdict = classify(&spec, &observed.seen);
        let mut notes = verdict.notes;
        let output = match verdict.outcome {
            Outcome::Passed => None,
            _ => self.outputs.keep(
                &self.recipe.plan.units[running.key.unit as usize],
                running,
                observed,
                &mut notes,
            ),
        };
        let outcome = verdict.outcome;
        let evidence = &observed.evidence;
        let crash = (evidence.crash.as_deref())
            .filter(|_| {
                matches!(
                    outcome,
                    Outcome::Crashed | Outcome::TimedOut | Outcome::OutOfMemory
                )
            })
            .map(|crash| {
                let unit = &self.recipe.plan.units[running.key.unit as usize];
                self.crashes.keep(unit, running, crash, &mut notes)
            });
        if outcome == Outcome::Failed && evidence.traced && observed.stderr.has(PTRACE_REFUSED) {
            notes.push(SANITIZER_HINT.into());
        }
        self.record(Record::Ended(Box::new(Ended {
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
            usage: evidence.usage,
            traced: (evidence.usage.is_some() && evidence.traced != self.traced)
                .then_some(evidence.traced),
        })))?;
        let end = match outcome {
            Outcome::Passed => End::Passed,
            other if other.counts() => End::NotPassed,
            _ => End::Void,
        };
        Ok(Some(Input::Ended { slot, end }))
    }

    fn record(&mut self, record: Record) -> Result<(), RunError> {
        self.journal.append(&record)?;
        self.decided.extend(inputs(self.decider.push(&record)));
        (self.tell)(Fact::Record(&record));
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
