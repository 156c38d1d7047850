//! How far a run is, in numbers and words.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crashrate_model::{Ended, Mode, Outcome, Record, Stopping, Unit};
use crashrate_report::{count, plural};
use crashrate_supervisor::journal::{self, RunFolder};
use crashrate_supervisor::outcome::Note;
use crashrate_supervisor::plan::RoundKey;
use crashrate_supervisor::runner::{Campaign, RunningAttempt};
use crashrate_supervisor::search::SearchStatus;
use crashrate_supervisor::suite::DEFAULT_VARIANT;

use super::estimate::{Estimate, TimeLeft, rough};
use super::search;

/// Columns of the bar.
const BAR: u64 = 30;
/// Characters of a reason or a step in a line.
const MAX_TEXT: usize = 200;

/// How far a run is.
pub(super) struct State {
    units: Vec<Unit>,
    begun: Instant,
    planned: u64,
    /// Rounds that have ended, also before the run was resumed.
    done: u64,
    done_before: u64,
    counts: BTreeMap<Outcome, u64>,
    running: BTreeMap<RoundKey, Running>,
    /// By slot: the question to its device, in words.
    probing: BTreeMap<u32, String>,
    estimate: Estimate,
    /// A stopping rule may end the run before its rounds.
    may_stop: bool,
    time_budget: Option<Duration>,
    /// How far the search is, in a run that has one.
    pub(super) search: Option<SearchStatus>,
}

struct Running {
    begun: Instant,
    /// The last step that the attempt reported.
    step: Option<String>,
}

impl State {
    pub(super) fn new(campaign: &Campaign, folder: &RunFolder) -> State {
        let plan = &campaign.plan;
        let mut state = State {
            units: plan.units.clone(),
            begun: Instant::now(),
            planned: plan.count(),
            done: 0,
            done_before: 0,
            counts: BTreeMap::new(),
            running: BTreeMap::new(),
            probing: BTreeMap::new(),
            estimate: Estimate::new(plan, campaign.bounds.slots),
            may_stop: campaign.stopping != Stopping::FixedRounds
                || campaign.bounds.max_failures.is_some(),
            time_budget: campaign.time_budget,
            search: None,
        };
        if folder.is_resumed()
            && let Ok(records) = journal::read(&folder.journal())
        {
            // The runner reports what is wrong with the journal.
            records
                .map_while(Result::ok)
                .for_each(|r| state.earlier(&r));
        }
        state.done_before = state.done;
        state
    }

    /// Counts a round that ended before the run was resumed. One without a result runs again.
    fn earlier(&mut self, record: &Record) {
        if let Record::Ended(ended) = record
            && (ended.outcome.counts() || ended.outcome.is_good())
            && (ended.unit as usize) < self.units.len()
        {
            let took = Duration::try_from_secs_f64(ended.secs.unwrap_or_default());
            self.count(ended, took.unwrap_or_default());
        }
    }

    pub(super) fn started(&mut self, unit: u32, round: u32) {
        let running = Running {
            begun: Instant::now(),
            step: None,
        };
        self.running.insert(RoundKey { unit, round }, running);
    }

    /// The device of a slot is asked whether it works.
    pub(super) fn probing(&mut self, slot: u32, device: &str, limit: Duration) {
        let limit = rough(limit.as_secs_f64());
        let words = format!("asking {device} whether it works, for at most {limit}");
        self.probing.insert(slot, words);
    }

    pub(super) fn probed(&mut self, slot: u32) {
        self.probing.remove(&slot);
    }

    /// Counts an ended attempt.
    pub(super) fn ended(&mut self, ended: &Ended) {
        let key = key(ended);
        // An attempt that an earlier supervisor lost has an end, but was not started here.
        if let Some(running) = self.running.remove(&key) {
            self.count(ended, running.begun.elapsed());
        }
    }

    fn count(&mut self, ended: &Ended, took: Duration) {
        if ended.attempt == 1 {
            self.done += 1;
            *self.counts.entry(ended.outcome).or_default() += 1;
        }
        self.estimate.ended(ended.unit, ended.attempt, took);
    }

    /// A line about an ended attempt.
    pub(super) fn end_line(&self, ended: &Ended) -> String {
        format!("{}: {}", self.name(key(ended)), result(ended))
    }

