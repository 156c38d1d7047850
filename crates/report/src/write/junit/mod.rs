//! Writes JUnit XML for CI: a suite for each mode, sequence and variant, with a test case for each
//! chapter (with the counts of its rounds) or for each chapter and round.
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
mod head;
mod round;
mod suites;

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use crashrate_model::{Mode, Unit};

use chapter::Tally;
use head::{Head, Seconds, time};
use round::{Status, cases};
use suites::{each_round, order, suites};

use super::listed::{Ends, ListError};
use super::xml::Xml;
use crate::clean::{NAME, clean};
use crate::view::View;
use crate::words::of_unit;
use crate::words::share;

/// Writes the chapters, each with the counts of its rounds. The view must be built with attempts.
///
/// # Errors
/// A record cannot be read again, or the output cannot be written.
pub fn junit(view: &View, ends: &mut dyn Ends, out: &mut dyn Write) -> Result<(), ListError> {
    let suites = suites(view);
    let order = order(view, &suites);
    let mut counts = vec![Counts::default(); suites.len()];
    let mut tallies: Vec<Vec<Tally>> = view.units.iter().map(Tally::of_unit).collect();
    each_round(view, &order, ends, |round, attempts, _| {
        let unit = round.unit as usize;
        counts[suites.of[unit]].add_round(round.round);
        Tally::add_round(&mut tallies[unit], &view.units[unit], attempts);
        Ok(())
    })?;
    for (unit, tallies) in tallies.iter_mut().enumerate() {
        tallies.retain(Tally::is_shown);
        for tally in tallies.iter() {
            counts[suites.of[unit]].add(tally.status(), tally.time());
        }
    }
    let mut xml = Xml::new(out)?;
    open_report(&mut xml, view, &counts)?;
    let file = ends.suite_file();
    for (suite, counts) in counts.iter().enumerate() {
        let units = || (0..view.units.len()).filter(|unit| suites.of[*unit] == suite);
        let Some(first) = units().next().filter(|_| counts.tests > 0) else {
            continue;
        };
        let name = suite_name(&view.units[first]);
        open_suite(&mut xml, view, &view.units[first], &name, counts)?;
        let head = Head::new(view, &name, file.as_deref());
        for unit in units() {
            for tally in &tallies[unit] {
                chapter::write(&mut xml, tally, &head, ends)?;
            }
        }
        xml.close()?;
    }
    Ok(xml.close()?)
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
    let suites = suites(view);
    let order = order(view, &suites);
    let mut counts = vec![Counts::default(); suites.len()];
    each_round(view, &order, ends, |round, attempts, _| {
        let counts = &mut counts[suites.of[round.unit as usize]];
        counts.add_round(round.round);
        for case in cases(&view.units[round.unit as usize], attempts) {
            counts.add(case.status().0, case.time());
        }
        Ok(())
    })?;
    let mut xml = Xml::new(out)?;
    open_report(&mut xml, view, &counts)?;
    let file = ends.suite_file();
    let mut current = None;
    each_round(view, &order, ends, |round, attempts, ends| {
        let unit = &view.units[round.unit as usize];
        let place = suites.of[round.unit as usize];
        let name = suite_name(unit);
        if current != Some(place) {
            if current.replace(place).is_some() {
                xml.close()?;
            }
            open_suite(&mut xml, view, unit, &name, &counts[place])?;
        }
        let head = Head::new(view, &name, file.as_deref());
        for case in cases(unit, attempts) {
            round::write(&mut xml, &case, round.round, &head, ends)?;
        }
        Ok(())
    })?;
    if current.is_some() {
        xml.close()?;
    }
    Ok(xml.close()?)
}

/// The head of a suite.
#[derive(Clone, Default)]
struct Counts {
    tests: u32,
    skipped: u32,
    errors: u32,
    failures: u32,
    time: Duration,
    rounds: Option<(u32, u32)>,
}

impl Counts {
    fn add_round(&mut self, round: u32) {
        self.rounds = Some(match self.rounds {
            None => (round, round),
            Some((first, last)) => (first.min(round), last.max(round)),
        });
    }

    fn add(&mut self, status: Status, time: Duration) {
        self.tests += 1;
        self.time += time;
        match status {
            Status::Success => {}
            Status::Failure => self.failures += 1,
            Status::Error => self.errors += 1,
            Status::Skipped => self.skipped += 1,
        }
    }
}

fn open_report(xml: &mut Xml<'_>, view: &View, counts: &[Counts]) -> io::Result<()> {
    let sum = |of: fn(&Counts) -> u32| counts.iter().map(of).sum::<u32>();
    let name = clean(&view.run.suite, NAME);
    let (tests, failures) = (sum(|c| c.tests), sum(|c| c.failures));
    let errors = sum(|c| c.errors);
    let time = view.run.secs.map(|secs| Seconds(time(secs)));
    // In the schema, only a suite can have `skipped`.
    let mut attributes: Vec<(&str, &dyn Display)> = vec![
        ("name", &name),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors),
    ];
    attributes.extend(time.as_ref().map(|time| ("time", time as &dyn Display)));
    // A report without cases is an empty element, too.
    xml.open("testsuites", &attributes)
}

fn open_suite(
    xml: &mut Xml<'_>,
    view: &View,
    unit: &Unit,
    name: &str,
    counts: &Counts,
) -> io::Result<()> {
    let run = &view.run;
    xml.open(
        "testsuite",
        &[
            ("name", &name),
            ("tests", &counts.tests),
            ("skipped", &counts.skipped),
            ("errors", &counts.errors),
            ("failures", &counts.failures),
            ("time", &Seconds(counts.time)),
        ],
    )?;
    xml.open("properties", &[])?;
    let (first, last) = counts.rounds.unwrap_or_default();
    let seed = run.seed.map_or_else(|| "-".to_owned(), |s| s.to_string());
    let key = (unit.name.as_str(), unit.mode, unit.variant.as_str());
    let bounds = (view.unit_results().find(|(other, _)| *other == key))
        .and_then(|(_, results)| results.bounds);
    let [missing, best, worst] = bounds.map_or_else(Default::default, |bounds| {
        let [best, worst] = [bounds.best, bounds.worst].map(|of| share(of.bad, of.n));
        [bounds.missing.to_string(), best, worst]
    });
    for (name, value) in [
        ("missing", missing),
        ("bad-if-no-missing-was", best),
        ("bad-if-all-missing-were", worst),
    ] {
        if !value.is_empty() {
            xml.empty("property", &[("name", &name), ("value", &value)])?;
        }
    }
    for (name, value) in [
        ("number", run.number.to_string()),
        ("run", run.id.clone()),
        ("started", run.started.clone()),
        ("device", run.device.clone()),
        ("seed", seed),
        ("mode", unit.mode.word().to_owned()),
        ("variant", unit.variant.clone()),
        ("rounds", format!("{first}-{last}")),
    ] {
        xml.empty(
            "property",
            &[("name", &name), ("value", &clean(&value, NAME))],
        )?;
    }
    xml.close()
}

/// `isolated`, `sequential: complete-story`, with the variant if it has a name.
fn suite_name(unit: &Unit) -> String {
    let name = match unit.mode {
        Mode::Isolated => unit.mode.word().to_owned(),
        Mode::Sequential => format!("{}: {}", unit.mode, unit.name),
    };
    of_unit(&name, None, &unit.variant)
}
