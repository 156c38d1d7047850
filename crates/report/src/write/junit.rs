//! JUnit's XML, as CI reads it: a suite for each mode, sequence and variant, a test case for each chapter and round.
//!
//! As nextest has it: a round that passed on a retry is a success with its `flakyFailure`s; one that did not is a
//! failure with its `rerunFailure`s. It is valid by the schema of Jenkins' xUnit plugin (junit-10.xsd), which knows no
//! properties of a test case: mode and rounds are properties of the suite, and the round is in each case's name.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crashrate_model::{Mode, Outcome, Unit};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};
use thiserror::Error;

use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{Attempt, View};
use crate::words::of_unit;

/// The attempts could not be written as JUnit's XML.
#[derive(Debug, Error)]
#[error("the report cannot be written as JUnit's XML: {0}")]
pub struct JunitError(#[from] quick_junit::SerializeError);

/// The attempts of a view that was built with them.
///
/// # Errors
/// Never for a view: what XML cannot hold has been made visible before.
pub fn junit(view: &View) -> Result<String, JunitError> {
    let mut report = Report::new(clean(&view.run.suite, NAME));
    if let Some(secs) = view.run.secs {
        report.set_time(time(secs));
    }
    let mut rounds: BTreeMap<(u32, u32), Vec<&Attempt>> = BTreeMap::new();
    for attempt in view.attempts.iter().filter(|attempt| !attempt.repeated) {
        let round = rounds.entry((attempt.unit, attempt.round)).or_default();
        // A first attempt whose end does not count was run again: the later one is the round's.
        if attempt.attempt == 1 {
            round.clear();
        }
        round.push(attempt);
    }
    let mut suites: BTreeMap<(Mode, Option<&str>, &str), Suite> = BTreeMap::new();
    for ((place, round), attempts) in &rounds {
        let Some(unit) = view.units.get(*place as usize) else {
            continue;
        };
        let sequence = (unit.mode == Mode::Sequential).then_some(unit.name.as_str());
        let name = suite_name(unit);
        let suite = suites
            .entry((unit.mode, sequence, &unit.variant))
            .or_insert_with(|| Suite {
                suite: suite(view, unit, &name),
                rounds: *round..=*round,
            });
        let (first, last) = suite.rounds.clone().into_inner();
        suite.rounds = first.min(*round)..=last.max(*round);
        let cases = cases(view, unit, *round, attempts, &name);
        suite.suite.add_test_cases(cases);
    }
    for (_, Suite { mut suite, rounds }) in suites {
        let (first, last) = rounds.into_inner();
        suite.add_property(("rounds", format!("{first}-{last}").as_str()));
        let secs = suite.test_cases.iter().filter_map(|case| case.time).sum();
        suite.set_time(secs);
        report.add_test_suite(suite);
    }
    let xml = report.to_string()?;
    // The writer has it, and the schema knows it of a suite only. The head comes before all text of children.
    let skipped: usize = report.test_suites.iter().map(|suite| suite.skipped).sum();
    Ok(xml.replacen(&format!(" skipped=\"{skipped}\""), "", 1))
}

/// A suite, and which rounds it has.
struct Suite {
    suite: TestSuite,
    rounds: RangeInclusive<u32>,
}

/// `isolated`, `sequential: complete-story`, with the variant if it has a name.
fn suite_name(unit: &Unit) -> String {
    let name = match unit.mode {
        Mode::Isolated => unit.mode.word().to_owned(),
        Mode::Sequential => format!("{}: {}", unit.mode, unit.name),
    };
    of_unit(&name, None, &unit.variant)
}

fn suite(view: &View, unit: &Unit, name: &str) -> TestSuite {
    let run = &view.run;
    let mut suite = TestSuite::new(name);
    let facts = [
        ("number", run.number.to_string()),
        ("run", run.id.clone()),
        ("started", run.started.clone()),
        ("device", run.device.clone()),
        (
            "seed",
            run.seed
                .map_or_else(|| "-".to_owned(), |seed| seed.to_string()),
        ),
        ("mode", unit.mode.word().to_owned()),
        ("variant", unit.variant.clone()),
    ];
    for (name, value) in facts {
        suite.add_property((name, clean(&value, NAME).as_str()));
    }
    suite
}

/// The chapters of a round; and the sequence itself, where it ended otherwise than any of them.
fn cases(
    view: &View,
    unit: &Unit,
    round: u32,
    attempts: &[&Attempt],
    suite: &str,
) -> Vec<TestCase> {
    let case = |name: &str, ends: Vec<End>| {
        let name = format!("{} round {round}", clean(name, NAME));
        let mut case = TestCase::new(name, status(&ends));
        case.set_classname(format!("{}.{suite}", clean(&view.run.suite, NAME)));
        let secs = ends.iter().filter_map(|end| end.secs).next_back();
        case.set_time(time(secs.unwrap_or(0.0)));
        case
    };
    let chapters = unit.chapters.iter().enumerate();
    let mut cases: Vec<_> = chapters
        .map(|(place, id)| case(id, attempts.iter().filter_map(|a| end(a, place)).collect()))
        .collect();
    let outside = |attempt: &&Attempt| {
        let told = |outcome: Outcome| outcome.counts() && outcome != Outcome::Passed;
        told(attempt.outcome) && !attempt.chapters.iter().any(|end| told(end.outcome))
    };
    if unit.mode == Mode::Sequential && attempts.iter().copied().any(|a| outside(&a)) {
        cases.push(case(
            &unit.name,
            attempts.iter().map(|a| whole(a)).collect(),
        ));
    }
    cases
}

/// How a chapter, or a sequence, ended in one attempt.
struct End {
    outcome: Outcome,
    secs: Option<f64>,
    why: String,
}

fn end(attempt: &Attempt, place: usize) -> Option<End> {
    let chapter = attempt.chapters.get(place)?;
    let reason = chapter.reason.as_deref();
    Some(End {
        outcome: chapter.outcome,
        secs: chapter.secs,
        why: why(attempt, chapter.outcome, reason),
    })
}

fn whole(attempt: &Attempt) -> End {
    End {
        outcome: attempt.outcome,
        secs: attempt.secs,
        why: why(attempt, attempt.outcome, attempt.reason.as_deref()),
    }
}

/// Why, in a line: the reason on record, else how the process ended; and where its output is.
fn why(attempt: &Attempt, outcome: Outcome, reason: Option<&str>) -> String {
    let exit = match (outcome, attempt.own_exit()) {
        (Outcome::TimedOut, _) => Some("killed after its time limit".to_owned()),
        (outcome, Some(exit)) if outcome.counts() => Some(exit.to_string()),
        _ => None,
    };
    let reason = reason.or(attempt.reason.as_deref().filter(|_| !outcome.counts()));
    let mut words = vec![outcome.word().to_owned()];
    words.extend(
        reason
            .map(str::to_owned)
            .or(exit)
            .map(|text| clean(&text, SENTENCE)),
    );
    let signature = attempt.signature_of(outcome);
    words.extend(signature.map(|signature| clean(signature, SENTENCE)));
    words.extend(attempt.output.as_ref().map(|output| clean(output, NAME)));
    words.join(": ")
}

/// Over the attempts that count; where none does, what kept them from counting.
fn status(ends: &[End]) -> TestCaseStatus {
    let counted: Vec<&End> = ends.iter().filter(|end| end.outcome.counts()).collect();
    let Some(last) = counted.last() else {
        return uncounted(ends.last());
    };
    let not_passed: Vec<_> = (counted.iter())
        .filter(|end| end.outcome != Outcome::Passed)
        .collect();
    let (mut status, reruns) = match (last.outcome, not_passed.as_slice()) {
        (Outcome::Passed, flaky) => (TestCaseStatus::success(), flaky),
        (_, [first, reruns @ ..]) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_type(first.outcome.word())
                .set_message(first.why.as_str());
            (status, reruns)
        }
        // The last one did not pass, so there is one.
        (_, []) => return uncounted(Some(last)),
    };
    for end in reruns {
        let mut rerun = TestRerun::new(NonSuccessKind::Failure);
        rerun
            .set_type(end.outcome.word())
            .set_message(end.why.as_str());
        status.add_rerun(rerun);
    }
    status
}

/// What could not be started is the set-up's fault; what was not reached, interrupted or lost was not run to its end.
fn uncounted(last: Option<&End>) -> TestCaseStatus {
    let mut status = match last.map(|end| end.outcome) {
        Some(Outcome::NotStarted) => TestCaseStatus::non_success(NonSuccessKind::Error),
        _ => TestCaseStatus::skipped(),
    };
    if let Some(end) = last {
        status
            .set_type(end.outcome.word())
            .set_message(end.why.as_str());
    }
    status
}

fn time(secs: f64) -> Duration {
    Duration::try_from_secs_f64(secs).unwrap_or_default()
}
