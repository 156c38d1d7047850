//! One attempt: start the child, read its pipes, kill it at its time limit, clean up, reap.
//!
//! [`begin`] starts it, [`pump`] reads its pipes, [`kill`] escalates from SIGTERM to SIGKILL and
//! [`clean_up`] makes sure that nothing of it is left.

mod begin;
mod clean_up;
mod kill;
mod pump;

use std::io;
use std::time::{Duration, Instant, SystemTime};

use crashrate_adapters::Reader;
use crashrate_protocol::EventReader;

use super::capture::Captured;
use super::child::{Process, Started, Wait};
use super::context::{SlotContext, unit_key};
use super::observed::{Evidence, Observed};
use super::pace::Pace;
use super::platform::MemoryWatch;
use crate::outcome::{Note, Seen};
use crate::plan::{AttemptSpec, UnitSpec};
use kill::{KillStage, first_limit};

pub(super) use begin::run;
pub(super) use pump::Buffer;

/// Grace period between event-pipe EOF and process exit before falling back to poll.
const EXIT_AFTER_EVENTS: Duration = Duration::from_millis(1);

/// How long a slot first waits for the child's exit alone, or for its events and exit.
///
/// The shortest attempts are over by then. Waking up for every line and for the end of each pipe
/// would cost half as much as everything else. Meanwhile the output waits in its pipe.
const QUIET: Duration = Duration::from_millis(4);

/// The result of waiting for a child.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ChildState {
    /// It has ended and can be reaped.
    Ended,
    /// It survived SIGKILL, or waiting for it failed.
    Running,
}

struct Attempt<'a> {
    context: &'a SlotContext,
    spec: &'a AttemptSpec,
    process: Process,
    wait: Box<dyn Wait>,
    stdout: Captured,
    stderr: Captured,
    events: EventReader,
    /// Reads the events of a test framework from standard output.
    output: Option<Reader>,
    kill_stage: KillStage,
    /// When the next stage of the killing begins.
    due: Instant,
    /// Until this time after the start the output is not read.
    quiet: Duration,
    pace: Pace,
    started: Instant,
    started_at: SystemTime,
    memory: MemoryWatch,
    seen: Seen,
    evidence: Evidence,
    on_note: &'a mut dyn FnMut(Note),
    buffer: &'a mut Buffer,
}

impl<'a> Attempt<'a> {
    fn new(
        context: &'a SlotContext,
        spec: &'a AttemptSpec,
        started: Started,
        start_called: Instant,
        buffer: &'a mut Buffer,
        on_note: &'a mut dyn FnMut(Note),
    ) -> Self {
        let begun = started.begun.unwrap_or(start_called);
        let mut pace = Pace::from(begun);
        // The limit does not count from `started`: the supervisor may have been stopped while it
        // started the child.
        let now = Instant::now();
        pace.waited(Duration::ZERO, now);
        let fallback = started.spawn_fallback.into_iter();
        let limit = first_limit(&spec.unit);
        let fills_pipe = context.fills_pipe.borrow().contains(&unit_key(&spec.unit));
        Attempt {
            context,
            spec,
            process: started.process,
            wait: started.wait,
            stdout: Captured::default(),
            stderr: Captured::default(),
            events: EventReader::new(),
            output: output_reader(&spec.unit),
            kill_stage: KillStage::Alive(limit),
            due: now + limit,
            quiet: match fills_pipe || spec.unit.framework.is_some() {
                true => Duration::ZERO,
                false => QUIET,
            },
            pace,
            started: begun,
            started_at: SystemTime::now(),
            memory: MemoryWatch::begin(),
            seen: Seen {
                notes: fallback
                    .map(|why| format!("executed, not forked: {why}"))
                    .collect(),
                ..Seen::nothing(&spec.unit)
            },
            evidence: Evidence {
                spawn: Some(started.spawn),
                ..Evidence::default()
            },
            on_note,
            buffer,
        }
    }

    fn run_to_end(mut self) -> Observed {
        let child = self.wait_for_end().unwrap_or_else(|error| {
            let problem = format!("waiting for a child failed: {error}");
            self.seen.notes.push(problem.clone());
            self.evidence.waiting_failed = Some(problem);
            ChildState::Running
        });
        self.seen.secs = self.started.elapsed().as_secs_f64();
        self.clean_up(child);
        let longest = self.stdout.total().max(self.stderr.total());
        let unit = unit_key(&self.spec.unit);
        if longest >= size_of::<Buffer>() as u64 {
            self.context.fills_pipe.borrow_mut().insert(unit);
        } else {
            self.context.fills_pipe.borrow_mut().remove(&unit);
        }
        self.seen.notes.extend(self.events.finish());
        self.seen.notes.extend(self.pace.note());
        Observed {
            seen: self.seen,
            stdout: self.stdout,
            stderr: self.stderr,
            evidence: self.evidence,
        }
    }

    fn wait_for_end(&mut self) -> io::Result<ChildState> {
        if let Some(timeout) = self.escalate()
            && !self.quiet.is_zero()
            && self.ends_within(self.quiet.min(timeout))?
        {
            return Ok(ChildState::Ended);
        }
        loop {
            let Some(timeout) = self.escalate() else {
                return Ok(ChildState::Running);
            };
            let had_events = self.process.pipes.events.is_some();
            self.poll(timeout)?;
            let events_ended = had_events && self.process.pipes.events.is_none();
            if events_ended && self.ends_within(EXIT_AFTER_EVENTS)?
                || self.wait.has_ended(&self.process)?
            {
                return Ok(ChildState::Ended);
            }
        }
    }

    /// Waits for the child's exit and for nothing else.
    fn ends_within(&mut self, limit: Duration) -> io::Result<bool> {
        let has_ended = self.wait.ends_within(&self.process, limit)?;
        self.extend_limits(limit);
        Ok(has_ended)
    }
}

/// The reader of standard output, if its framework reports there.
fn output_reader(unit: &UnitSpec) -> Option<Reader> {
    let tests = (unit.chapters.iter()).filter_map(|chapter| {
        let name = chapter.test.as_deref()?;
        Some((name, chapter.id.as_str()))
    });
    Reader::new(unit.framework?, tests)
}