    pub(super) fn set_step(&mut self, key: RoundKey, note: &Note) {
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
    pub(super) fn lines(&self, now: Instant, columns: usize, rows: usize) -> Vec<String> {
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
        let bar = if columns < 100 || self.search.is_some() {
            String::new()
        } else {
            format!("[{:<30}] ", "#".repeat(filled))
        };
        let elapsed = clock(now.saturating_duration_since(self.begun));
        lines.push(format!("{elapsed} {bar}{}", self.summary(now)));
        lines
    }

    /// `12 of 200 rounds, 3 crashed, 4.1 rounds/min, about 45 min left`.
    pub(super) fn summary(&self, now: Instant) -> String {
        let elapsed = now.saturating_duration_since(self.begun);
        if let Some(status) = &self.search {
            return search::summary(status, &self.units, self.rate(elapsed));
        }
        let totals = format!("{} of {}", count(self.done), rounds(self.planned));
        let mut words = vec![totals];
        let not_passed = (self.counts.iter()).filter(|(outcome, _)| **outcome != Outcome::Passed);
        words.extend(not_passed.map(|(outcome, n)| format!("{} {outcome}", count(*n))));
        words.extend(self.rate(elapsed));
        // Nobody knows how long a device takes to answer.
        match self.probing.is_empty() {
            true => words.extend(self.time_left(now, elapsed)),
            false => words.extend(self.probing.values().cloned()),
        }
        words.join(", ")
    }

    /// Rounds a minute since this supervisor began.
    fn rate(&self, elapsed: Duration) -> Option<String> {
        let done = self.done - self.done_before;
        let minutes = elapsed.as_secs_f64() / 60.0;
        let rate = (done > 0 && minutes > 0.0).then(|| done as f64 / minutes)?;
        Some(match rate {
            100.0.. => format!("{} rounds/min", count(rate as u64)),
            1.0.. => format!("{rate:.1} rounds/min"),
            _ => format!("{:.1} rounds/h", rate * 60.0),
        })
    }

    /// Nothing before the first rounds have ended, and after the last.
    fn time_left(&self, now: Instant, elapsed: Duration) -> Option<String> {
        if self.done >= self.planned {
            return None;
        }
        let running = self.running.iter().map(|(key, running)| {
            let ran = now.saturating_duration_since(running.begun);
            (key.unit, ran)
        });
        let left = self.estimate.left(running);
        let budget = self
            .time_budget
            .map(|budget| budget.saturating_sub(elapsed));
        let budget = budget.map(|budget| budget.as_secs_f64());
        let words = match (left?, budget) {
            (TimeLeft::About(secs) | TimeLeft::AtLeast(secs), Some(budget)) if secs >= budget => {
                format!("about {} left (--for)", rough(budget))
            }
            (TimeLeft::About(secs), _) if self.may_stop => format!("at most {} left", rough(secs)),
            // Rounds of unknown duration may follow, or the rule may stop the run.
            (TimeLeft::AtLeast(_), _) if self.may_stop => return None,
            (TimeLeft::About(secs), _) => format!("about {} left", rough(secs)),
            (TimeLeft::AtLeast(secs), _) => format!("at least {} left", rough(secs)),
        };
        Some(words)
    }

    /// `round 1 took 12 s; about 10 min for 50 rounds`.
    pub(super) fn time_of_run(&self) -> String {
        let took = self.begun.elapsed().as_secs_f64();
        let rounds = self.units.iter().map(|unit| unit.rounds).max().unwrap_or(0);
        let about = if self.may_stop { "at most" } else { "about" };
        let (took, all) = (rough(took), rough(took * f64::from(rounds)));
        format!(
            "round 1 took {took}; {about} {all} for {}",
            self::rounds(rounds.into())
        )
    }

    /// What runs now, a line for each attempt after one with the totals.
    pub(super) fn status(&self, attempts: &[RunningAttempt], now: Instant) -> Vec<String> {
        let mut lines = vec![self.summary(now)];
        if attempts.is_empty() {
            lines.push("  nothing is running".to_owned());
        }
        for attempt in attempts {
            let key = attempt.running.key;
            let unit = &self.units[key.unit as usize];
            let mut line = format!("  {}", self.name(key));
            if attempt.is_evidence {
                line += ", for evidence";
            } else if attempt.running.attempt > 1 {
                line += &format!(", attempt {}", attempt.running.attempt);
            }
            if unit.mode == Mode::Sequential {
                let chapter = attempt.chapter.and_then(|index| unit.chapters.get(index));
                line += &match chapter {
                    Some(chapter) => format!(", in {chapter}"),
                    None => ", between chapters".to_owned(),
                };
            }
            let since = clock(now.saturating_duration_since(attempt.since));
            line += &match attempt.pid {
                Some(pid) => format!(", for {since}, pid {pid}"),
                None => format!(", for {since}, not started yet or just ended"),
            };
            lines.push(line);
        }
        lines
    }

    /// The variant of a unit.
    pub(super) fn variant(&self, unit: u32) -> String {
        self.units[unit as usize].variant.clone()
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

fn key(ended: &Ended) -> RoundKey {
    let &Ended { unit, round, .. } = ended;
    RoundKey { unit, round }
}

fn rounds(n: u64) -> String {
    plural(n, "round")
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
