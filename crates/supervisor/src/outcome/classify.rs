//! The rules that turn what was observed into an outcome.

use crashrate_adapters::{ExitMeaning, OutputMeaning};
use crashrate_model::{ChapterEnd, DiedIn, Ended, Exit, Mode, Outcome};

use super::expect::missed;
use super::seen::{DescendantDeath, Kill, Seen};
use super::transcript::{ChapterLog, State, Transcript};
use crate::plan::UnitSpec;
use crate::signals::StopSignal;
use crate::suite::{DescendantCrash, bytes_text};

/// Judges an attempt. Its place in the run, its times and its files are not known here.
pub fn classify(spec: &UnitSpec, seen: &Seen) -> Ended {
    let mut notes = seen.notes.clone();
    notes.extend(seen.transcript.all_notes());
    notes.extend(descendant_note(seen));
    let end = process_end(spec, seen);
    let judged = match spec.mode {
        Mode::Isolated => isolated(spec, seen, end),
        Mode::Sequential => sequential(spec, seen, end),
    };
    Ended { notes, ..judged }
}

/// How the process ended, whatever its chapters reported.
enum ProcessEnd {
    /// The chapters never ran.
    NotStarted(String),
    /// It died, was killed or was stopped.
    Cut(Outcome, String),
    /// It exited with this code, and that or its output means a skipped test.
    Skipped(i32, String),
    /// It exited with this code.
    Ended(i32),
}

fn process_end(spec: &UnitSpec, seen: &Seen) -> ProcessEnd {
    if let Some(reason) = &seen.not_started {
        return ProcessEnd::NotStarted(reason.clone());
    }
    if let Some(reason) = &seen.transcript.unavailable {
        return ProcessEnd::NotStarted(format!("unavailable: {reason}"));
    }
    if let (Some(signal), Some(exit)) = (seen.stopped_with_run, &seen.exit) {
        return ProcessEnd::Cut(Outcome::Interrupted, with_run(signal, exit));
    }
    match (seen.killed, &seen.exit) {
        // A kill by crashrate is never counted as the child's own signal, whatever its exit is.
        (Some(Kill::TimeLimit), _) => ProcessEnd::Cut(Outcome::TimedOut, time_limit(spec, seen)),
        (Some(Kill::Interrupt), _) => {
            ProcessEnd::Cut(Outcome::Interrupted, "the run was stopped".into())
        }
        (None, Some(Exit::Code(code))) => by_code(spec, seen, *code),
        (None, Some(Exit::Signal(name))) if name == "SIGKILL" && seen.oom_kills > 0 => {
            ProcessEnd::Cut(
                Outcome::OutOfMemory,
                "killed by the kernel: out of memory".into(),
            )
        }
        (None, Some(Exit::Signal(name))) if name == "SIGKILL" => ProcessEnd::Cut(
            Outcome::Crashed,
            if seen.near_memory_limit {
                "SIGKILL from outside (out of memory suspected)"
            } else {
                "SIGKILL from outside"
            }
            .into(),
        ),
        (None, Some(Exit::Signal(name))) => by_signal(spec, name),
        (None, None) => ProcessEnd::Cut(Outcome::Lost, "result lost".into()),
    }
}

/// The reason of an attempt that was stopped together with crashrate.
fn with_run(signal: StopSignal, exit: &Exit) -> String {
    let exit = match exit {
        Exit::Signal(name) => name.clone(),
        Exit::Code(code) => format!("exit code {code}"),
    };
    format!("{exit}, when the run was stopped by {}", signal.name())
}

/// An exit code may be declared to mean a crash, or a tool may say on standard error that it does.
fn by_code(spec: &UnitSpec, seen: &Seen, code: i32) -> ProcessEnd {
    if let Some(mark) = &seen.crash_mark {
        let why = mark.line.as_deref().map(|line| format!(": {line}"));
        let reason = format!("exit code {code}, {}{}", mark.tool, why.unwrap_or_default());
        return ProcessEnd::Cut(Outcome::Crashed, reason);
    }
    if let Some(OutputMeaning::Skipped(reason)) = &seen.output {
        return ProcessEnd::Skipped(code, reason.clone());
    }
    match spec.exit_codes.meaning(code) {
        ExitMeaning::Crashed => ProcessEnd::Cut(Outcome::Crashed, format!("exit code {code}")),
        ExitMeaning::Skipped if spec.mode == Mode::Isolated => {
            ProcessEnd::Skipped(code, format!("exit code {code}"))
        }
        _ => ProcessEnd::Ended(code),
    }
}

