//! One attempt: start, drain, limit, kill, clean up, reap.

mod begin;
mod end;

use std::io::{self, PipeReader};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use crashrate_model::Mode;
use crashrate_protocol::EventReader;
use nix::poll::{PollFlags, PollTimeout};
use nix::unistd::Pid;

use super::capture::Captured;
use super::guardian::Guardian;
use super::pace::{Pace, TICK};
use super::pipes::{Pipes, is_ready, read, wait_for, waited_for};
use super::platform::{CoreFiles, MemoryWatch};
use super::slots::{Evidence, Observed};
use super::untraceable::Untraceable;
use super::zygote_pool::ZygotePool;
use super::{Start, Started, Wait, group, platform, wait};
use crate::outcome::{Kill, Note, Seen};
use crate::plan::AttemptSpec;

pub(super) use begin::run;

/// How long a child may take to disappear after SIGKILL before it is given up: it hangs in the kernel.
const UNKILLABLE: Duration = Duration::from_secs(30);
/// How long a child may take from the end of its events to its own until that is waited for otherwise.
const ABOUT_TO_END: Duration = Duration::from_millis(1);
/// How often the end of a child is asked for where nothing tells of it.
const POLL_FOR_END: Duration = Duration::from_millis(2);

/// For how long at first a slot waits for the end alone, or for events and the end: the shortest of attempts are over by
/// then, and to be woken for each line and for the end of each pipe would cost as much as half of all else. What they
/// print waits in its pipe.
const QUIET: Duration = Duration::from_millis(4);

/// Where a slot reads into what its children print: as much as a pipe holds.
pub(super) type Buffer = [u8; 64 * 1024];

/// What all attempts of a slot share.
pub(super) struct Place<'a> {
    pub(super) slot: u32,
    pub(super) run_id: &'a str,
    /// Whether no other attempt runs at the same time.
    pub(super) alone: bool,
    pub(super) start: &'a dyn Start,
    pub(super) zygotes: &'a ZygotePool,
    pub(super) guardian: &'a Guardian,
    /// Where attempts in an empty directory of their own run.
    pub(super) work: &'a Path,
    /// Where the kernel writes core dumps; nothing where none are wanted.
    pub(super) cores: Option<&'a CoreFiles>,
    /// Where a core dump of each signature is kept; nothing if none is.
    pub(super) keep_cores: Option<&'a Path>,
    /// The units whose outcomes a tracer changes.
    pub(super) untraceable: &'a Untraceable,
    /// At its end when everything has to be killed.
    pub(super) kill_all: &'a PipeReader,
}

/// How far the killing is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KillStage {
    /// Nothing was sent; the limit that runs counts from `since`.
    Alive { since: Instant, limit: Duration },
    /// SIGTERM was sent; SIGKILL follows then.
    Terminated(Instant),
    /// SIGKILL was sent; given up then.
    Killed(Instant),
}

impl KillStage {
    /// Everything is due so much later.
    fn later(self, by: Duration) -> KillStage {
        match self {
            KillStage::Alive { since, limit } => KillStage::Alive {
                since: since + by,
                limit,
            },
            KillStage::Terminated(due) => KillStage::Terminated(due + by),
            KillStage::Killed(due) => KillStage::Killed(due + by),
        }
    }
}

struct Attempt<'a> {
    place: &'a Place<'a>,
    spec: &'a AttemptSpec,
    pid: Pid,
    wait: Box<dyn Wait>,
    cgroup: Option<platform::Cgroup>,
    pipes: Pipes<Option<OwnedFd>>,
    stdout: Captured,
    stderr: Captured,
    events: EventReader,
    ladder: KillStage,
    pace: Pace,
    begun: Instant,
    begun_at: SystemTime,
    memory: MemoryWatch,
    seen: Seen,
    evidence: Evidence,
    tell: &'a mut dyn FnMut(Note),
    buffer: &'a mut Buffer,
}

