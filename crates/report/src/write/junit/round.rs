//! A chapter in one round, as a test case.

use std::time::Duration;

use crashrate_model::{Ended, Mode, Outcome, Unit};

use super::evidence;
use super::report::{Problem, Status, TestCase, duration};
use crate::clean::{ID, clean};
use crate::view::Ends;
use crate::view::{End, View, is_bad_end};
use crate::words::first_line;

/// A chapter or sequence in one round, with the end of each attempt.
pub(super) struct Case<'a> {
    name: &'a str,
    round: u32,
    ends: Vec<End<'a>>,
}

/// The chapters of a round, and the sequence itself if it ended badly but none of its chapters did.
pub(super) fn cases<'a>(unit: &'a Unit, attempts: &'a [Ended]) -> Vec<Case<'a>> {
    let case = |name, ends| Case {
        name,
        round: attempts[0].round,
        ends,
    };
    let chapters = unit.chapters.iter().enumerate();
    let mut cases: Vec<_> = chapters
        .map(|(place, name)| {
            let end =
                |attempt: &'a Ended| Some(End::chapter(attempt, attempt.chapters.get(place)?));
            case(name, attempts.iter().filter_map(end).collect())
        })
        .collect();
    let outside = |attempt: &Ended| {
        is_bad_end(attempt.outcome) && !attempt.chapters.iter().any(|end| is_bad_end(end.outcome))
    };
    if unit.mode == Mode::Sequential && attempts.iter().any(outside) {
        cases.push(case(&unit.name, attempts.iter().map(End::whole).collect()));
    }
    cases
}

/// The cause in one line: the recorded reason, else the process's exit, then the signature.
pub(super) fn cause(end: &End<'_>) -> String {
    let exit = end.exit_words(end.own_exit());
    let of_attempt = (end.attempt.reason.as_deref()).filter(|_| !end.outcome.counts());
    let reason = end.reason.or(of_attempt).map(str::to_owned);
    let words = reason.or(exit).into_iter();
    let words = words.chain(end.signature().map(without_version));
    let words: Vec<_> = words.map(|text| first_line(&text)).collect();
    words.join(": ")
}

/// A signature without its version, for display.
fn without_version(signature: &str) -> String {
    let rest = signature.strip_prefix("v1 | ").unwrap_or(signature);
    rest.replacen(" | ", " in ", 1)
}

impl<'a> Case<'a> {
    pub(super) fn time(&self) -> Duration {
        let secs = self.ends.iter().filter_map(|end| end.secs).next_back();
        duration(secs.unwrap_or(0.0))
    }

    /// The status over the attempts that count, with those that did not pass. If none counts, the
    /// last attempt decides: one that could not be started is an error of the set-up; one that was
    /// not reached, interrupted or lost was skipped.
    pub(super) fn status(&self) -> (Status, Vec<End<'a>>) {
        let counted = self.ends.iter().rfind(|end| end.outcome.counts());
        let Some(last) = counted.or(self.ends.last()) else {
            return (Status::Skipped, Vec::new());
        };
        let status = match last.outcome {
            Outcome::Passed => Status::Success,
            Outcome::NotStarted => Status::Error,
            outcome if outcome.counts() => Status::Failure,
            _ => Status::Skipped,
        };
        let not_passed = self.ends.iter().filter(|end| is_bad_end(end.outcome));
        match counted {
            Some(_) => (status, not_passed.copied().collect()),
            None => (status, vec![*last]),
        }
    }

    /// The test case.
    pub(super) fn written(&self, view: &View, ends: &mut dyn Ends) -> TestCase {
        let (status, listed) = self.status();
        let more = match status {
            Status::Success => status.element(),
            _ => "rerunFailure",
        };
        let problems = listed.iter().enumerate().map(|(at, end)| {
            let message = match cause(end) {
                cause if cause.is_empty() => end.outcome.word().to_owned(),
                cause => format!("{}: {cause}", end.outcome),
            };
            let text = match status {
                Status::Skipped => String::new(),
                _ => evidence::text(end, &message, view, ends),
            };
            Problem {
                element: if at == 0 { status.element() } else { more },
                message,
                outcome: Some(end.outcome),
                text,
            }
        });
        let problems = problems.collect();
        let failed = listed.first().filter(|_| status == Status::Failure);
        TestCase {
            name: format!("{} round {}", clean(self.name, ID), self.round),
            time: self.time(),
            problems,
            output: failed.and_then(|end| end.attempt.output.clone()),
            said: None,
        }
    }
}