/// The kernel sends SIGXCPU and SIGXFSZ for limits that crashrate has set.
fn by_signal(spec: &UnitSpec, name: &str) -> ProcessEnd {
    match (name, spec.limits.cpu, spec.limits.file_size) {
        ("SIGXCPU", Some(secs), _) => ProcessEnd::Cut(
            Outcome::TimedOut,
            format!("killed after its {secs} s of CPU time"),
        ),
        ("SIGXFSZ", _, Some(bytes)) => ProcessEnd::Cut(
            Outcome::Crashed,
            format!("SIGXFSZ: a file reached its limit of {}", bytes_text(bytes)),
        ),
        _ => ProcessEnd::Cut(Outcome::Crashed, name.to_owned()),
    }
}

fn time_limit(spec: &UnitSpec, seen: &Seen) -> String {
    let (limit, place) = match seen.transcript.running {
        Some(index) => (spec.chapters[index].timeout, ""),
        None if spec.mode == Mode::Isolated => (spec.chapters[0].timeout, ""),
        None => (spec.timeout, " outside of a chapter"),
    };
    let stopped = match &seen.stopped_by {
        Some(signal) => format!("; it was stopped by {signal}"),
        None => String::new(),
    };
    format!(
        "killed after its time limit of {}{place}{stopped}",
        humantime::format_duration(limit)
    )
}

fn isolated(spec: &UnitSpec, seen: &Seen, end: ProcessEnd) -> Ended {
    let log = &seen.transcript.chapters[0];
    let (outcome, reason) = match end {
        ProcessEnd::NotStarted(reason) => (Outcome::NotStarted, Some(reason)),
        ProcessEnd::Cut(outcome, reason) => (outcome, Some(with_phase(reason, log))),
        ProcessEnd::Skipped(_, why) => {
            let reason = match &log.state {
                State::Skipped(reason) => reason.clone(),
                _ => why,
            };
            (Outcome::Skipped, Some(reason))
        }
        ProcessEnd::Ended(code) => {
            let (outcome, reason) = ended_chapter(spec, seen, log, code);
            with_descendants(spec, seen, outcome, reason)
        }
    };
    Ended {
        outcome,
        reason,
        measures: log.measures.clone(),
        ..Ended::default()
    }
}

/// Applies crashes of descendants to a process that exited.
fn with_descendants(
    spec: &UnitSpec,
    seen: &Seen,
    outcome: Outcome,
    reason: Option<String>,
) -> (Outcome, Option<String>) {
    let counts = match spec.process.descendants {
        Some(DescendantCrash::Count) => true,
        Some(DescendantCrash::Note) => false,
        None => !outcome.is_good(),
    };
    match seen.descendants.first() {
        Some(first) if counts => {
            let own = reason.map_or(String::new(), |reason| format!(" ({reason})"));
            let DescendantDeath { program, signal } = first;
            let reason = format!("{signal} of its descendant `{program}`{own}");
            (Outcome::Crashed, Some(reason))
        }
        _ => (outcome, reason),
    }
}

/// A sentence about the descendants that crashed.
fn descendant_note(seen: &Seen) -> Option<String> {
    let mut counts: Vec<(&DescendantDeath, usize)> = Vec::new();
    for death in &seen.descendants {
        match counts.iter_mut().find(|(other, _)| *other == death) {
            Some((_, times)) => *times += 1,
            None => counts.push((death, 1)),
        }
    }
    let words = counts.iter().map(|(death, times)| {
        let DescendantDeath { program, signal } = death;
        match times {
            1 => format!("`{program}` of {signal}"),
            times => format!("`{program}` of {signal} ({times} times)"),
        }
    });
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| format!("descendants died: {}", words.join(", ")))
}

fn with_phase(reason: String, log: &ChapterLog) -> String {
    match log.state {
        State::Waiting | State::Running => reason,
        State::Passed | State::Failed(_) | State::Skipped(_) => {
            format!("{reason}, while exiting after its verdict")
        }
    }
}

/// A chapter in isolated mode whose process exited.
fn ended_chapter(
    spec: &UnitSpec,
    seen: &Seen,
    log: &ChapterLog,
    code: i32,
) -> (Outcome, Option<String>) {
    let failed = |reason: String| (Outcome::Failed, Some(reason));
    let problem = match &seen.output {
        Some(OutputMeaning::Failed(reason)) => Some(reason.clone()),
        Some(OutputMeaning::Passed) => None,
        _ => (code != 0).then(|| format!("exit code {code}")),
    };
    match (&log.state, problem) {
        (State::Failed(reason), _) => failed(reason.clone()),
        (_, None) if spec.exit_codes.inverted => {
            let sign = seen
                .output
                .as_ref()
                .map_or("exit code 0", |_| "its output matches");
            failed(format!("{sign}, but it must fail"))
        }
        (_, Some(problem)) if !spec.exit_codes.inverted => failed(problem),
        (State::Skipped(reason), _) => (Outcome::Skipped, Some(reason.clone())),
        (State::Passed, _) => against_expectations(spec, seen, 0, log),
        _ if !spec.needs_verdict => against_expectations(spec, seen, 0, log),
        (State::Waiting, _) => failed(format!("exit code {code}, but the chapter never started")),
        (State::Running, _) => failed(format!("exit code {code}, but no verdict")),
    }
}

