//! `crashrate doctor --self-test`: misbehaving programs in each evidence mode, and whether their
//! outcomes are right.

mod cases;
mod format;
mod measure;

use std::collections::BTreeMap;
use std::path::Path;

use crashrate_model::EvidenceMode;
use crashrate_supervisor::process;
use crashrate_supervisor::watching::EvidenceChoice;
use crashrate_supervisor::{machine, misbehave};

use crate::environment::{GUARDIAN, enough_for_run, this_program};
use crate::error::{Exit, Failure};
use crate::output::print;
use cases::{CASES, Case};
use measure::{Report, SelfTest};

/// The modes, in the order of the table.
const MODES: [(EvidenceMode, EvidenceChoice); 3] = [
    (EvidenceMode::Core, EvidenceChoice::Core),
    (EvidenceMode::Trace, EvidenceChoice::Trace),
    (EvidenceMode::None, EvidenceChoice::None),
];

pub(super) fn self_test(json: bool) -> Result<Exit, Failure> {
    let (program, _) = this_program()?;
    enough_for_run(1)?;
    let refused = process::refused_calls((&program, GUARDIAN));
    let cases: Vec<&Case> = CASES
        .iter()
        .filter(|case| misbehave::kinds().any(|kind| kind == case.kind))
        .collect();
    let mut report = Report {
        machine: machine_facts(),
        refused,
        cases,
        modes: Vec::new(),
    };
    // Without an essential system call no process can be started or waited for.
    if report.refused.iter().all(|call| call.without.is_some()) {
        let self_test = SelfTest::new(program, &report.cases)?;
        for (mode, choice) in MODES {
            report.modes.push(self_test.measure(mode, choice)?);
        }
    }
    print(&if json {
        format::json(&report)
    } else {
        format::terminal(&report)
    })?;
    Ok(if report.is_as_expected() {
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
