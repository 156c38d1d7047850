//! Makes sure that nothing of an attempt is left, reaps it, and collects the evidence of its death.

use std::io;
use std::path::PathBuf;

use crashrate_model::{EvidenceMode, Exit, Usage};

use super::{Attempt, ChildState};
use crate::misbehave;
use crate::outcome::{DescendantDeath, Kill};
use crate::process::watched::Watched;
use crate::process::{group, platform};
use crate::suite::bytes_text;

/// Messages of programs that were refused ptrace.
const REFUSALS: [&str; 3] = [
    "LeakSanitizer does not work under ptrace",
    "ptrace: Operation not permitted",
    "ptrace(PTRACE_",
];

impl Attempt<'_> {
    /// Kills what is left of the attempt, then reaps it. The group is killed before the reaping,
    /// while its number cannot belong to another group.
    pub(super) fn clean_up(&mut self, child: ChildState) {
        self.kill_group(child);
        // The tracer comes first: only it can wait for the processes that it traces.
        let watched = self.wait.stop_watching();
        let escaped = self.kill_escaped();
        self.drain();
        self.context.run.guardian.clear(self.context.slot);
        let killed = match child {
            ChildState::Ended => self.reap(&watched),
            ChildState::Running => 0,
        };
        // A tracer and the parent may have seen the same process die.
        let left_behind = watched.left_behind.max(escaped + killed);
        self.collect_evidence(watched);
        self.note_left_behind(left_behind);
    }

    fn kill_group(&mut self, child: ChildState) {
        if let Some(cgroup) = &self.cgroup {
            // Read before the kill, which must not count as one by the kernel.
            self.seen.oom_kills = cgroup.oom_kills();
            cgroup.kill();
        }
        match child {
            ChildState::Ended => group::kill_rest(self.pid),
            ChildState::Running => group::kill(self.pid),
        }
    }

    /// Kills descendants that left the group and returns their number.
    fn kill_escaped(&self) -> usize {
        let run = &self.context.run;
        let mut keep = run.start.zygotes();
        keep.extend([self.pid, run.guardian.pid()]);
        let slot = (!self.context.is_only_slot).then_some(self.context.slot);
        platform::kill_escaped(&run.run_id, slot, &keep)
    }

    /// Reaps the child. Returns how many other members of its group were killed.
    fn reap(&mut self, watched: &Watched) -> usize {
        self.evidence.had_children =
            self.spec.asks_for_children && platform::had_children(self.pid);
        match self.wait.reap() {
            Ok(reaped) => {
                let usage = measured(reaped.usage, watched.peak_bytes);
                self.seen.exit = Some(self.untraced_exit(reaped.exit, watched));
                self.look_for_memory_shortage(&usage);
                self.evidence.usage = Some(usage);
            }
            Err(error) => {
                self.evidence.orphaned = error.kind() == io::ErrorKind::BrokenPipe;
                self.seen.notes.push(format!("its status is lost: {error}"));
            }
        }
        group::await_gone(self.pid)
    }

    /// How the child would have ended without a tracer, which delays the delivery of signals.
    fn untraced_exit(&mut self, exit: Exit, watched: &Watched) -> Exit {
        let Some(signal) = &watched.fatal_signal else {
            return exit;
        };
        if self.seen.killed.is_some() {
            return exit;
        }
        match &exit {
            // crashrate kills a process that executed another program while the signal was pending.
            Exit::Signal(kill) if kill == "SIGKILL" => Exit::Signal(signal.clone()),
            Exit::Signal(_) => exit,
            Exit::Code(code) => {
                self.seen.notes.push(format!(
                    "{signal} was on its way when another thread ended the process with exit \
                     code {code}"
                ));
                Exit::Signal(signal.clone())
            }
        }
    }

    /// Looks for signs that the kernel sent an otherwise unexplained SIGKILL to free memory.
    fn look_for_memory_shortage(&mut self, usage: &Usage) {
        let is_killed = self.seen.exit == Some(Exit::Signal("SIGKILL".into()));
        if !is_killed || self.seen.killed.is_some() || self.seen.oom_kills > 0 {
            return;
        }
        self.seen.oom_kills = self.memory.kills_since();
        let at_most = if usage.at_most { "at most " } else { "" };
        let peak = bytes_text(usage.peak_bytes);
        let note = format!("its peak memory was {at_most}{peak}");
        self.seen.notes.push(note);
        if !usage.at_most && self.memory.is_near_limit(usage.peak_bytes) {
            self.seen.near_memory_limit = true;
        }
    }

    fn note_left_behind(&mut self, processes: usize) {
        let note = match processes {
            0 => return,
            1 => "left 1 process behind, killed".to_owned(),
            n => format!("left {n} processes behind, killed"),
        };
        tracing::debug!(pid = self.pid.as_raw(), "{note}");
        self.seen.notes.push(note);
    }

    fn collect_evidence(&mut self, watched: Watched) {
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
            self.evidence.disturbed = self.was_refused_ptrace(&watched.programs);
        }
        self.read_cores();
        let crashed = self.evidence.descendants.iter();
        self.seen.descendants = crashed.map(DescendantDeath::of).collect();
        let stderr = self.stderr.text();
        let evidence = &mut self.evidence;
        let crashes = evidence.descendants.iter_mut().map(|of| &mut of.crash);
        for crash in evidence.crash.as_deref_mut().into_iter().chain(crashes) {
            crash.read_stderr(&stderr);
        }
    }

    /// Why the tracer may have made the child fail: a process can have only one tracer, and the
    /// child wanted to trace something itself.
    fn was_refused_ptrace(&self, programs: &[PathBuf]) -> Option<String> {
        if !matches!(self.seen.exit, Some(Exit::Code(code)) if code != 0) {
            return None;
        }
        let has_printed = |text: &str| self.stderr.has(text) || self.stdout.has(text);
        if REFUSALS.into_iter().any(has_printed) {
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

    /// Reads the core dumps of the attempt and removes them.
    fn read_cores(&mut self) {
        let run = &self.context.run;
        let (EvidenceMode::Core, Some(cores)) = (self.evidence.watch, &run.cores) else {
            return;
        };
        let directory = self.spec.directory();
        let keep = run.keep_cores.as_deref();
        let found = cores.collect(self.pid, directory, self.started_at, keep);
        self.seen.notes.extend(found.notes);
        let died_of_signal = matches!(self.seen.exit, Some(Exit::Signal(_)));
        if self.seen.killed.is_none() && died_of_signal {
            self.evidence.crash = found.own.map(Box::new);
        }
        self.evidence.descendants.extend(found.descendants);
    }
}

/// Prefers the peak that was read at the death: the kernel's account may hold crashrate's own.
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
