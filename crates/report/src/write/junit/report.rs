//! Writes the elements of a report one by one: a report with millions of them is never in memory as
//! a whole.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::Duration;

use crashrate_model::{Mode, Outcome, Unit};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::clean::{NAME, clean, lines};
use crate::view::Ends;
use crate::view::View;
use crate::words::{of_unit, share};

/// Spaces per level.
const INDENT: usize = 4;

/// The status of a test case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Success,
    Failure,
    Error,
    Skipped,
}

impl Status {
    /// The element for the first attempt that did not pass.
    pub(super) fn element(self) -> &'static str {
        match self {
            Status::Success => "flakyFailure",
            Status::Failure => "failure",
            Status::Error => "error",
            Status::Skipped => "skipped",
        }
    }
}

/// A test case.
pub(super) struct TestCase {
    pub(super) name: String,
    pub(super) time: Duration,
    pub(super) problems: Vec<Problem>,
    /// The file of the kept output to show.
    pub(super) output: Option<String>,
    /// Shown in its place.
    pub(super) said: Option<String>,
}

/// Why a test case did not pass at once.
pub(super) struct Problem {
    pub(super) element: &'static str,
    pub(super) message: String,
    pub(super) outcome: Option<Outcome>,
    pub(super) text: String,
}

/// The head of a suite.
#[derive(Clone, Default)]
pub(super) struct Counts {
    tests: u32,
    skipped: u32,
    errors: u32,
    failures: u32,
    time: Duration,
    rounds: Option<(u32, u32)>,
}

impl Counts {
    pub(super) fn add_round(&mut self, round: u32) {
        let (first, last) = self.rounds.unwrap_or((round, round));
        self.rounds = Some((first.min(round), last.max(round)));
    }

    pub(super) fn add(&mut self, status: Status, time: Duration) {
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

/// A report being written.
pub(super) struct Report<'a> {
    view: &'a View,
    /// The suite of each unit.
    suites: &'a [usize],
    counts: Vec<Counts>,
    /// The suite's file for CI.
    file: Option<String>,
    /// The command of a search, which is its suite.
    search: Option<&'static str>,
    xml: Writer<&'a mut dyn Write>,
    /// The suite being written, and the class of its cases.
    current: Option<(usize, String)>,
}

impl<'a> Report<'a> {
    pub(super) fn open(
        view: &'a View,
        suites: &'a [usize],
        counts: Vec<Counts>,
        file: Option<String>,
        out: &'a mut dyn Write,
    ) -> io::Result<Report<'a>> {
        let mut xml = Writer::new_with_indent(out, b' ', INDENT);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let sum = |of: fn(&Counts) -> u32| counts.iter().map(of).sum::<u32>().to_string();
        // In the schema, only a suite can have `skipped`.
        let mut attributes = vec![
            ("name", clean(&view.run.suite, NAME)),
            ("tests", sum(|suite| suite.tests)),
            ("failures", sum(|suite| suite.failures)),
            ("errors", sum(|suite| suite.errors)),
        ];
        let time = view.run.secs.map(duration);
        attributes.extend(time.map(|time| ("time", seconds(time))));
        xml.write_event(Event::Start(tag("testsuites", &attributes)))?;
        Ok(Report {
            view,
            suites,
            counts,
            file,
            search: None,
            xml,
            current: None,
        })
    }

    /// Makes it a report on a search of this command.
    pub(super) fn of_search(&mut self, command: &'static str) {
        self.search = Some(command);
    }

    /// Writes a test case of this unit. Units of one suite must follow each other.
    pub(super) fn write(
        &mut self,
        unit: usize,
        case: &TestCase,
        ends: &mut dyn Ends,
    ) -> io::Result<()> {
        let class = self.enter(unit)?;
        let mut attributes = vec![
            ("name", case.name.clone()),
            ("classname", class),
            ("time", seconds(case.time)),
        ];
        attributes.extend(self.file.clone().map(|file| ("file", file)));
        let start = tag("testcase", &attributes);
        if case.problems.is_empty() && case.said.is_none() {
            return self.xml.write_event(Event::Empty(start));
        }
        self.xml.write_event(Event::Start(start))?;
        for problem in &case.problems {
            let mut attributes = vec![("message", problem.message.clone())];
            let outcome = problem.outcome.map(|outcome| outcome.to_string());
            attributes.extend(outcome.map(|outcome| ("type", outcome)));
            self.text(tag(problem.element, &attributes), &problem.text)?;
        }
        let printed = case.output.as_ref().and_then(|file| ends.output(file));
        let said = || [case.said.clone().unwrap_or_default(), String::new()];
        let [out, err] = printed.unwrap_or_else(said);
        for (element, text) in [("system-out", out), ("system-err", err)] {
            if !text.is_empty() {
                self.text(tag(element, &[]), &lines(&text, false))?;
            }
        }
        self.end("testcase")
    }

    pub(super) fn close(mut self) -> io::Result<()> {
        if self.current.is_some() {
            self.end("testsuite")?;
        }
        // A report without cases is an element without content, too.
        self.end("testsuites")?;
        self.xml.get_mut().write_all(b"\n")
    }

