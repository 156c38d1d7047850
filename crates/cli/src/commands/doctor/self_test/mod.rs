//! `crashrate doctor --self-test`: misbehaving programs in each evidence mode, and whether their
//! outcomes are right.

mod cases;
mod format;
mod measure;

use std::collections::BTreeMap;
use std::path::Path;

use crashrate_supervisor::machine;
use crashrate_supervisor::process::refused_calls;

use crate::environment::{GUARDIAN, enough_for_run, this_program};
use crate::error::{Exit, Failure};
use crate::output::print;
use cases::cases;
use format::Report;
use measure::measure;

pub(super) fn self_test(json: bool) -> Result<Exit, Failure> {
    let (program, beside) = this_program()?;
    enough_for_run(1)?;
    let refused = refused_calls((&program, GUARDIAN));
    let cases = cases()?;
    // Without an essential system call no process can be started or waited for.
    let is_possible = refused.iter().all(|call| call.without.is_some());
    let modes = if is_possible {
        measure(&program, &beside, &cases)?
    } else {
        Vec::new()
    };
    // A mode that is not possible here has no rows, and nothing in it is wrong.
    let mut rows = modes.iter().flat_map(|mode| mode.rows.iter().flatten());
    let report = Report {
        machine: machine_facts(),
        refused,
        cases,
        is_as_expected: is_possible && rows.all(|row| row.as_expected),
        modes,
    };
    print(&if json {
        format::json(&report)
    } else {
        format::terminal(&report)
    })?;
    Ok(if report.is_as_expected {
        Exit::Passed
    } else {
        Exit::NotPassed
    })
}

/// The machine, for a bug report: without the host name and the git revision.
fn machine_facts() -> BTreeMap<String, String> {
    let mut facts = machine::describe(Path::new("/"));
    facts.retain(|name, _| ["crashrate", "os", "cpu", "cores", "memory"].contains(&name.as_str()));
    facts.extend(machine::distribution().map(|name| ("distribution".to_owned(), name)));
    facts.insert("user".to_owned(), machine::user());
    facts
}
