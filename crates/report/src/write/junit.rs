//! JUnit's XML, as CI reads it: a suite for each mode, sequence and variant, a test case for each chapter and round.
//!
//! As nextest has it: a round that passed on a retry is a success with its `flakyFailure`s; one that did not is a
//! failure with its `rerunFailure`s. It is valid by the schema of Jenkins' xUnit plugin (junit-10.xsd), which knows no
//! properties of a test case: mode and rounds are properties of the suite, and the round is in each case's name.
//!
//! A suite says how many cases it has before it has them: so each round is read twice, and none is kept.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use crashrate_model::{Mode, Outcome, Unit};

use super::listed::{Ends, ListError, attempt};
use super::xml::Xml;
use crate::clean::{NAME, SENTENCE, clean};
use crate::view::{Attempt, View};
use crate::words::of_unit;
use crate::words::share;

/// The attempts of a view that was built with them.
///
/// # Errors
/// A record cannot be read again, or the text not be written.
pub fn junit(view: &View, ends: &mut dyn Ends, out: &mut dyn Write) -> Result<(), ListError> {
    let suites = suites(view);
    let order = order(view, &suites);
    let mut counts = vec![Counts::default(); suites.len()];
    each_round(view, &order, ends, |round, attempts| {
        if let Some(counts) = counts.get_mut(suites.of[round.unit as usize]) {
            counts.rounds = Some(match counts.rounds {
                None => (round.round, round.round),
                Some((first, last)) => (first.min(round.round), last.max(round.round)),
            });
            let unit = &view.units[round.unit as usize];
            cases(unit, attempts)
                .iter()
                .for_each(|case| counts.add(case));
        }
        Ok(())
    })?;
    let mut xml = Xml::new(out)?;
    open_report(&mut xml, view, &counts)?;
    let mut current = None;
    each_round(view, &order, ends, |round, attempts| {
        let unit = &view.units[round.unit as usize];
        let place = suites.of[round.unit as usize];
        let name = suite_name(unit);
        if current != Some(place) {
            if current.replace(place).is_some() {
                xml.close()?;
            }
            open_suite(&mut xml, view, unit, &name, &counts[place])?;
        }
        let class = format!("{}.{name}", clean(&view.run.suite, NAME));
        for case in cases(unit, attempts) {
            write_case(&mut xml, &case, round.round, &class)?;
        }
        Ok(())
    })?;
    if current.is_some() {
        xml.close()?;
    }
    Ok(xml.close()?)
}

/// Which suite each unit is in, in their order: by mode, sequence and variant.
struct Suites {
    of: Vec<usize>,
    count: usize,
}

impl Suites {
    fn len(&self) -> usize {
        self.count
    }
}

fn suites(view: &View) -> Suites {
    let key = |unit: &'_ Unit| {
        let sequence = (unit.mode == Mode::Sequential).then(|| unit.name.clone());
        (unit.mode, sequence, unit.variant.clone())
    };
    let mut places: BTreeMap<_, usize> = view.units.iter().map(|unit| (key(unit), 0)).collect();
    for (at, place) in places.values_mut().enumerate() {
        *place = at;
    }
    Suites {
        of: view.units.iter().map(|unit| places[&key(unit)]).collect(),
        count: places.len(),
    }
}

/// The attempts as the suites have them, by their places in the view: by suite, unit and round.
fn order(view: &View, suites: &Suites) -> Vec<u32> {
    let all = (0u32..).zip(&view.attempts);
    let known = all.filter(|(_, at)| !at.repeated && (at.unit as usize) < view.units.len());
    let mut order: Vec<u32> = known.map(|(place, _)| place).collect();
    order.sort_unstable_by_key(|&place| {
        let at = &view.attempts[place as usize];
        (suites.of[at.unit as usize], at.unit, at.round, place)
    });
    order
}

/// A round of a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Round {
    unit: u32,
    round: u32,
}

/// Hands out the attempts of each round in turn.
fn each_round(
    view: &View,
    order: &[u32],
    ends: &mut dyn Ends,
    mut take: impl FnMut(Round, &[Attempt]) -> Result<(), ListError>,
) -> Result<(), ListError> {
    let at = |place: &u32| &view.attempts[*place as usize];
    let round = |place: &u32| Round {
        unit: at(place).unit,
        round: at(place).round,
    };
    let mut attempts = Vec::new();
    for of_round in order.chunk_by(|one, other| round(one) == round(other)) {
        let unit = &view.units[round(&of_round[0]).unit as usize];
        // A first attempt whose end does not count was run again: the later one is the round's.
        let first = of_round.iter().rposition(|place| at(place).attempt == 1);
        attempts.clear();
        for place in &of_round[first.unwrap_or(0)..] {
            attempts.push(attempt(unit, at(place), ends)?);
        }
        take(round(&of_round[0]), &attempts)?;
    }
    Ok(())
}

