//! Writes a chapter with the counts of its rounds as a test case.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use crashrate_model::{Mode, Outcome, Unit};

use super::evidence::{Evidence, write_output};
use super::head::Head;
use super::round::{Status, cases};
use crate::clean::{NAME, clean};
use crate::view::{Attempt, Outcomes};
use crate::words::count;
use crate::write::listed::Ends;
use crate::write::xml::Xml;

/// The most causes listed per chapter; the text of a failure names them.
const CAUSES: usize = 10;

/// The outcomes of the rounds of a chapter or a whole sequence.
pub(super) struct Tally {
    name: String,
    /// For a sequence: it did not pass in rounds in which every chapter that ended passed.
    is_whole: bool,
    time: Duration,
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
    count: u32,
    first: Evidence,
}

impl Tally {
    /// The chapters of a unit, and the sequence itself.
    pub(super) fn of_unit(unit: &Unit) -> Vec<Tally> {
        let tally = |name: &String, is_whole| Tally {
            name: name.clone(),
            is_whole,
            time: Duration::ZERO,
            outcomes: Outcomes::default(),
            flaky: 0,
            causes: Vec::new(),
        };
        let mut all: Vec<_> = unit.chapters.iter().map(|c| tally(c, false)).collect();
        if unit.mode == Mode::Sequential {
            all.push(tally(&unit.name, true));
        }
        all
    }

    /// Adds a round of the unit.
    pub(super) fn add_round(tallies: &mut [Tally], unit: &Unit, attempts: &[Attempt]) {
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
            for end in listed {
                tally.add_cause(end.outcome, end.cause(), || {
                    Evidence::of(end.attempt, end.outcome)
                });
            }
        }
    }

    fn add_cause(&mut self, outcome: Outcome, text: String, first: impl FnOnce() -> Evidence) {
        let same = |cause: &&mut Cause| cause.outcome == outcome && cause.text == text;
        if let Some(cause) = self.causes.iter_mut().find(same) {
            cause.count += 1;
        } else if self.causes.len() < CAUSES {
            self.causes.push(Cause {
                outcome,
                text,
                count: 1,
                first: first(),
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

    pub(super) fn time(&self) -> Duration {
        self.time
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
        let rounds = if of == 1 { "round" } else { "rounds" };
        let of = count(of.into());
        let mut message = match status {
            Status::Success => {
                let flaky = count(self.flaky.into());
                format!("{flaky} of {of} {rounds} passed only on a retry")
            }
            _ => {
                let is_listed = |outcome: Outcome| {
                    outcome != Outcome::Passed && (status != Status::Failure || outcome.counts())
                };
                let mut words: Vec<_> = (self.outcomes.occurred())
                    .filter(|(outcome, _)| is_listed(*outcome))
                    .map(|(outcome, n)| (n, outcome))
                    .collect();
                words.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
                let words = words.iter().enumerate().map(|(at, (n, outcome))| match at {
                    0 => format!("{} of {of} {rounds} {outcome}", count((*n).into())),
                    _ => format!("{} {outcome}", count((*n).into())),
                });
                words.collect::<Vec<_>>().join(", ")
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

    fn text(&self, message: &str, head: &Head<'_>, ends: &mut dyn Ends) -> String {
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
            Some(cause) => cause.first.text(&summary, head, ends),
            None => summary + "\n",
        }
    }
}

/// Writes the test case.
pub(super) fn write(
    xml: &mut Xml<'_>,
    tally: &Tally,
    head: &Head<'_>,
    ends: &mut dyn Ends,
) -> io::Result<()> {
    let (status, name) = (tally.status(), clean(&tally.name, NAME));
    let element = match status {
        Status::Success if tally.causes().next().is_none() => {
            return head.empty(xml, &name, tally.time);
        }
        Status::Success => "flakyFailure",
        Status::Failure => "failure",
        Status::Error => "error",
        Status::Skipped => "skipped",
    };
    head.open(xml, &name, tally.time)?;
    let message = tally.message();
    let kind = tally.main_cause().map(|cause| cause.outcome);
    let mut attributes: Vec<(&str, &dyn Display)> = vec![("message", &message)];
    attributes.extend(kind.as_ref().map(|kind| ("type", kind as &dyn Display)));
    let text = match status {
        Status::Skipped => String::new(),
        _ => tally.text(&message, head, ends),
    };
    xml.text(element, &attributes, &text)?;
    if let Some(cause) = tally.main_cause().filter(|_| status == Status::Failure) {
        write_output(xml, &cause.first, ends)?;
    }
    xml.close()
}