fn against_expectations(
    spec: &UnitSpec,
    seen: &Seen,
    index: usize,
    log: &ChapterLog,
) -> (Outcome, Option<String>) {
    let asked = spec.env.get(crashrate_protocol::env::DEVICE);
    let device = (seen.transcript.hello.as_ref().map(|h| h.device.as_str()))
        .or(asked.map(String::as_str))
        .unwrap_or_default();
    match missed(&spec.chapters[index].expect, &log.measures, device) {
        Some(reason) => (Outcome::Failed, Some(reason)),
        None => (Outcome::Passed, None),
    }
}

fn sequential(spec: &UnitSpec, seen: &Seen, end: ProcessEnd) -> Ended {
    let chapters: Vec<ChapterEnd> = (seen.transcript.chapters.iter().enumerate())
        .map(|(index, log)| chapter_of_sequence(spec, seen, index, log, &end))
        .collect();
    let (outcome, reason) = whole_sequence(spec, &chapters, &end);
    let (outcome, reason) = match end {
        ProcessEnd::Ended(_) => with_descendants(spec, seen, outcome, reason),
        _ => (outcome, reason),
    };
    Ended {
        order: match spec.order.is_given() {
            true => Vec::new(),
            false => seen.transcript.order.clone(),
        },
        died_in: outcome.is_death().then(|| died_in(&seen.transcript)),
        outcome,
        reason,
        chapters,
        ..Ended::default()
    }
}

fn chapter_of_sequence(
    spec: &UnitSpec,
    seen: &Seen,
    index: usize,
    log: &ChapterLog,
    end: &ProcessEnd,
) -> ChapterEnd {
    let (outcome, reason) = match (&log.state, end) {
        // A chapter keeps its verdict, however the process ended.
        (State::Passed, _) => against_expectations(spec, seen, index, log),
        (State::Failed(reason), _) => (Outcome::Failed, Some(reason.clone())),
        (State::Skipped(reason), _) => (Outcome::Skipped, Some(reason.clone())),
        (_, ProcessEnd::NotStarted(reason)) => (Outcome::NotStarted, Some(reason.clone())),
        (State::Running, ProcessEnd::Cut(outcome, reason)) => (*outcome, Some(reason.clone())),
        (State::Running, ProcessEnd::Ended(code) | ProcessEnd::Skipped(code, _)) => (
            Outcome::Failed,
            Some(format!("exit code {code}, but no verdict")),
        ),
        (State::Waiting, ProcessEnd::Cut(Outcome::Interrupted, _)) => (Outcome::Interrupted, None),
        (State::Waiting, ProcessEnd::Cut(Outcome::Lost, _)) => (Outcome::Lost, None),
        (State::Waiting, _) => (Outcome::Unreached, None),
    };
    ChapterEnd {
        outcome,
        secs: log.secs(seen.secs),
        reason,
        measures: log.measures.clone(),
    }
}

fn whole_sequence(
    spec: &UnitSpec,
    chapters: &[ChapterEnd],
    end: &ProcessEnd,
) -> (Outcome, Option<String>) {
    let code = match end {
        ProcessEnd::NotStarted(reason) => return (Outcome::NotStarted, Some(reason.clone())),
        ProcessEnd::Cut(outcome, reason) => return (*outcome, Some(reason.clone())),
        ProcessEnd::Ended(code) | ProcessEnd::Skipped(code, _) => *code,
    };
    let names = |expected: Outcome| -> Vec<&str> {
        (spec.chapters.iter().zip(chapters))
            .filter(|(_, end)| end.outcome == expected)
            .map(|(chapter, _)| chapter.id.as_str())
            .collect()
    };
    let (failed, unreached) = (names(Outcome::Failed), names(Outcome::Unreached));
    let reason = if !failed.is_empty() {
        format!("failed: {}", failed.join(", "))
    } else if !unreached.is_empty() {
        format!("exit code {code} before {}", unreached.join(", "))
    } else if code != 0 {
        format!("exit code {code} after the last verdict")
    } else if chapters.iter().all(|end| end.outcome == Outcome::Skipped) {
        return (Outcome::Skipped, None);
    } else {
        return (Outcome::Passed, None);
    };
    (Outcome::Failed, Some(reason))
}

fn died_in(transcript: &Transcript) -> DiedIn {
    if let Some(running) = transcript.running {
        return DiedIn::Chapter(transcript.chapters[running].id.clone());
    }
    let is_waiting = |chapter: &ChapterLog| chapter.state == State::Waiting;
    if transcript.chapters.iter().any(is_waiting) {
        DiedIn::Between
    } else {
        DiedIn::Exit
    }
}
