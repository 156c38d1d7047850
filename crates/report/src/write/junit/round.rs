//! A chapter in one round, as a test case.

use std::io;
use std::time::Duration;

use crashrate_model::{Mode, Outcome, Unit};

use super::evidence::{Evidence, write_output};
use super::head::{Head, time};
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::Attempt;
use crate::write::listed::Ends;
use crate::write::xml::Xml;

/// A chapter or sequence in one round, with the end of each attempt.
pub(super) struct Case<'a> {
    pub(super) name: &'a str,
    pub(super) ends: Vec<End<'a>>,
}

/// The chapters of a round, and the sequence itself if it ended badly but none of its chapters did.
pub(super) fn cases<'a>(unit: &'a Unit, attempts: &'a [Attempt]) -> Vec<Case<'a>> {
    let chapters = unit.chapters.iter().enumerate();
    let mut cases: Vec<_> = chapters
        .map(|(place, name)| Case {
            name,
            ends: attempts.iter().filter_map(|a| end(a, place)).collect(),
        })
        .collect();
    let outside = |attempt: &Attempt| {
        let is_bad_end = |outcome: Outcome| outcome.counts() && outcome != Outcome::Passed;
        is_bad_end(attempt.outcome) && !attempt.chapters.iter().any(|end| is_bad_end(end.outcome))
    };
    if unit.mode == Mode::Sequential && attempts.iter().any(outside) {
        cases.push(Case {
            name: &unit.name,
            ends: attempts.iter().map(whole).collect(),
        });
    }
    cases
}

/// The end of a chapter or sequence in one attempt.
pub(super) struct End<'a> {
    pub(super) attempt: &'a Attempt,
    pub(super) outcome: Outcome,
    pub(super) secs: Option<f64>,
    reason: Option<&'a str>,
}

fn end(attempt: &Attempt, place: usize) -> Option<End<'_>> {
    let chapter = attempt.chapters.get(place)?;
    Some(End {
        attempt,
        outcome: chapter.outcome,
        secs: chapter.secs,
        reason: chapter.reason.as_deref(),
    })
}

fn whole(attempt: &Attempt) -> End<'_> {
    End {
        attempt,
        outcome: attempt.outcome,
        secs: attempt.secs,
        reason: attempt.reason.as_deref(),
    }
}

impl End<'_> {
    /// The cause in one line: the recorded reason, else the process's exit, then the signature.
    pub(super) fn why(&self) -> String {
        match self.cause() {
            cause if cause.is_empty() => self.outcome.word().to_owned(),
            cause => format!("{}: {cause}", self.outcome),
        }
    }

    /// The same without the outcome.
    pub(super) fn cause(&self) -> String {
        let (attempt, outcome) = (self.attempt, self.outcome);
        let exit = match (outcome, attempt.own_exit()) {
            (Outcome::TimedOut, _) => Some("killed after its time limit".to_owned()),
            (outcome, Some(exit)) if outcome.counts() => Some(exit.to_string()),
            _ => None,
        };
        let of_attempt = attempt.reason.as_deref().filter(|_| !outcome.counts());
        let reason = self.reason.or(of_attempt);
        let signature = attempt.signature_of(outcome);
        let words = reason.map(str::to_owned).or(exit).into_iter();
        let words = words.chain(signature.map(without_version));
        let words: Vec<_> = words.map(|text| clean(&text, SENTENCE)).collect();
        words.join(": ")
    }
}

/// A signature without its version, for display.
fn without_version(signature: &str) -> String {
    let rest = signature.strip_prefix("v1 | ").unwrap_or(signature);
    rest.replacen(" | ", " in ", 1)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Success,
    Failure,
    Error,
    Skipped,
}

impl Case<'_> {
    pub(super) fn time(&self) -> Duration {
        let secs = self.ends.iter().filter_map(|end| end.secs).next_back();
        time(secs.unwrap_or(0.0))
    }

    /// The status over the attempts that count, with those that did not pass. If none counts, the
    /// last attempt decides.
    pub(super) fn status(&self) -> (Status, Vec<&End<'_>>) {
        let counted = || self.ends.iter().filter(|end| end.outcome.counts());
        let Some(last) = counted().next_back() else {
            return self.uncounted();
        };
        let not_passed = counted().filter(|end| end.outcome != Outcome::Passed);
        let status = match last.outcome {
            Outcome::Passed => Status::Success,
            _ => Status::Failure,
        };
        (status, not_passed.collect())
    }

    /// An attempt that could not be started is an error of the set-up; one that was not reached,
    /// interrupted or lost was skipped.
    fn uncounted(&self) -> (Status, Vec<&End<'_>>) {
        let last = self.ends.last();
        let status = match last.map(|end| end.outcome) {
            Some(Outcome::NotStarted) => Status::Error,
            _ => Status::Skipped,
        };
        (status, last.into_iter().collect())
    }
}

/// Writes the test case.
pub(super) fn write(
    xml: &mut Xml<'_>,
    case: &Case<'_>,
    round: u32,
    head: &Head<'_>,
    ends: &mut dyn Ends,
) -> io::Result<()> {
    let name = format!("{} round {round}", clean(case.name, NAME));
    let (status, listed) = case.status();
    if status == Status::Success && listed.is_empty() {
        return head.empty(xml, &name, case.time());
    }
    head.open(xml, &name, case.time())?;
    let (first, more) = match status {
        Status::Success => (None, "flakyFailure"),
        Status::Failure => (Some("failure"), "rerunFailure"),
        Status::Error => (Some("error"), "rerunFailure"),
        Status::Skipped => (Some("skipped"), "rerunFailure"),
    };
    for (at, end) in listed.iter().enumerate() {
        let why = end.why();
        let element = first.filter(|_| at == 0).unwrap_or(more);
        let attributes: [(&str, &dyn std::fmt::Display); 2] =
            [("message", &why), ("type", &end.outcome)];
        let text = match element {
            "skipped" => String::new(),
            _ => Evidence::of(end.attempt, end.outcome).text(&why, head, ends),
        };
        xml.text(element, &attributes, &text)?;
    }
    if let Some(end) = listed.first().filter(|_| status == Status::Failure) {
        write_output(xml, &Evidence::of(end.attempt, end.outcome), ends)?;
    }
    xml.close()
}
