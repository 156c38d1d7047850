//! The run while it goes on: bars on a terminal, plain lines in CI, nothing when piped.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use crashrate_model::{Ended, Mode, Outcome, OutcomeSet, Record, Unit};
use crashrate_supervisor::driver::Fact;
use crashrate_supervisor::outcome::Note;
use crashrate_supervisor::plan::{Plan, RoundKey};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::inspect::tell;

/// How often a line says in CI how far the run is.
const LINE_EVERY: Duration = Duration::from_secs(20);

/// Shows a run while it goes on, on standard error.
pub(crate) struct Live {
    units: Vec<Unit>,
    bad: OutcomeSet,
    planned: u64,
    done: u64,
    counts: BTreeMap<Outcome, u64>,
    how: How,
}

enum How {
    Bars {
        all: MultiProgress,
        total: ProgressBar,
        running: BTreeMap<RoundKey, ProgressBar>,
    },
    Lines {
        last: Instant,
    },
    Nothing,
}

impl Live {
    pub(crate) fn new(plan: &Plan) -> Self {
        let planned = plan.units.iter().map(|u| u64::from(u.rounds)).sum();
        let in_ci = std::env::var_os("CI").is_some_and(|v| !v.is_empty());
        let how = if std::io::stderr().is_terminal() {
            bars(planned)
        } else if in_ci {
            How::Lines {
                last: Instant::now(),
            }
        } else {
            How::Nothing
        };
        Live {
            units: plan.units.clone(),
            bad: plan.suite.bad.clone(),
            planned,
            done: 0,
            counts: BTreeMap::new(),
            how,
        }
    }

    pub(crate) fn show(&mut self, fact: &Fact<'_>) {
        match fact {
            Fact::Record(Record::Started(started)) => self.started(RoundKey {
                unit: started.unit,
                round: started.round,
            }),
            Fact::Record(Record::Ended(ended)) => self.ended(ended),
            Fact::Record(_) => {}
            Fact::Progress(key, note) => self.progress(*key, note),
            Fact::Stopping => self.say("stopping: what runs may end; Ctrl-C again kills it"),
            Fact::Trouble(reason) => self.say(&format!("stopping: {reason}")),
            Fact::Killing => self.say("stopping: killing what runs"),
        }
    }

    /// Takes the bars away: the report follows.
    pub(crate) fn end(&mut self) {
        if let How::Bars { all, .. } = &self.how {
            let _ = all.clear();
        }
    }

    fn started(&mut self, key: RoundKey) {
        if matches!(self.how, How::Nothing) {
            return;
        }
        let name = self.name(key);
        if let How::Bars { all, running, .. } = &mut self.how {
            let bar =
                all.add(ProgressBar::new_spinner().with_style(style("{spinner} {msg} {elapsed}")));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar.set_message(name);
            if let Some(old) = running.insert(key, bar) {
                old.finish_and_clear();
            }
        }
    }

    fn progress(&mut self, key: RoundKey, note: &Note) {
        if matches!(self.how, How::Nothing) {
            return;
        }
        let (name, unit) = (self.name(key), &self.units[key.unit as usize]);
        let How::Bars { running, .. } = &self.how else {
            return;
        };
        let Some(bar) = running.get(&key) else {
            return;
        };
        match note {
            Note::Progress { done, total, unit } => {
                let unit: String = unit.chars().filter(|c| !c.is_control()).take(20).collect();
                bar.set_message(format!("{name}: {done:.0} of {total:.0} {unit}"));
            }
            Note::ChapterStarted(index) if unit.mode == Mode::Sequential => {
                bar.set_message(format!("{name}: {}", unit.chapters[*index]));
            }
            _ => {}
        }
    }

    fn ended(&mut self, ended: &Ended) {
        if matches!(self.how, How::Nothing) {
            return;
        }
        let key = RoundKey {
            unit: ended.unit,
            round: ended.round,
        };
        let name = self.name(key);
        if ended.attempt == 1 {
            self.done += 1;
            *self.counts.entry(ended.outcome).or_default() += 1;
        }
        let totals = self.totals();
        let line = format!("{name}: {}", how(ended));
        let notable = ended.outcome != Outcome::Passed;
        match &mut self.how {
            How::Bars {
                all,
                total,
                running,
            } => {
                if let Some(bar) = running.remove(&key) {
                    bar.finish_and_clear();
                    all.remove(&bar);
                }
                if notable {
                    let _ = all.println(&line);
                }
                total.set_position(self.done);
                total.set_message(totals);
            }
            How::Lines { last } => {
                if notable {
                    tell(&line);
                }
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    tell(format_args!(
                        "{} of {} rounds: {totals}",
                        self.done, self.planned
                    ));
                }
            }
            How::Nothing => {}
        }
    }

    fn totals(&self) -> String {
        let counts: Vec<_> = (self.counts.iter())
            .map(|(outcome, n)| format!("{n} {outcome}"))
            .collect();
        let bad: u64 = (self.counts.iter())
            .filter(|(outcome, _)| self.bad.contains(**outcome))
            .map(|(_, n)| n)
            .sum();
        format!("{bad} bad ({})", counts.join(", "))
    }

    fn name(&self, key: RoundKey) -> String {
        let unit = &self.units[key.unit as usize];
        let variant = match unit.variant.as_str() {
            crashrate_supervisor::suite::DEFAULT_VARIANT => String::new(),
            other => format!(" [{other}]"),
        };
        format!("{} {}{variant} round {}", unit.mode, unit.name, key.round)
    }

    fn say(&self, text: &str) {
        match &self.how {
            How::Bars { all, .. } => {
                let _ = all.println(text);
            }
            How::Lines { .. } | How::Nothing => tell(text),
        }
    }
}

fn bars(planned: u64) -> How {
    // Ten redraws a second: the run itself must not feel them.
    let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    let total = all.add(
        ProgressBar::new(planned)
            .with_style(style("{elapsed} [{bar:30}] {pos} of {len} rounds, {msg}")),
    );
    total.set_message("0 bad");
    How::Bars {
        all,
        total,
        running: BTreeMap::new(),
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// How an attempt ended, in a few words. What came from the child in them is made harmless.
fn how(ended: &Ended) -> String {
    let attempt = match ended.attempt {
        1 => String::new(),
        n => format!(" on attempt {n}"),
    };
    let reason: String = (ended.reason.iter())
        .flat_map(|reason| reason.chars())
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(200)
        .collect();
    match reason.as_str() {
        "" => format!("{}{attempt}", ended.outcome),
        reason => format!("{}{attempt}: {reason}", ended.outcome),
    }
}
