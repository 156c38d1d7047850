//! Runs the tests and prints their total.

use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, ExitCode};

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
    let (reader, writer) = io::pipe()?;
    let mut child = cargo
        .stdout(writer)
        .spawn()
        .context("cargo test could not be started")?;
    // Drops our copy of the writing end, so that reading ends with the tests.
    drop(cargo);
    let mut total = [0; 3];
    let mut out = io::stdout().lock();
    for line in BufReader::new(reader).split(b'\n') {
        let line = line.context("the output of the tests could not be read")?;
        let more = counts(&String::from_utf8_lossy(&line)).unwrap_or_default();
        for (total, more) in total.iter_mut().zip(more) {
            *total += more;
        }
        out.write_all(&[&line, &b"\n"[..]].concat())
            .context("the output of the tests could not be written")?;
    }
    let status = child.wait().context("cargo test could not be waited for")?;
    // If the tests did not compile, there is no total.
    if total != [0; 3] {
        let [passed, failed, skipped] = total;
        writeln!(out, "{passed} passed, {failed} failed, {skipped} skipped")
            .context("the total could not be printed")?;
    }
    Ok(code_of(status))
}

/// Reads how many passed, failed and were ignored in
/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; ...`.
fn counts(line: &str) -> Option<[u64; 3]> {
    let line = line.strip_prefix("test result: ")?;
    let count = |noun: &str| {
        let (before, _) = line.split_once(noun)?;
        before.rsplit(' ').next()?.parse().ok()
    };
    Some([count(" passed")?, count(" failed")?, count(" ignored")?])
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn counts_are_read_from_result_lines() {
        let line = "test result: FAILED. 12 passed; 2 failed; 1 ignored; 0 measured; 4 filtered \
                    out; finished in 0.01s";
        assert_eq!(counts(line), Some([12, 2, 1]));
        assert_eq!(counts("test result of another kind"), None);
        assert_eq!(counts("test a_test ... ok"), None);
    }
}