/// What stands at the head of a suite.
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
    fn add(&mut self, case: &Case) {
        self.tests += 1;
        self.time += case.time();
        match case.status().0 {
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
    // The schema knows `skipped` of a suite only.
    let mut attributes: Vec<(&str, &dyn Display)> = vec![
        ("name", &name),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors),
    ];
    attributes.extend(time.as_ref().map(|time| ("time", time as &dyn Display)));
    // A report without cases is an element with nothing in it as well.
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

/// A chapter, or a sequence, in one round: how it ended in each of its attempts.
struct Case<'a> {
    name: &'a str,
    ends: Vec<End<'a>>,
}

/// The chapters of a round; and the sequence itself, where it ended otherwise than any of them.
fn cases<'a>(unit: &'a Unit, attempts: &'a [Attempt]) -> Vec<Case<'a>> {
    let chapters = unit.chapters.iter().enumerate();
    let mut cases: Vec<_> = chapters
        .map(|(place, name)| Case {
            name,
            ends: attempts.iter().filter_map(|a| end(a, place)).collect(),
        })
        .collect();
    let outside = |attempt: &Attempt| {
        let told = |outcome: Outcome| outcome.counts() && outcome != Outcome::Passed;
        told(attempt.outcome) && !attempt.chapters.iter().any(|end| told(end.outcome))
    };
    if unit.mode == Mode::Sequential && attempts.iter().any(outside) {
        cases.push(Case {
            name: &unit.name,
            ends: attempts.iter().map(whole).collect(),
        });
    }
    cases
}

/// How a chapter, or a sequence, ended in one attempt.
struct End<'a> {
    attempt: &'a Attempt,
    outcome: Outcome,
    secs: Option<f64>,
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
    /// Why, in a line: the reason on record, else how the process ended; and where its output is.
    fn why(&self) -> String {
        let (attempt, outcome) = (self.attempt, self.outcome);
        let exit = match (outcome, attempt.own_exit()) {
            (Outcome::TimedOut, _) => Some("killed after its time limit".to_owned()),
            (outcome, Some(exit)) if outcome.counts() => Some(exit.to_string()),
            _ => None,
        };
        let of_attempt = attempt.reason.as_deref().filter(|_| !outcome.counts());
        let reason = self.reason.or(of_attempt);
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
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Success,
    Failure,
    Error,
    Skipped,
}

impl Case<'_> {
    fn time(&self) -> Duration {
        let secs = self.ends.iter().filter_map(|end| end.secs).next_back();
        time(secs.unwrap_or(0.0))
    }

    /// Over the attempts that count; where none does, what kept them from counting. With it the ends that it is said of:
    /// of a success those that did not pass.
    fn status(&self) -> (Status, Vec<&End<'_>>) {
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

    /// What could not be started is the set-up's fault; what was not reached, interrupted or lost was not run to its end.
    fn uncounted(&self) -> (Status, Vec<&End<'_>>) {
        let last = self.ends.last();
        let status = match last.map(|end| end.outcome) {
            Some(Outcome::NotStarted) => Status::Error,
            _ => Status::Skipped,
        };
        (status, last.into_iter().collect())
    }
}

fn write_case(xml: &mut Xml<'_>, case: &Case<'_>, round: u32, class: &str) -> io::Result<()> {
    let name = format!("{} round {round}", clean(case.name, NAME));
    let time = Seconds(case.time());
    let head: [(&str, &dyn Display); 3] = [("name", &name), ("classname", &class), ("time", &time)];
    let (status, said) = case.status();
    if status == Status::Success && said.is_empty() {
        return xml.empty("testcase", &head);
    }
    xml.open("testcase", &head)?;
    let (first, more) = match status {
        Status::Success => (None, "flakyFailure"),
        Status::Failure => (Some("failure"), "rerunFailure"),
        Status::Error => (Some("error"), "rerunFailure"),
        Status::Skipped => (Some("skipped"), "rerunFailure"),
    };
    let mut said = said.into_iter();
    if let Some(element) = first {
        match said.next() {
            Some(end) => xml.empty(element, &[("message", &end.why()), ("type", &end.outcome)])?,
            None => xml.empty(element, &[])?,
        }
    }
    for end in said {
        xml.open(more, &[("message", &end.why()), ("type", &end.outcome)])?;
        xml.close()?;
    }
    xml.close()
}

/// Seconds as JUnit has them.
struct Seconds(Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3}", self.0.as_secs_f64())
    }
}

fn time(secs: f64) -> Duration {
    Duration::try_from_secs_f64(secs).unwrap_or_default()
}