impl<'a> Attempt<'a> {
    fn new(
        place: &'a Place<'a>,
        spec: &'a AttemptSpec,
        started: Started,
        begun: Instant,
        buffer: &'a mut Buffer,
        tell: &'a mut dyn FnMut(Note),
    ) -> Self {
        let limit = match spec.unit.mode {
            Mode::Isolated => spec.unit.chapters[0].timeout,
            Mode::Sequential => spec.unit.timeout,
        };
        let Pipes {
            stdout,
            stderr,
            events,
        } = started.pipes;
        let mut pace = Pace::from(begun);
        let now = Instant::now();
        pace.waited(Duration::ZERO, now);
        Attempt {
            place,
            spec,
            pid: started.pid,
            wait: started.wait,
            cgroup: started.cgroup,
            pipes: Pipes {
                stdout: Some(stdout),
                stderr: Some(stderr),
                events: Some(events),
            },
            stdout: Captured::default(),
            stderr: Captured::default(),
            events: EventReader::new(),
            ladder: KillStage::Alive {
                // Not from `begun`: the supervisor may have stood still while it started the child.
                since: now,
                limit,
            },
            pace,
            begun,
            begun_at: SystemTime::now(),
            memory: MemoryWatch::begin(),
            seen: Seen {
                notes: (started.spawn_fallback.into_iter())
                    .map(|why| format!("executed, not forked: {why}"))
                    .collect(),
                ..Seen::nothing(&spec.unit)
            },
            evidence: Evidence {
                spawn: Some(started.spawn),
                ..Evidence::default()
            },
            tell,
            buffer,
        }
    }

    fn run_to_end(mut self) -> Observed {
        let ended = match self.until_ended() {
            Ok(ended) => ended,
            Err(error) => {
                let problem = format!("waiting for a child failed: {error}");
                self.seen.notes.push(problem.clone());
                self.evidence.waiting_failed = Some(problem);
                false
            }
        };
        self.seen.secs = self.begun.elapsed().as_secs_f64();
        self.clean_up(ended);
        self.seen.notes.extend(self.events.finish());
        self.seen.notes.extend(self.pace.note());
        Observed {
            seen: self.seen,
            stdout: self.stdout,
            stderr: self.stderr,
            evidence: self.evidence,
        }
    }

    /// Whether it ended; it did not if SIGKILL could not end it.
    fn until_ended(&mut self) -> io::Result<bool> {
        if let Some(timeout) = self.escalate()
            && self.listen(QUIET.min(timeout))?
        {
            return Ok(true);
        }
        loop {
            let Some(timeout) = self.escalate() else {
                return Ok(false);
            };
            let had_events = self.pipes.events.is_some();
            self.poll(timeout)?;
            let is_ending = had_events && self.pipes.events.is_none();
            if is_ending && self.listen(ABOUT_TO_END)? || self.wait.has_ended()? {
                return Ok(true);
            }
        }
    }

    /// Waits for the end alone. Whether it has ended.
    fn listen(&mut self, most: Duration) -> io::Result<bool> {
        let ended = self.wait.ends_within(most)?;
        self.account_for(most);
        Ok(ended)
    }

    /// All limits wait while this process stands still. There was a reason to wait for `asked`.
    fn account_for(&mut self, asked: Duration) {
        let stopped = self.pace.waited(asked, Instant::now());
        self.ladder = self.ladder.later(stopped);
    }

    /// Does what is due by the clock; returns how long until the next thing is. Nothing: it is given up.
    fn escalate(&mut self) -> Option<Duration> {
        let now = Instant::now();
        let due = match self.ladder {
            KillStage::Alive { since, limit } => since + limit,
            KillStage::Terminated(due) | KillStage::Killed(due) => due,
        };
        if now < due {
            return Some(due - now);
        }
        match self.ladder {
            KillStage::Alive { .. } => {
                self.seen.killed = Some(Kill::TimeLimit);
                self.seen.stopped_by = wait::stopped_by(self.pid);
                self.wait.capture_hang();
                self.pace.worked();
                let now = Instant::now();
                group::terminate(self.pid);
                self.ladder = KillStage::Terminated(now + self.spec.unit.grace);
                Some(self.spec.unit.grace)
            }
            KillStage::Terminated(_) => Some(self.kill(now)),
            KillStage::Killed(_) => {
                let pid = self.pid;
                self.seen.notes.push(format!(
                    "process {pid} does not die of SIGKILL; left behind"
                ));
                None
            }
        }
    }

