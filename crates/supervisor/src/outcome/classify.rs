//! The rules that turn what was seen into an outcome. Each rule of the design stands here once.

use crashrate_model::{ChapterEnd, DiedIn, Exit, Measure, Mode, Outcome};

use super::expect::missed;
use super::transcript::{State, Told, Transcript};
use crate::plan::UnitSpec;
use crate::process;
use crate::suite::{DescendantCrash, bytes_text};

/// Why crashrate killed an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kill {
    /// Its time limit was over.
    TimeLimit,
    /// The user stopped the run.
    Interrupt,
}

/// What was seen of an attempt.
#[derive(Clone, Debug)]
pub struct Seen {
    /// How the process ended; nothing when it was never started, or could not be killed.
    pub exit: Option<Exit>,
    /// Why it could not be started, if so.
    pub not_started: Option<String>,
    /// Whether crashrate killed it, and why.
    pub killed: Option<Kill>,
    /// What it said.
    pub transcript: Transcript,
    /// From start to end, seconds.
    pub secs: f64,
    /// How many of its processes the kernel killed for want of memory, by the kernel's own record.
    pub oom_kills: u64,
    /// Whether its peak memory was near what the machine or its limits allow.
    pub near_memory_limit: bool,
    /// The signal that it was stopped by at its time limit, if it was.
    pub stopped_by: Option<String>,
    /// The descendants that crashed.
    pub descendants: Vec<DescendantDeath>,
    /// What else was seen.
    pub notes: Vec<String>,
}

/// The death of a descendant by a signal that stands for a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescendantDeath {
    /// The name of its program.
    pub program: String,
    /// The signal's name.
    pub signal: String,
}

impl DescendantDeath {
    pub(crate) fn of(crash: &process::DescendantCrash) -> DescendantDeath {
        DescendantDeath {
            program: crash.program.clone(),
            signal: crash.crash.signal.clone().unwrap_or_default(),
        }
    }
}

