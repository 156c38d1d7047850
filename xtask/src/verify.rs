//! Long simulations of the verdicts: what CI runs in small, with enough repetitions for a table.

use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::cargo::call;
use crate::workspace::Workspace;

/// A simulation: its name, and the package that has it as an example.
const SIMULATIONS: [(&str, &str); 4] = [
    ("verdicts", "crashrate-stats"),
    ("campaigns", "crashrate-supervisor"),
    ("histories", "crashrate-stats"),
    ("simulate", "crashrate-stats"),
];

/// Ignored tests of the program: a name, and the tests.
const TESTS: [(&str, &[&str]); 2] = [
    ("real-campaigns", &["verdicts::real_campaigns"]),
    ("journals", &["damaged_journal::", "mutated::"]),
];

/// What to do.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// `verdicts`: size and power of comparisons, gates and independence tests; `campaigns`: gates on runs with slow hangs and
    /// several jobs; `real-campaigns`: the same on 100 real runs; `journals`: every flipped bit of a journal, and 150,000 changed suites, reports and journals; `histories`: marks in flat and changing histories; `simulate`: exact error rates of the stopping rules.
    /// All if none is named
    names: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode> {
    for name in &arguments.names {
        let names: Vec<_> = (SIMULATIONS.map(|(name, _)| name).into_iter())
            .chain(TESTS.map(|(name, _)| name))
            .collect();
        ensure!(
            names.contains(&name.as_str()),
            "there is no simulation `{name}`; the simulations: {}",
            names.join(", ")
        );
    }
    for (name, package) in SIMULATIONS {
        if !arguments.names.is_empty() && !arguments.names.iter().any(|asked| asked == name) {
            continue;
        }
        say!("{name}");
        let mut cargo = workspace.cargo();
        cargo.args([
            "run",
            "--quiet",
            "--release",
            "--package",
            package,
            "--example",
            name,
        ]);
        call(cargo, name)?;
    }
    for (name, tests) in TESTS {
        if !arguments.names.is_empty() && !arguments.names.iter().any(|asked| asked == name) {
            continue;
        }
        say!("{name}");
        let mut cargo = workspace.cargo();
        cargo.args([
            "test",
            "--quiet",
            "--release",
            "--package",
            "crashrate",
            "--test",
            "it",
            "--",
        ]);
        cargo.args(["--ignored", "--nocapture"]).args(tests);
        call(cargo, name)?;
    }
    Ok(ExitCode::SUCCESS)
}
