//! The end of an attempt: nothing of it is left, and what is known of its death is put together.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crashrate_model::{EvidenceMode, Exit, Usage};
use nix::poll::PollTimeout;

use super::Attempt;
use crate::misbehave;
use crate::outcome::{DescendantDeath, Kill};
use crate::process::pipes::wait_for;
use crate::process::{Watched, group, platform};
use crate::suite::bytes_text;

/// What programs say when ptrace is refused to them.
const REFUSALS: [&str; 3] = [
    "LeakSanitizer does not work under ptrace",
    "ptrace: Operation not permitted",
    "ptrace(PTRACE_",
];
/// How long what a dead child left in its pipes may take to arrive.
const LEFTOVER_OUTPUT: Duration = Duration::from_millis(500);

impl Attempt<'_> {
    /// Leaves nothing of the attempt behind. The group first, while the leader's number is still taken.
    pub(super) fn clean_up(&mut self, ended: bool) {
        if let Some(cgroup) = &self.cgroup {
            // The record first: what is killed now is killed by us.
            self.seen.oom_kills = cgroup.oom_kills();
            cgroup.kill();
        }
        match ended {
            true => group::kill_rest(self.pid),
            false => group::kill(self.pid),
        }
        // Before anything else is waited for: what is traced is waited for by its tracer alone.
        let watched = self.wait.stop_watching();
        let place = self.place;
        let mut keep = place.zygotes.pids();
        keep.extend([self.pid, place.guardian.pid()]);
        let escaped = platform::kill_escaped(place.run_id, place.slot, place.alone, &keep);
        self.drain();
        self.place.guardian.clear(self.place.slot);
        let mut members = 0;
        if ended {
            self.evidence.had_children =
                self.spec.asks_for_children && platform::had_children(self.pid);
            match self.wait.reap() {
                Ok(reaped) => {
                    let usage = measured(reaped.usage, watched.peak_bytes);
                    self.seen.exit = Some(self.settled(reaped.exit, &watched));
                    self.judge_memory(&usage);
                    self.evidence.usage = Some(usage);
                }
                Err(error) => {
                    self.evidence.orphaned = error.kind() == io::ErrorKind::BrokenPipe;
                    self.seen.notes.push(format!("its status is lost: {error}"));
                }
            }
            members = group::await_gone(self.pid);
        }
        self.seen.notes.extend(watched.notes);
        self.seen.stopped_by = self.seen.stopped_by.take().or(watched.stopped_by);
        self.evidence.watch = watched.mode;
        self.evidence.crash = match self.seen.killed {
            Some(Kill::Interrupt) => None,
            _ => watched.crash,
        };
        self.evidence.descendants = watched.descendants;
        self.evidence.disturbed = watched.disturbed;
        if watched.mode == EvidenceMode::Trace && self.evidence.disturbed.is_none() {
            self.evidence.disturbed = self.wanted_to_trace(&watched.programs);
        }
        self.read_cores();
        self.seen.descendants = self
            .evidence
            .descendants
            .iter()
            .map(DescendantDeath::of)
            .collect();
        let printed = self.stderr.text();
        let evidence = &mut self.evidence;
        let crashes = evidence.descendants.iter_mut().map(|of| &mut of.crash);
        for crash in evidence.crash.as_deref_mut().into_iter().chain(crashes) {
            crash.read_stderr(&printed);
        }
        // The same process may be seen to die by its tracer and by its parent.
        let processes = watched.left_behind.max(escaped + members);
        if processes > 0 {
            let s = if processes == 1 {
                "process"
            } else {
                "processes"
            };
            self.seen
                .notes
                .push(format!("left {processes} {s} behind, killed"));
        }
    }

    /// How it would have ended without a tracer, which delays the delivery of a signal that ends a process.
    fn settled(&mut self, exit: Exit, watched: &Watched) -> Exit {
        match (&watched.fatal_signal, &exit) {
            // Crashrate kills what executed another program when the signal was on its way.
            (Some(signal), Exit::Signal(kill))
                if kill == "SIGKILL" && self.seen.killed.is_none() =>
            {
                Exit::Signal(signal.clone())
            }
            (Some(signal), Exit::Code(code)) if self.seen.killed.is_none() => {
                (self.seen.notes).push(format!(
                    "{signal} was on its way when another thread ended the process with exit code {code}"
                ));
                Exit::Signal(signal.clone())
            }
            _ => exit,
        }
    }

    /// What speaks for a want of memory where a SIGKILL has no other reason.
    fn judge_memory(&mut self, usage: &Usage) {
        let killed = self.seen.exit == Some(Exit::Signal("SIGKILL".into()));
        if !killed || self.seen.killed.is_some() || self.seen.oom_kills > 0 {
            return;
        }
        self.seen.oom_kills = self.memory.kills_since();
        let most = if usage.at_most { "at most " } else { "" };
        let peak = bytes_text(usage.peak_bytes);
        self.seen
            .notes
            .push(format!("its peak memory was {most}{peak}"));
        if !usage.at_most && self.memory.is_near_limit(usage.peak_bytes) {
            self.seen.near_memory_limit = true;
        }
    }

    /// Why a tracer may be the reason for its failure: it traces processes itself, and a process has one tracer at most.
    fn wanted_to_trace(&self, programs: &[PathBuf]) -> Option<String> {
        if !matches!(self.seen.exit, Some(Exit::Code(code)) if code != 0) {
            return None;
        }
        let says = |text: &str| self.stderr.has(text) || self.stdout.has(text);
        if REFUSALS.into_iter().any(says) {
            return Some(
                "it says that ptrace is refused, which only one tracer can use (--evidence none)"
                    .into(),
            );
        }
        if misbehave::is_command(&self.spec.unit.argv) {
            return None;
        }
        let tracer = programs
            .iter()
            .find(|program| platform::uses_ptrace(program))?;
        Some(format!(
            "{} uses ptrace, which is refused to a traced process (--evidence none)",
            tracer.display()
        ))
    }

    /// Takes the evidence from the core dumps that its processes left, and removes those.
    fn read_cores(&mut self) {
        let (EvidenceMode::Core, Some(cores)) = (self.evidence.watch, self.place.cores) else {
            return;
        };
        let found = cores.collect(
            self.pid,
            self.spec.directory(),
            self.begun_at,
            self.place.keep_cores,
        );
        self.seen.notes.extend(found.notes);
        let by_signal = matches!(self.seen.exit, Some(Exit::Signal(_)));
        if self.seen.killed.is_none() && by_signal {
            self.evidence.crash = found.own.map(Box::new);
        }
        self.evidence.descendants.extend(found.descendants);
    }

    fn drain(&mut self) {
        let mut deadline = None;
        loop {
            let ready = wait_for(
                &mut Vec::with_capacity(3),
                &self.pipes.open(),
                PollTimeout::ZERO,
            );
            let came = ready.is_ok_and(|ready| self.read_once(ready));
            let open = [&self.pipes.stdout, &self.pipes.stderr, &self.pipes.events];
            if open.into_iter().all(Option::is_none) {
                return;
            }
            let now = Instant::now();
            if now > *deadline.get_or_insert(now + LEFTOVER_OUTPUT) {
                let note = "a process that could not be found holds its output open";
                self.seen.notes.push(note.into());
                return;
            }
            if !came {
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    }
}

/// What the kernel accounts may be crashrate's own; what was read at the death is not.
fn measured(usage: Usage, peak_bytes: Option<u64>) -> Usage {
    match peak_bytes.filter(|_| usage.at_most) {
        Some(peak_bytes) => Usage {
            peak_bytes,
            at_most: false,
            ..usage
        },
        None => usage,
    }
}
