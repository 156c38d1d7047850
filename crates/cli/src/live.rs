//! The progress of a run: a picture on a terminal, plain lines in CI, nothing when piped.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crashrate_model::{Ended, Mode, Outcome, OutcomeSet, Record, Unit};
use crashrate_supervisor::outcome::Note;
use crashrate_supervisor::plan::{Plan, RoundKey};
use crashrate_supervisor::runner::RunEvent;

use crate::screen::{self, tell};

/// Time between two lines in CI.
const LINE_EVERY: Duration = Duration::from_secs(20);
/// Columns of the bar.
const BAR: u64 = 30;
/// The longest reason or progress in a line, in characters.
const LONGEST: usize = 200;

/// Shows the progress of a run on standard error. The run only updates numbers; the screen's thread draws them.
pub(crate) struct Live {
    progress: Arc<Mutex<Progress>>,
    how: How,
}

enum How {
    Picture,
    Lines { last: Instant },
    Nothing,
}

/// How far a run is.
struct Progress {
    units: Vec<Unit>,
    bad: OutcomeSet,
    begun: Instant,
    planned: u64,
    done: u64,
    counts: BTreeMap<Outcome, u64>,
    running: BTreeMap<RoundKey, Running>,
}

struct Running {
    begun: Instant,
    /// What the attempt said of its progress.
    said: Option<String>,
}

impl Live {
    pub(crate) fn new(plan: &Plan) -> Self {
        let progress = Arc::new(Mutex::new(Progress {
            units: plan.units.clone(),
            bad: plan.suite.bad.clone(),
            begun: Instant::now(),
            planned: plan.count(),
            done: 0,
            counts: BTreeMap::new(),
            running: BTreeMap::new(),
        }));
        let in_ci = std::env::var_os("CI").is_some_and(|v| !v.is_empty());
        let how = if std::io::stderr().is_terminal() {
            let drawn = progress.clone();
            screen::show(Arc::new(move |columns, rows| {
                lock(&drawn).lines(Instant::now(), columns, rows)
            }));
            How::Picture
        } else if in_ci {
            How::Lines {
                last: Instant::now(),
            }
        } else {
            How::Nothing
        };
        Live { progress, how }
    }

    pub(crate) fn show(&mut self, fact: &RunEvent<'_>) {
        match fact {
            RunEvent::Stopping => {
                tell("stopping: waiting for running attempts; press Ctrl-C again to kill them");
            }
            RunEvent::Trouble(reason) => tell(format_args!("stopping: {reason}")),
            RunEvent::Killing => tell("stopping: killing running attempts"),
            RunEvent::Record(_) | RunEvent::Progress(..) if matches!(self.how, How::Nothing) => {}
            RunEvent::Record(Record::Started(started)) => {
                let key = RoundKey {
                    unit: started.unit,
                    round: started.round,
                };
                let running = Running {
                    begun: Instant::now(),
                    said: None,
                };
                lock(&self.progress).running.insert(key, running);
            }
            RunEvent::Record(Record::Ended(ended)) => self.ended(ended),
            RunEvent::Record(_) => {}
            RunEvent::Progress(key, note) => lock(&self.progress).said(*key, note),
        }
    }

    fn ended(&mut self, ended: &Ended) {
        // Not held while something is told: the screen's thread takes both locks.
        let line = lock(&self.progress).ended(ended);
        if ended.outcome != Outcome::Passed {
            tell(line);
        }
        if let How::Lines { last } = &mut self.how
            && last.elapsed() >= LINE_EVERY
        {
            *last = Instant::now();
            let line = lock(&self.progress).line();
            tell(line);
        }
    }
}

impl Drop for Live {
    /// The report follows.
    fn drop(&mut self) {
        screen::hide();
    }
}

impl Progress {
    /// Takes in the end of an attempt, and returns a line about it.
    fn ended(&mut self, ended: &Ended) -> String {
        let key = RoundKey {
            unit: ended.unit,
            round: ended.round,
        };
        if ended.attempt == 1 {
            self.done += 1;
            *self.counts.entry(ended.outcome).or_default() += 1;
        }
        self.running.remove(&key);
        format!("{}: {}", self.name(key), how(ended))
    }

    fn said(&mut self, key: RoundKey, note: &Note) {
        let unit = &self.units[key.unit as usize];
        let Some(running) = self.running.get_mut(&key) else {
            return;
        };
        match note {
            Note::Progress { done, total, unit } => {
                let unit: String = unit.chars().take(20).collect();
                running.said = Some(format!("{done:.0} of {total:.0} {unit}"));
            }
            Note::ChapterStarted(index) if unit.mode == Mode::Sequential => {
                running.said = unit.chapters.get(*index).cloned();
            }
            _ => {}
        }
    }

    /// The picture: the running attempts, as many as fit, and the totals.
    fn lines(&self, now: Instant, columns: usize, rows: usize) -> Vec<String> {
        let room = rows.saturating_sub(2).max(1);
        let mut lines: Vec<_> = (self.running.iter().take(room))
            .map(|(key, running)| {
                let said = running.said.as_ref().map(|said| format!(": {said}"));
                let since = clock(now.saturating_duration_since(running.begun));
                format!(
                    "  {since} {}{}",
                    self.name(*key),
                    cut(&said.unwrap_or_default())
                )
            })
            .collect();
        let filled = (BAR * self.done.min(self.planned))
            .checked_div(self.planned)
            .unwrap_or(BAR) as usize;
        let bar = match columns < 60 {
            true => String::new(),
            false => format!("[{:<30}] ", "#".repeat(filled)),
        };
        lines.push(format!(
            "{} {bar}{} of {} rounds, {}",
            clock(now.saturating_duration_since(self.begun)),
            self.done,
            self.planned,
            self.totals()
        ));
        lines
    }

    /// How far the run is, in a line.
    fn line(&self) -> String {
        let Progress { done, planned, .. } = self;
        format!("{done} of {planned} rounds: {}", self.totals())
    }

    fn totals(&self) -> String {
        let counts: Vec<_> = (self.counts.iter())
            .map(|(outcome, n)| format!("{n} {outcome}"))
            .collect();
        let bad: u64 = (self.counts.iter())
            .filter(|(outcome, _)| self.bad.contains(**outcome))
            .map(|(_, n)| n)
            .sum();
        match counts.is_empty() {
            true => format!("{bad} bad"),
            false => format!("{bad} bad ({})", counts.join(", ")),
        }
    }

    fn name(&self, key: RoundKey) -> String {
        let unit = &self.units[key.unit as usize];
        let variant = match unit.variant.as_str() {
            crashrate_supervisor::suite::DEFAULT_VARIANT => String::new(),
            other => format!(" [{other}]"),
        };
        format!("{} {}{variant} round {}", unit.mode, unit.name, key.round)
    }
}

/// Held for moments only: nothing is written while it is.
fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `4s`, `2:05`, `1:00:09`.
fn clock(time: Duration) -> String {
    let secs = time.as_secs();
    let (hours, minutes) = (secs / 3600, secs / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{secs}s"),
        (0, _) => format!("{minutes}:{:02}", secs % 60),
        (_, _) => format!("{hours}:{minutes:02}:{:02}", secs % 60),
    }
}

/// How an attempt ended, in a few words.
fn how(ended: &Ended) -> String {
    let attempt = match ended.attempt {
        1 => String::new(),
        n => format!(" on attempt {n}"),
    };
    match &ended.reason {
        None => format!("{}{attempt}", ended.outcome),
        Some(reason) => format!("{}{attempt}: {}", ended.outcome, cut(reason)),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