impl Seen {
    /// Nothing yet of an attempt of this unit.
    pub(crate) fn nothing(unit: &UnitSpec) -> Seen {
        let ids = unit.chapters.iter().map(|c| c.id.clone());
        Seen {
            exit: None,
            not_started: None,
            killed: None,
            transcript: Transcript::new(ids, unit.mode == Mode::Isolated),
            secs: 0.0,
            oom_kills: 0,
            near_memory_limit: false,
            stopped_by: None,
            descendants: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Of the chapter in isolated mode, of the sequence in sequential mode.
    pub outcome: Outcome,
    /// Sequential mode: where it died.
    pub died_in: Option<DiedIn>,
    /// Why, for people.
    pub reason: Option<String>,
    /// Isolated mode: what was measured.
    pub measures: Vec<Measure>,
    /// Sequential mode: the chapters.
    pub chapters: Vec<ChapterEnd>,
    /// What else was seen.
    pub notes: Vec<String>,
}

/// Judges an attempt.
pub fn classify(spec: &UnitSpec, seen: &Seen) -> Verdict {
    let mut notes = seen.notes.clone();
    notes.extend(seen.transcript.all_notes());
    notes.extend(descendant_note(seen));
    let whole = process_end(spec, seen);
    let judged = match spec.mode {
        Mode::Isolated => isolated(spec, seen, whole),
        Mode::Sequential => sequential(spec, seen, whole),
    };
    Verdict { notes, ..judged }
}

/// How the process as such ended, whatever its chapters said.
enum Whole {
    /// No attempt was made of the chapters: the set-up's fault.
    NotStarted(String),
    /// Died, was killed or was stopped before it could end by itself.
    Cut(Outcome, String),
    /// Ended by itself with this code.
    Ended(i32),
}

fn process_end(spec: &UnitSpec, seen: &Seen) -> Whole {
    if let Some(reason) = &seen.not_started {
        return Whole::NotStarted(reason.clone());
    }
    if let Some(reason) = &seen.transcript.unavailable {
        return Whole::NotStarted(format!("unavailable: {reason}"));
    }
    match (seen.killed, &seen.exit) {
        // A kill that crashrate sent is never the worker's own signal, whatever the process made of it.
        (Some(Kill::TimeLimit), _) => Whole::Cut(Outcome::TimedOut, time_limit(spec, seen)),
        (Some(Kill::Interrupt), _) => {
            Whole::Cut(Outcome::Interrupted, "the run was stopped".into())
        }
        (None, Some(Exit::Code(code))) => Whole::Ended(*code),
        (None, Some(Exit::Signal(name))) if name == "SIGKILL" && seen.oom_kills > 0 => Whole::Cut(
            Outcome::OutOfMemory,
            "killed by the kernel for want of memory".into(),
        ),
        (None, Some(Exit::Signal(name))) if name == "SIGKILL" => Whole::Cut(
            Outcome::Crashed,
            match seen.near_memory_limit {
                true => "SIGKILL from outside (out of memory suspected)",
                false => "SIGKILL from outside",
            }
            .into(),
        ),
        (None, Some(Exit::Signal(name))) => by_signal(spec, name),
        (None, None) => Whole::Cut(Outcome::Lost, "its end was not seen".into()),
    }
}

/// The kernel sends these two for limits that crashrate has set.
fn by_signal(spec: &UnitSpec, name: &str) -> Whole {
    match (name, spec.limits.cpu, spec.limits.file_size) {
        ("SIGXCPU", Some(secs), _) => Whole::Cut(
            Outcome::TimedOut,
            format!("killed after its {secs} s of processor time"),
        ),
        ("SIGXFSZ", _, Some(bytes)) => Whole::Cut(
            Outcome::Crashed,
            format!("SIGXFSZ: a file reached its limit of {}", bytes_text(bytes)),
        ),
        _ => Whole::Cut(Outcome::Crashed, name.to_owned()),
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

fn isolated(spec: &UnitSpec, seen: &Seen, whole: Whole) -> Verdict {
    let told = &seen.transcript.chapters[0];
    let (outcome, reason) = match whole {
        Whole::NotStarted(reason) => (Outcome::NotStarted, Some(reason)),
        Whole::Cut(outcome, reason) => (outcome, Some(with_phase(reason, told))),
        Whole::Ended(code) => {
            let (outcome, reason) = ended_chapter(spec, seen, told, code);
            with_descendants(spec, seen, outcome, reason)
        }
    };
    Verdict {
        outcome,
        died_in: None,
        reason,
        measures: told.measures.clone(),
        chapters: Vec::new(),
        notes: Vec::new(),
    }
}

/// The outcome of a process that ended by itself, if descendants of it crashed and that counts.
fn with_descendants(
    spec: &UnitSpec,
    seen: &Seen,
    outcome: Outcome,
    reason: Option<String>,
) -> (Outcome, Option<String>) {
    let counts = match spec.process.descendants {
        Some(DescendantCrash::Count) => true,
        Some(DescendantCrash::Note) => false,
        None => outcome != Outcome::Passed,
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

/// The descendants that crashed, in a sentence.
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

fn with_phase(reason: String, told: &Told) -> String {
    match told.state {
        State::Passed | State::Failed(_) => format!("{reason}, while exiting after its verdict"),
        _ => reason,
    }
}

/// A chapter alone in its process, which ended by itself.
fn ended_chapter(
    spec: &UnitSpec,
    seen: &Seen,
    told: &Told,
    code: i32,
) -> (Outcome, Option<String>) {
    let failed = |reason: String| (Outcome::Failed, Some(reason));
    match (&told.state, code) {
        (State::Failed(reason), _) => failed(reason.clone()),
        (_, code) if code != 0 => failed(format!("exit code {code}")),
        (State::Passed, _) => against_expectations(spec, seen, 0, told),
        (State::Waiting | State::Running, _) if !spec.needs_verdict => {
            against_expectations(spec, seen, 0, told)
        }
        (State::Waiting, _) => failed("exit code 0, but the chapter never started".into()),
        (State::Running, _) => failed("exit code 0, but no verdict".into()),
    }
}

fn against_expectations(
    spec: &UnitSpec,
    seen: &Seen,
    index: usize,
    told: &Told,
) -> (Outcome, Option<String>) {
    let asked = spec.env.get(crashrate_protocol::env::DEVICE);
    let device = (seen.transcript.hello.as_ref().map(|h| h.device.as_str()))
        .or(asked.map(String::as_str))
        .unwrap_or_default();
    match missed(&spec.chapters[index].expect, &told.measures, device) {
        Some(reason) => (Outcome::Failed, Some(reason)),
        None => (Outcome::Passed, None),
    }
}

fn sequential(spec: &UnitSpec, seen: &Seen, whole: Whole) -> Verdict {
    let chapters: Vec<ChapterEnd> = (seen.transcript.chapters.iter().enumerate())
        .map(|(index, told)| chapter_of_sequence(spec, seen, index, told, &whole))
        .collect();
    let (outcome, reason) = whole_sequence(spec, &chapters, &whole);
    let (outcome, reason) = match whole {
        Whole::Ended(_) => with_descendants(spec, seen, outcome, reason),
        Whole::NotStarted(_) | Whole::Cut(..) => (outcome, reason),
    };
    Verdict {
        died_in: is_death(outcome).then(|| died_in(&seen.transcript)),
        outcome,
        reason,
        measures: Vec::new(),
        chapters,
        notes: Vec::new(),
    }
}

fn is_death(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Crashed | Outcome::TimedOut | Outcome::OutOfMemory
    )
}

fn chapter_of_sequence(
    spec: &UnitSpec,
    seen: &Seen,
    index: usize,
    told: &Told,
    whole: &Whole,
) -> ChapterEnd {
    let (outcome, reason) = match (&told.state, whole) {
        // What has its verdict keeps it, however the process went on.
        (State::Passed, _) => against_expectations(spec, seen, index, told),
        (State::Failed(reason), _) => (Outcome::Failed, Some(reason.clone())),
        (_, Whole::NotStarted(reason)) => (Outcome::NotStarted, Some(reason.clone())),
        (State::Running, Whole::Cut(outcome, reason)) => (*outcome, Some(reason.clone())),
        (State::Running, Whole::Ended(code)) => (
            Outcome::Failed,
            Some(format!("exit code {code}, but no verdict")),
        ),
        (State::Waiting, Whole::Cut(Outcome::Interrupted, _)) => (Outcome::Interrupted, None),
        (State::Waiting, Whole::Cut(Outcome::Lost, _)) => (Outcome::Lost, None),
        (State::Waiting, _) => (Outcome::Unreached, None),
    };
    ChapterEnd {
        outcome,
        secs: told.secs(seen.secs),
        reason,
        measures: told.measures.clone(),
    }
}

fn whole_sequence(
    spec: &UnitSpec,
    chapters: &[ChapterEnd],
    whole: &Whole,
) -> (Outcome, Option<String>) {
    let code = match whole {
        Whole::NotStarted(reason) => return (Outcome::NotStarted, Some(reason.clone())),
        Whole::Cut(outcome, reason) => return (*outcome, Some(reason.clone())),
        Whole::Ended(code) => *code,
    };
    let names = |wanted: Outcome| -> Vec<&str> {
        (spec.chapters.iter().zip(chapters))
            .filter(|(_, end)| end.outcome == wanted)
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
    } else {
        return (Outcome::Passed, None);
    };
    (Outcome::Failed, Some(reason))
}

fn died_in(transcript: &Transcript) -> DiedIn {
    if let Some(running) = transcript.running {
        return DiedIn::Chapter(transcript.chapters[running].id.clone());
    }
    match transcript
        .chapters
        .iter()
        .any(|c| c.state == State::Waiting)
    {
        true => DiedIn::Between,
        false => DiedIn::Exit,
    }
}
