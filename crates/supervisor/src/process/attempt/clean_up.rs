//! Makes sure that nothing of an attempt is left, reaps it, and collects the evidence of its death.

use std::io;

use crashrate_adapters::{OutputMeaning, crash_mark};
use crashrate_model::{EvidenceMode, Exit, Usage};

use super::{Attempt, ChildState};
use crate::misbehave;
use crate::outcome::{DescendantDeath, Kill};
use crate::process::{DescendantCrash, group, platform};
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
        self.evidence.watched = self.wait.stop_watching(self.process.pid);
        let escaped = self.kill_escaped();
        self.drain();
        self.context.run.guardian.clear(self.context.slot);
        let killed = match child {
            ChildState::Ended => self.reap(),
            ChildState::Running => 0,
        };
        // A tracer and the parent may have seen the same process die.
        let left_behind = self.evidence.watched.left_behind.max(escaped + killed);
        self.collect_evidence();
        self.note_left_behind(left_behind);
    }

    fn kill_group(&mut self, child: ChildState) {
        if let Some(cgroup) = &self.process.cgroup {
            // Read before the kill, which must not count as one by the kernel.
            self.seen.oom_kills = cgroup.oom_kills();
            cgroup.kill();
        }
        match child {
            ChildState::Ended => group::kill_rest(self.process.pid),
            ChildState::Running => group::kill(self.process.pid),
        }
    }

    /// Kills descendants that left the group and returns their number.
    fn kill_escaped(&self) -> usize {
        let run = &self.context.run;
        let mut keep = run.start.zygotes();
        keep.extend([self.process.pid, run.guardian.pid()]);
        let slot = (!self.context.is_only_slot).then_some(self.context.slot);
        platform::kill_escaped(&run.run_id, slot, &keep)
    }

    /// Reaps the child. Returns how many other members of its group were killed.
    fn reap(&mut self) -> usize {
        self.evidence.had_children =
            self.spec.asks_for_children && platform::had_children(self.process.pid);
        match self.wait.reap(self.process.pid) {
            Ok(reaped) => {
                let usage = measured(reaped.usage, self.evidence.watched.peak_bytes);
                self.seen.exit = Some(self.untraced_exit(reaped.exit));
                self.look_for_memory_shortage(&usage);
                self.evidence.usage = Some(usage);
            }
            Err(error) => {
                self.evidence.orphaned = error.kind() == io::ErrorKind::BrokenPipe;
                self.seen.notes.push(format!("its status is lost: {error}"));
            }
        }
        group::await_gone(self.process.pid)
    }

    /// How the child would have ended without a tracer, which delays the delivery of signals.
    fn untraced_exit(&mut self, exit: Exit) -> Exit {
        let Some(signal) = &self.evidence.watched.fatal_signal else {
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
        tracing::debug!(pid = self.process.pid.as_raw(), "{note}");
        self.seen.notes.push(note);
    }

    fn collect_evidence(&mut self) {
        self.seen.output = self.judge_output();
        let watched = &mut self.evidence.watched;
        self.seen.notes.append(&mut watched.notes);
        self.seen.stopped_by = self.seen.stopped_by.take().or(watched.stopped_by.take());
        if self.seen.killed == Some(Kill::Interrupt) {
            watched.crash = None;
        }
        if watched.mode == EvidenceMode::Trace && watched.disturbed.is_none() {
            self.evidence.watched.disturbed = self.was_refused_ptrace();
        }
        self.read_cores();
        let watched = &mut self.evidence.watched;
        let death = |of: &DescendantCrash| DescendantDeath {
            program: of.program.clone(),
            signal: of.crash.signal.clone().unwrap_or_default(),
        };
        self.seen.descendants = watched.descendants.iter().map(death).collect();
        let stderr = self.stderr.text();
        if let Some(Exit::Code(code)) = self.seen.exit {
            self.seen.crash_mark = crash_mark(self.spec.unit.framework, code, &stderr);
        }
        let crashes = watched.descendants.iter_mut().map(|of| &mut of.crash);
        for crash in watched.crash.as_deref_mut().into_iter().chain(crashes) {
            crash.read_stderr(&stderr);
        }
    }

    /// Judges the output, where its test has rules for it.
    fn judge_output(&mut self) -> Option<OutputMeaning> {
        let rules = &self.spec.unit.exit_codes.output;
        if rules.is_empty() {
            return None;
        }
        if !self.stdout.is_whole() || !self.stderr.is_whole() {
            let note = "its output was judged without the middle part, which is not kept";
            self.seen.notes.push(note.to_owned());
        }
        let output = [self.stdout.text(), self.stderr.text()].concat();
        rules.judge(&String::from_utf8_lossy(&output))
    }

    /// Why the tracer may have made the child fail: a process can have only one tracer, and the
    /// child wanted to trace something itself.
    fn was_refused_ptrace(&self) -> Option<String> {
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
        let mut programs = self.evidence.watched.programs.iter();
        let tracer = programs.find(|program| platform::uses_ptrace(program))?;
        Some(format!(
            "{} uses ptrace, which is refused to a traced process (--evidence none)",
            tracer.display()
        ))
    }

    /// Reads the core dumps of the attempt and removes them.
    fn read_cores(&mut self) {
        let run = &self.context.run;
        let (EvidenceMode::Core, Some(cores)) = (self.evidence.watched.mode, &run.cores) else {
            return;
        };
        let directory = self.spec.directory();
        let keep = run.keep_cores.as_deref();
        let found = cores.collect(self.process.pid, directory, self.started_at, keep);
        self.seen.notes.extend(found.notes);
        let died_of_signal = matches!(self.seen.exit, Some(Exit::Signal(_)));
        if self.seen.killed.is_none() && died_of_signal {
            self.evidence.watched.crash = found.crash;
        }
        self.evidence.watched.descendants.extend(found.descendants);
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
