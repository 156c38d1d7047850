//! Writes JUnit XML for CI: a suite for each mode, sequence and variant, with a test case for each
//! chapter (with the counts of its rounds) or for each chapter and round. A search is one test case.
//!
//! - GitLab shows the text of `failure` or `error`, without the attributes, and `system-out` and
//!   `system-err`. GitHub's reporters show the `message` and the text below it, and identify a test
//!   by `file`, `classname` and `name`. So the text repeats the message before the crash details.
//! - A round that passed on a retry has `flakyFailure`s, as in nextest; one that did not has
//!   `rerunFailure`s. The output is valid by the schema of Jenkins' xUnit plugin (junit-10.xsd).
//!   That schema has no properties of test cases, so mode and rounds are properties of the suite.
//! - A suite states its number of cases before the cases. With a case per round, each round is
//!   therefore read twice, so that none is kept in memory.

mod chapter;
mod evidence;
mod report;
mod round;
mod search;

use std::io::Write;

use crashrate_model::{Ended, Mode, Unit};

use chapter::Tally;
use report::{Counts, Report};
use round::cases;

use super::listed::{ListError, attempt};
use crate::view::Ends;
use crate::view::{AttemptPlace, View};

/// Writes the chapters, each with the counts of its rounds. The view must be built with attempts.
///
/// # Errors
/// A record cannot be read again, or the output cannot be written.
pub fn junit(view: &View, ends: &mut dyn Ends, out: &mut dyn Write) -> Result<(), ListError> {
    if let Some(command) = search::command(view) {
        return search::write(view, command, ends, out);
    }
    let suites = suites(view);
    let mut counts = counts(view, &suites);
    let mut tallies: Vec<Vec<Tally>> = view.units.iter().map(Tally::of_unit).collect();
    each_round(view, &order(view, &suites), ends, |attempts, _| {
        let unit = attempts[0].unit as usize;
        Tally::add_round(&mut tallies[unit], &view.units[unit], attempts);
        Ok(())
    })?;
    for (tallies, suite) in tallies.iter_mut().zip(&suites) {
        tallies.retain(Tally::is_shown);
        for tally in tallies {
            counts[*suite].add(tally.status(), tally.time);
        }
    }
    let mut report = Report::open(view, &suites, counts, ends.suite_file(), out)?;
    let mut units: Vec<usize> = (0..view.units.len()).collect();
    units.sort_by_key(|unit| suites[*unit]);
    for unit in units {
        for tally in &tallies[unit] {
            report.write(unit, &tally.case(view, ends), ends)?;
        }
    }
    Ok(report.close()?)
}

/// Writes the rounds, with a case for each chapter. The view must be built with attempts.
///
/// # Errors
/// A record cannot be read again, or the output cannot be written.
pub fn junit_rounds(
    view: &View,
    ends: &mut dyn Ends,
    out: &mut dyn Write,
) -> Result<(), ListError> {
    if let Some(command) = search::command(view).filter(|_| view.is_search()) {
        return search::write(view, command, ends, out);
    }
    let suites = suites(view);
    let order = order(view, &suites);
    let mut counts = counts(view, &suites);
    each_round(view, &order, ends, |attempts, _| {
        let unit = attempts[0].unit as usize;
        for case in cases(&view.units[unit], attempts) {
            counts[suites[unit]].add(case.status().0, case.time());
        }
        Ok(())
    })?;
    let mut report = Report::open(view, &suites, counts, ends.suite_file(), out)?;
    each_round(view, &order, ends, |attempts, ends| {
        let unit = attempts[0].unit as usize;
        for case in cases(&view.units[unit], attempts) {
            report.write(unit, &case.written(view, ends), ends)?;
        }
        Ok(())
    })?;
    Ok(report.close()?)
}

/// The suite of each unit: by mode, sequence and variant, in order.
fn suites(view: &View) -> Vec<usize> {
    fn key(unit: &Unit) -> (Mode, Option<&str>, &str) {
        let sequence = (unit.mode == Mode::Sequential).then_some(unit.name.as_str());
        (unit.mode, sequence, &unit.variant)
    }
    let mut keys: Vec<_> = view.units.iter().map(key).collect();
    keys.sort_unstable();
    keys.dedup();
    let units = view.units.iter();
    units
        .map(|unit| keys.partition_point(|other| *other < key(unit)))
        .collect()
}

/// The counts of each suite, with its rounds and still without cases.
fn counts(view: &View, suites: &[usize]) -> Vec<Counts> {
    let last = suites.iter().max();
    let mut counts = vec![Counts::default(); last.map_or(0, |last| last + 1)];
    for at in &view.attempts {
        counts[suites[at.unit as usize]].add_round(at.round);
    }
    counts
}

/// The attempts in suite order: by suite, unit and round.
fn order<'a>(view: &'a View, suites: &[usize]) -> Vec<&'a AttemptPlace> {
    let mut order: Vec<_> = view.attempts.iter().collect();
    order.sort_by_key(|at| (suites[at.unit as usize], at.unit, at.round));
    order
}

/// Calls back with the attempts of each round in turn.
fn each_round(
    view: &View,
    order: &[&AttemptPlace],
    ends: &mut dyn Ends,
    mut take: impl FnMut(&[Ended], &mut dyn Ends) -> Result<(), ListError>,
) -> Result<(), ListError> {
    let mut attempts = Vec::new();
    for of_round in order.chunk_by(|a, b| (a.unit, a.round) == (b.unit, b.round)) {
        let unit = &view.units[of_round[0].unit as usize];
        // A first attempt that does not count was run again; use the later one.
        let first = of_round.iter().rposition(|at| at.attempt == 1);
        attempts.clear();
        for at in &of_round[first.unwrap_or(0)..] {
            attempts.push(attempt(unit, at, ends)?);
        }
        take(&attempts, ends)?;
    }
    Ok(())
}
