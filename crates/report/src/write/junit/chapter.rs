//! A chapter with the counts of its rounds as a test case.

use std::mem::take;
use std::time::Duration;

use crashrate_model::{Ended, Mode, Outcome, Unit};

use super::evidence;
use super::report::{Problem, Status, TestCase};
use super::round::{cases, cause};
use crate::clean::{ID, clean};
use crate::view::Ends;
use crate::view::{End, Outcomes, View};
use crate::words::{count, joined, plural};

/// The most causes listed per chapter; the text of a failure names them.
const CAUSES: usize = 10;

/// The outcomes of the rounds of a chapter or a whole sequence.
#[derive(Default)]
pub(super) struct Tally {
    name: String,
    /// For a sequence: it did not pass in rounds in which every chapter that ended passed.
    is_whole: bool,
    pub(super) time: Duration,
    /// Rounds by final outcome, after retries.
    outcomes: Outcomes,
    /// Rounds that passed on a retry.
    flaky: u32,
    /// Reasons of rounds that did not pass, and of attempts before a retry.
    causes: Vec<Cause>,
}

struct Cause {
    outcome: Outcome,
    text: String,
    /// The recorded reason, whole.
    reason: Option<String>,
    count: u32,
    first: Ended,
}

impl Cause {
    fn end(&self) -> End<'_> {
        End {
            outcome: self.outcome,
            reason: self.reason.as_deref(),
            ..End::whole(&self.first)
        }
    }
}

impl Tally {
    /// The chapters of a unit, and the sequence itself.
    pub(super) fn of_unit(unit: &Unit) -> Vec<Tally> {
        let tally = |name: &String, is_whole| Tally {
            name: name.clone(),
            is_whole,
            ..Tally::default()
        };
        let mut all: Vec<_> = unit.chapters.iter().map(|c| tally(c, false)).collect();
        if unit.mode == Mode::Sequential {
            all.push(tally(&unit.name, true));
        }
        all
    }

    /// Adds a round of the unit.
    pub(super) fn add_round(tallies: &mut [Tally], unit: &Unit, attempts: &[Ended]) {
        let cases = cases(unit, attempts);
        let counts = attempts.iter().any(|attempt| attempt.outcome.counts());
        if let Some(whole) = tallies.get_mut(cases.len()).filter(|_| counts) {
            whole.outcomes.add(Outcome::Passed, 1);
        }
        for (tally, case) in tallies.iter_mut().zip(cases) {
            tally.time += case.time();
            let (status, listed) = case.status();
            let outcome = match status {
                Status::Success => Outcome::Passed,
                _ => listed.last().map_or(Outcome::Unreached, |end| end.outcome),
            };
            tally.outcomes.add(outcome, 1);
            if status == Status::Success && !listed.is_empty() {
                tally.flaky += 1;
            }
            for end in &listed {
                tally.add_cause(end);
            }
        }
    }

    fn add_cause(&mut self, end: &End<'_>) {
        let (outcome, text) = (end.outcome, cause(end));
        let same = |cause: &&mut Cause| cause.outcome == outcome && cause.text == text;
        if let Some(cause) = self.causes.iter_mut().find(same) {
            cause.count += 1;
        } else if self.causes.len() < CAUSES {
            self.causes.push(Cause {
                outcome,
                text,
                reason: end.reason.map(str::to_owned),
                count: 1,
                first: end.attempt.clone(),
            });
        }
    }

    /// Whether to write a test case.
    pub(super) fn is_shown(&self) -> bool {
        match self.is_whole {
            true => self.causes().next().is_some(),
            false => self.outcomes.sum() > 0,
        }
    }

    /// Rounds that count.
    fn counted(&self) -> u32 {
        self.outcomes.counted()
    }

    pub(super) fn status(&self) -> Status {
        let passed = self.outcomes.get(Outcome::Passed);
        match self.counted() {
            0 if self.outcomes.get(Outcome::NotStarted) > 0 => Status::Error,
            0 => Status::Skipped,
            n if n == passed => Status::Success,
            _ => Status::Failure,
        }
    }

    /// `3 of 20 rounds crashed, 1 timed-out: SIGSEGV in f`.
    fn message(&self) -> String {
        let status = self.status();
        let of = match status {
            Status::Success | Status::Failure => self.counted(),
            Status::Error | Status::Skipped => self.outcomes.sum(),
        };
        let mut rounds = format!(" of {}", plural(of, "round"));
        let mut message = match status {
            Status::Success => format!(
                "{}{rounds} passed only on a retry",
                count(self.flaky.into())
            ),
            _ => {
                let is_listed = |outcome: Outcome| {
                    outcome != Outcome::Passed && (status != Status::Failure || outcome.counts())
                };
                let mut listed: Vec<_> = self.outcomes.occurred().collect();
                listed.retain(|(outcome, _)| is_listed(*outcome));
                listed.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
                // Only the first says of how many rounds.
                let words = listed.into_iter().map(|(outcome, n)| {
                    format!("{}{} {outcome}", count(n.into()), take(&mut rounds))
                });
                joined(words, ", ").unwrap_or_default()
            }
        };
        if let Some(cause) = self.main_cause().filter(|cause| !cause.text.is_empty()) {
            message += &format!(": {}", cause.text);
        }
        message
    }

    /// The ends behind the status: if any rounds count, only those.
    fn causes(&self) -> impl DoubleEndedIterator<Item = &Cause> {
        let some_count = self.counted() > 0;
        (self.causes.iter()).filter(move |cause| !some_count || cause.outcome.counts())
    }

    /// The most frequent cause.
    fn main_cause(&self) -> Option<&Cause> {
        self.causes().rev().max_by_key(|cause| cause.count)
    }

    fn text(&self, message: &str, view: &View, ends: &mut dyn Ends) -> String {
        let mut summary = message.to_owned();
        if self.causes().count() > 1 {
            for cause in self.causes() {
                let colon = if cause.text.is_empty() { "" } else { ": " };
                summary += &format!(
                    "\n  {}x {}{colon}{}",
                    cause.count, cause.outcome, cause.text
                );
            }
        }
        match self.main_cause() {
            Some(cause) => evidence::text(&cause.end(), &summary, view, ends),
            None => summary + "\n",
        }
    }

    /// The test case.
    pub(super) fn case(&self, view: &View, ends: &mut dyn Ends) -> TestCase {
        let status = self.status();
        let main = self.main_cause();
        let mut problems = Vec::new();
        if status != Status::Success || main.is_some() {
            let message = self.message();
            let text = match status {
                Status::Skipped => String::new(),
                _ => self.text(&message, view, ends),
            };
            problems.push(Problem {
                element: status.element(),
                message,
                outcome: main.map(|cause| cause.outcome),
                text,
            });
        }
        let failed = main.filter(|_| status == Status::Failure);
        TestCase {
            name: clean(&self.name, ID),
            time: self.time,
            problems,
            output: failed.and_then(|cause| cause.first.output.clone()),
            said: None,
        }
    }
}