    fn kill(&mut self, now: Instant) -> Duration {
        group::kill(self.pid);
        self.ladder = KillStage::Killed(now + UNKILLABLE);
        UNKILLABLE
    }

    fn poll(&mut self, timeout: Duration) -> io::Result<()> {
        let may_interrupt = !matches!(self.ladder, KillStage::Killed(_));
        let interrupt = may_interrupt.then(|| self.place.kill_all.as_fd());
        let quiet = (QUIET.checked_sub(self.begun.elapsed()))
            // Their end is most often that of the child.
            .filter(|_| self.pipes.events.is_some());
        let mut asked = timeout.min(quiet.unwrap_or(TICK)).min(TICK);
        let end = match quiet {
            None => self.wait.exit_fd()?,
            Some(_) => None,
        };
        if quiet.is_none() && end.is_none() {
            asked = asked.min(POLL_FOR_END);
        }
        let mut pipes = self.pipes.open();
        if quiet.is_some() {
            (pipes.stdout, pipes.stderr) = (None, None);
        }
        let mut fds = Vec::with_capacity(5);
        fds.extend(interrupt.map(waited_for));
        fds.extend(end.map(waited_for));
        // Rounded up, so that it is due when poll returns.
        let millis = asked.as_millis() + 1;
        let millis = PollTimeout::try_from(millis as i32).unwrap_or(PollTimeout::MAX);
        let ready = wait_for(&mut fds, &pipes, millis)?;
        let interrupted = may_interrupt && is_ready(&fds[0]);
        self.account_for(asked);
        if interrupted {
            self.seen.killed.get_or_insert(Kill::Interrupt);
            self.kill(Instant::now());
        }
        self.read_once(ready);
        Ok(())
    }

    /// Reads at most one buffer of each pipe that has something. Whether anything came.
    fn read_once(&mut self, ready: Pipes<PollFlags>) -> bool {
        let stdout = read(&mut self.pipes.stdout, ready.stdout, &mut self.buffer[..]);
        let came_out = stdout
            .inspect(|n| self.stdout.push(&self.buffer[..*n]))
            .is_some();
        let stderr = read(&mut self.pipes.stderr, ready.stderr, &mut self.buffer[..]);
        let came_err = stderr
            .inspect(|n| self.stderr.push(&self.buffer[..*n]))
            .is_some();
        let events = read(&mut self.pipes.events, ready.events, &mut self.buffer[..]);
        let came_events = events.inspect(|n| self.read_events(*n)).is_some();
        came_out || came_err || came_events
    }

    fn read_events(&mut self, length: usize) {
        let at = self.begun.elapsed();
        let mut notes = Vec::new();
        let transcript = &mut self.seen.transcript;
        self.events.push(&self.buffer[..length], |event| {
            notes.extend(transcript.push(event, at.as_secs_f64()));
        });
        for note in notes {
            self.reset_limit(&note);
            (self.tell)(note);
        }
    }

    /// In a sequence each chapter has its own time limit.
    fn reset_limit(&mut self, note: &Note) {
        let limit = match note {
            Note::ChapterStarted(index) => self.spec.unit.chapters[*index].timeout,
            Note::ChapterEnded => self.spec.unit.timeout,
            Note::Progress { .. } => return,
        };
        if self.spec.unit.mode == Mode::Sequential && matches!(self.ladder, KillStage::Alive { .. })
        {
            self.ladder = KillStage::Alive {
                since: Instant::now(),
                limit,
            };
        }
    }
}
