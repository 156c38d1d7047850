//! Runs a campaign and shows its progress: redrawn in place on a terminal, plain lines in CI,
//! nothing when piped.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crashrate_model::{Ended, Mode, Outcome, OutcomeSet, Record, StopReason, Unit};
use crashrate_supervisor::journal::RunFolder;
use crashrate_supervisor::outcome::Note;
use crashrate_supervisor::plan::{Plan, RoundKey};
use crashrate_supervisor::runner::{self, Campaign, RunError, RunEvent};
use crashrate_supervisor::suite::DEFAULT_VARIANT;

use crate::environment::lock;
use crate::output::{hide_display, note, show_display};
use crate::signals::StopWatch;

/// Time between two lines in CI.
const LINE_EVERY: Duration = Duration::from_secs(20);
/// Columns of the bar.
const BAR: u64 = 30;
/// Characters of a reason or a step in a line.
const MAX_TEXT: usize = 200;

/// Runs a campaign. A signal after its end prints `stopped_later` and ends the program.
pub(crate) fn run_campaign(
    campaign: &Campaign,
    folder: &RunFolder,
    watch: &StopWatch,
    stopped_later: String,
) -> Result<StopReason, RunError> {
    let mut progress = Progress::new(&campaign.plan);
    let stopped = runner::run(campaign, folder, &mut |event| {
        if let RunEvent::Record(Record::Started(_)) = event {
            watch.run_started();
        }
        progress.update(&event);
    });
    watch.run_ended(stopped_later);
    stopped
}

/// Shows how far a run is, on standard error. The run only updates the state; another thread draws
/// it.
struct Progress {
    /// Nothing is printed while its lock is held.
    state: Arc<Mutex<State>>,
    style: Style,
}

enum Style {
    Display,
    Lines { last: Instant },
    Silent,
}

struct State {
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
    /// The last step that the attempt reported.
    step: Option<String>,
}

impl Progress {
    fn new(plan: &Plan) -> Self {
        let state = Arc::new(Mutex::new(State {
            units: plan.units.clone(),
            bad: plan.suite.bad.clone(),
            begun: Instant::now(),
            planned: plan.count(),
            done: 0,
            counts: BTreeMap::new(),
            running: BTreeMap::new(),
        }));
        let in_ci = std::env::var_os("CI").is_some_and(|v| !v.is_empty());
        let style = if std::io::stderr().is_terminal() {
            let drawn = state.clone();
            show_display(Arc::new(move |columns, rows| {
                lock(&drawn).lines(Instant::now(), columns, rows)
            }));
            Style::Display
        } else if in_ci {
            Style::Lines {
                last: Instant::now(),
            }
        } else {
            Style::Silent
        };
        Progress { state, style }
    }

    fn update(&mut self, event: &RunEvent<'_>) {
        match event {
            RunEvent::Stopping => {
                note("stopping: waiting for running attempts; press Ctrl-C again to kill them");
            }
            RunEvent::Trouble(reason) => note(format_args!("stopping: {reason}")),
            RunEvent::Killing => note("stopping: killing running attempts"),
            _ if matches!(self.style, Style::Silent) => {}
            RunEvent::Record(Record::Started(started)) => {
                lock(&self.state).started(started.unit, started.round);
            }
            RunEvent::Record(Record::Ended(ended)) => self.ended(ended),
            RunEvent::Record(_) => {}
            RunEvent::Progress(key, step) => lock(&self.state).set_step(*key, step),
        }
    }

    fn ended(&mut self, ended: &Ended) {
        // Released before `note`: the drawing thread takes both locks.
        let line = lock(&self.state).ended(ended);
        if !ended.outcome.is_good() {
            note(line);
        }
        if let Style::Lines { last } = &mut self.style
            && last.elapsed() >= LINE_EVERY
        {
            *last = Instant::now();
            let line = lock(&self.state).summary();
            note(line);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        hide_display();
    }
}

impl State {
    fn started(&mut self, unit: u32, round: u32) {
        let running = Running {
            begun: Instant::now(),
            step: None,
        };
        self.running.insert(RoundKey { unit, round }, running);
    }

    /// Counts an ended attempt and returns a line about it.
    fn ended(&mut self, ended: &Ended) -> String {
        let &Ended { unit, round, .. } = ended;
        let key = RoundKey { unit, round };
        if ended.attempt == 1 {
            self.done += 1;
            *self.counts.entry(ended.outcome).or_default() += 1;
        }
        self.running.remove(&key);
        format!("{}: {}", self.name(key), result(ended))
    }

    fn set_step(&mut self, key: RoundKey, note: &Note) {
        let unit = &self.units[key.unit as usize];
        let Some(running) = self.running.get_mut(&key) else {
            return;
        };
        match note {
            Note::Progress { done, total, unit } => {
                let unit: String = unit.chars().take(20).collect();
                running.step = Some(format!("{done:.0} of {total:.0} {unit}"));
            }
            Note::ChapterStarted(index) if unit.mode == Mode::Sequential => {
                running.step = unit.chapters.get(*index).cloned();
            }
            _ => {}
        }
    }

    /// The display: the running attempts, as many as fit, and the totals.
    fn lines(&self, now: Instant, columns: usize, rows: usize) -> Vec<String> {
        let room = rows.saturating_sub(2).max(1);
        let mut lines: Vec<_> = (self.running.iter().take(room))
            .map(|(key, running)| {
                let step = running.step.as_ref().map(|step| format!(": {step}"));
                let since = clock(now.saturating_duration_since(running.begun));
                let step = cut(&step.unwrap_or_default());
                format!("  {since} {}{step}", self.name(*key))
            })
            .collect();
        let filled = (BAR * self.done.min(self.planned))
            .checked_div(self.planned)
            .unwrap_or(BAR) as usize;
        let bar = if columns < 60 {
            String::new()
        } else {
            format!("[{:<30}] ", "#".repeat(filled))
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

    fn summary(&self) -> String {
        format!(
            "{} of {} rounds: {}",
            self.done,
            self.planned,
            self.totals()
        )
    }

    fn totals(&self) -> String {
        let mut bad = 0;
        let mut words = Vec::new();
        for (outcome, n) in &self.counts {
            words.push(format!("{n} {outcome}"));
            if self.bad.contains(*outcome) {
                bad += n;
            }
        }
        if words.is_empty() {
            format!("{bad} bad")
        } else {
            format!("{bad} bad ({})", words.join(", "))
        }
    }

    fn name(&self, key: RoundKey) -> String {
        let unit = &self.units[key.unit as usize];
        let variant = match unit.variant.as_str() {
            DEFAULT_VARIANT => String::new(),
            other => format!(" [{other}]"),
        };
        format!("{} {}{variant} round {}", unit.mode, unit.name, key.round)
    }
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
fn result(ended: &Ended) -> String {
    let mut words = ended.outcome.to_string();
    if ended.attempt > 1 {
        words += &format!(" on attempt {}", ended.attempt);
    }
    if let Some(reason) = &ended.reason {
        words += &format!(": {}", cut(reason));
    }
    words
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}