    /// Opens the suite of this unit, unless it is open. Returns the class of its cases.
    fn enter(&mut self, unit: usize) -> io::Result<String> {
        let suite = self.suites[unit];
        match &self.current {
            Some((open, class)) if *open == suite => return Ok(class.clone()),
            Some(_) => self.end("testsuite")?,
            None => {}
        }
        let unit = &self.view.units[unit];
        let counts = &self.counts[suite];
        let name = (self.search).map_or_else(|| suite_name(unit), str::to_owned);
        let attributes = [
            ("name", name.clone()),
            ("tests", counts.tests.to_string()),
            ("skipped", counts.skipped.to_string()),
            ("errors", counts.errors.to_string()),
            ("failures", counts.failures.to_string()),
            ("time", seconds(counts.time)),
        ];
        let mut properties = properties(self.view, unit, counts.rounds.unwrap_or_default());
        if self.search.is_some() {
            // It has them all.
            properties.retain(|(name, _)| !["mode", "variant"].contains(name));
        }
        let xml = &mut self.xml;
        xml.write_event(Event::Start(tag("testsuite", &attributes)))?;
        xml.write_event(Event::Start(tag("properties", &[])))?;
        for (name, value) in properties {
            let attributes = [("name", name.to_owned()), ("value", clean(&value, NAME))];
            xml.write_event(Event::Empty(tag("property", &attributes)))?;
        }
        self.end("properties")?;
        let class = format!("{}.{name}", clean(&self.view.run.suite, NAME));
        self.current = Some((suite, class.clone()));
        Ok(class)
    }

    /// Writes an element with text; empty if there is none.
    fn text(&mut self, start: BytesStart<'_>, text: &str) -> io::Result<()> {
        let xml = &mut self.xml;
        if text.is_empty() {
            return xml.write_event(Event::Empty(start));
        }
        let end = start.to_end().into_owned();
        xml.write_event(Event::Start(start))?;
        xml.write_event(Event::Text(BytesText::new(&valid(text))))?;
        xml.write_event(Event::End(end))
    }

    fn end(&mut self, element: &str) -> io::Result<()> {
        self.xml.write_event(Event::End(BytesEnd::new(element)))
    }
}

fn tag(name: &'static str, attributes: &[(&str, String)]) -> BytesStart<'static> {
    let attributes = attributes.iter();
    BytesStart::new(name).with_attributes(attributes.map(|(name, value)| (*name, valid(value))))
}

/// The text without characters that are invalid in XML.
fn valid(text: &str) -> Cow<'_, str> {
    let is_valid =
        |c: char| (c >= ' ' || matches!(c, '\n' | '\t')) && !matches!(c, '\u{fffe}' | '\u{ffff}');
    match text.chars().all(is_valid) {
        true => text.into(),
        false => text.chars().filter(|c| is_valid(*c)).collect(),
    }
}

/// The properties of the suite that begins with this unit.
fn properties(view: &View, unit: &Unit, (first, last): (u32, u32)) -> Vec<(&'static str, String)> {
    let run = &view.run;
    let results = view.results_of(&unit.name, unit.mode, &unit.variant);
    let mut properties = Vec::new();
    if let Some(bounds) = results.and_then(|results| results.bounds) {
        let [best, worst] = [bounds.best, bounds.worst].map(|of| share(of.bad, of.n));
        properties.extend([
            ("missing", bounds.missing.to_string()),
            ("bad-if-no-missing-was", best),
            ("bad-if-all-missing-were", worst),
        ]);
    }
    properties.extend([
        ("number", run.number.to_string()),
        ("run", run.id.clone()),
        ("started", run.started.clone()),
        ("device", run.device.clone()),
        ("seed", run.seed.map_or("-".to_owned(), |s| s.to_string())),
        ("mode", unit.mode.word().to_owned()),
        ("variant", unit.variant.clone()),
        ("rounds", format!("{first}-{last}")),
    ]);
    properties
}

/// `isolated`, `sequential: complete-story`, with the variant if it has a name.
fn suite_name(unit: &Unit) -> String {
    let name = match unit.mode {
        Mode::Isolated => unit.mode.word().to_owned(),
        Mode::Sequential => format!("{}: {}", unit.mode, unit.name),
    };
    of_unit(&name, None, &unit.variant)
}

/// Seconds in JUnit's format.
fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

pub(super) fn duration(secs: f64) -> Duration {
    Duration::try_from_secs_f64(secs).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_nest_and_values_cannot_break_out() {
        let mut xml = Writer::new_with_indent(Vec::new(), b' ', INDENT);
        let outer = tag("a", &[("x", "<'&\">\u{ffff}\u{1b}ä".to_owned())]);
        xml.write_event(Event::Start(outer)).unwrap();
        let inner = tag("b", &[("n", "1".to_owned())]);
        xml.write_event(Event::Empty(inner)).unwrap();
        xml.write_event(Event::End(BytesEnd::new("a"))).unwrap();
        insta::assert_snapshot!(String::from_utf8(xml.into_inner()).unwrap(), @r#"
        <a x="&lt;&apos;&amp;&quot;&gt;ä">
            <b n="1"/>
        </a>
        "#);
    }
}
