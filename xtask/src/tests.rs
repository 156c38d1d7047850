//! Runs the tests and prints their total.

use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::ops::AddAssign;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::failure::code_of;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    // Tests run the real `crashrate` with the worker beside it.
    let libtorch = workspace.build()?;
    let mut cargo = workspace.cargo(&["test", "--release", "--no-fail-fast"]);
    cargo.envs(libtorch.map(|folder| ("LIBTORCH", folder)));
    let chosen = |argument: &String| argument == "-p" || argument.starts_with("--package");
    if !arguments.iter().any(chosen) {
        cargo.arg("--workspace");
    }
    cargo.args(arguments);
    // On a terminal, the tests keep it for its colours. Elsewhere this program reads their lines
    // and adds up the totals, which `cargo test` prints only per binary.
    if io::stdout().is_terminal() {
        let status = cargo.status().context("cargo test could not be started")?;
        return Ok(code_of(status));
    }
    counted(cargo)
}

fn counted(mut cargo: Command) -> Result<ExitCode> {
    let mut child = cargo
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo test could not be started")?;
    let mut total = Total::default();
    let mut out = io::stdout().lock();
    for line in child
        .stdout
        .take()
        .map(BufReader::new)
        .into_iter()
        .flat_map(|lines| lines.split(b'\n'))
    {
        let line = line.context("the output of the tests could not be read")?;
        if let Some(more) = Total::of(&String::from_utf8_lossy(&line)) {
            total += more;
        }
        out.write_all(&line)
            .and_then(|()| out.write_all(b"\n"))
            .context("the output of the tests could not be written")?;
    }
    let status = child.wait().context("cargo test could not be waited for")?;
    // If the tests did not compile, there is no total.
    if total != Total::default() {
        writeln!(
            out,
            "{} passed, {} failed, {} skipped",
            total.passed, total.failed, total.skipped
        )
        .context("the total could not be printed")?;
    }
    Ok(code_of(status))
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Total {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Total {
    /// Reads `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; ...`.
    fn of(line: &str) -> Option<Self> {
        let counts = line.strip_prefix("test result: ")?;
        let count = |noun: &str| {
            let (before, _) = counts.split_once(noun)?;
            before.trim_end().rsplit(' ').next()?.parse().ok()
        };
        Some(Self {
            passed: count(" passed")?,
            failed: count(" failed")?,
            skipped: count(" ignored")?,
        })
    }
}

impl AddAssign for Total {
    fn add_assign(&mut self, more: Self) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.skipped += more.skipped;
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn result_lines_are_added_up() {
        let line = "test result: FAILED. 12 passed; 2 failed; 1 ignored; 0 measured; 4 filtered \
                    out; finished in 0.01s";
        let total = Total::of(line).expect("a result");
        assert_eq!((total.passed, total.failed, total.skipped), (12, 2, 1));
        assert_eq!(Total::of("test result of another kind"), None);
        assert_eq!(Total::of("test a_test ... ok"), None);
    }
}
