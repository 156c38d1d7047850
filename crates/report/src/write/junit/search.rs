//! A search as one test case. Its rounds are means to an answer, and no tests.

use std::io::Write;

use crashrate_model::{Axis, Stopping};

use super::report::{Counts, Problem, Report, Status, TestCase, duration};
use crate::clean::{ID, clean};
use crate::document::{Verdict, in_words};
use crate::view::{Ends, ExitClass, View, exit_class};
use crate::write::listed::ListError;

/// The command whose run has one question, as the name of its suite.
pub(super) fn command(view: &View) -> Option<&'static str> {
    match view.run.stopping {
        Stopping::Minimized(_) => Some("minimize"),
        Stopping::Bisected(_) => Some("bisect"),
        Stopping::Provoked(_) => Some("provoke"),
        // The chapters of a suite are tests of their own; two variants of a command are not.
        Stopping::Decided(Axis::Variant) if view.run.given.is_some() => Some("ab"),
        _ => None,
    }
}

/// Writes the case with its result: the answer, or why there is none.
pub(super) fn write(
    view: &View,
    command: &'static str,
    ends: &mut dyn Ends,
    out: &mut dyn Write,
) -> Result<(), ListError> {
    let status = match exit_class(view) {
        _ if view.run.state.is_running() => Status::Skipped,
        ExitClass::Undecided => Status::Failure,
        ExitClass::Incomplete => Status::Error,
        ExitClass::Passed | ExitClass::NotPassed | ExitClass::Refuted => Status::Success,
    };
    let case = case(view, status);
    let mut counts = Counts::default();
    for at in &view.attempts {
        counts.add_round(at.round);
    }
    counts.add(status, case.time);
    let suites = vec![0; view.units.len()];
    let mut report = Report::open(view, &suites, vec![counts], ends.suite_file(), out)?;
    report.of_search(command);
    report.write(0, &case, ends)?;
    Ok(report.close()?)
}

fn case(view: &View, status: Status) -> TestCase {
    let Verdict { word, lines, .. } = in_words(view);
    let said = lines.join("\n");
    let problem = || Problem {
        element: status.element(),
        message: format!("{word}: {}", lines.first().map_or("", String::as_str)),
        outcome: None,
        text: said.clone(),
    };
    TestCase {
        name: clean(view.units.first().map_or("", |unit| &unit.name), ID),
        time: duration(view.run.secs.unwrap_or_default()),
        problems: (status != Status::Success)
            .then(problem)
            .into_iter()
            .collect(),
        output: None,
        said: (status == Status::Success).then_some(said),
    }
}
