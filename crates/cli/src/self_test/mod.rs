//! `crashrate doctor --self-test`: misbehaving programs under each evidence mode, and whether their outcomes are right.

mod cases;
mod measure;
mod write;

use std::collections::BTreeMap;
use std::path::Path;

use crashrate_model::EvidenceMode;
use crashrate_supervisor::process::{self, RefusedCall};
use crashrate_supervisor::watching::EvidenceChoice;
use crashrate_supervisor::{machine, misbehave};

use crate::args::DoctorFormat;
use crate::environment::enough_for_run;
use crate::exit::{Exit, Failure};
use crate::guardian;
use crate::screen::print;
use cases::{CASES, Case};
use measure::{Measured, SelfTest};

/// The modes, in the order of the table.
const MODES: [(EvidenceMode, EvidenceChoice); 3] = [
    (EvidenceMode::Core, EvidenceChoice::Core),
    (EvidenceMode::Trace, EvidenceChoice::Trace),
    (EvidenceMode::None, EvidenceChoice::None),
];

/// The results of the self-test.
struct Report {
    machine: BTreeMap<String, String>,
    refused: Vec<RefusedCall>,
    cases: Vec<&'static Case>,
    modes: Vec<Measured>,
}

impl Report {
    fn is_as_expected(&self) -> bool {
        let is_blocked = self.refused.iter().any(|call| call.without.is_none());
        !is_blocked && self.modes.iter().all(Measured::is_as_expected)
    }
}

pub(crate) fn self_test(format: DoctorFormat) -> Result<Exit, Failure> {
    let program = std::env::current_exe()
        .map_err(|e| Failure::usage(format!("this program's own path cannot be found: {e}")))?;
    enough_for_run(1)?;
    let refused = process::refused_calls((&program, guardian::ARGUMENTS));
    let cases: Vec<&Case> = CASES
        .iter()
        .filter(|case| misbehave::kinds().any(|kind| kind == case.kind))
        .collect();
    let mut report = Report {
        machine: facts(),
        refused,
        cases,
        modes: Vec::new(),
    };
    // Otherwise no process can be started or waited for.
    if report.refused.iter().all(|call| call.without.is_some()) {
        let self_test = SelfTest::new(program, &report.cases)?;
        for (mode, choice) in MODES {
            report.modes.push(self_test.measure(mode, choice)?);
        }
    }
    print(&match format {
        DoctorFormat::Terminal => write::terminal(&report),
        DoctorFormat::Json => write::json(&report),
    })?;
    Ok(match report.is_as_expected() {
        true => Exit::Passed,
        false => Exit::NotPassed,
    })
}

/// What a bug report has to say of the machine, without the names of the host and of a git revision.
fn facts() -> BTreeMap<String, String> {
    let mut facts = machine::describe(Path::new("/"));
    facts.retain(|name, _| ["crashrate", "os", "cpu", "cores", "memory"].contains(&name.as_str()));
    facts.extend(machine::distribution().map(|name| ("distribution".to_owned(), name)));
    facts.insert("user".to_owned(), machine::user());
    facts
}
