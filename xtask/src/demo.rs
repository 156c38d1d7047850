//! The demo: the story suite in both modes on the CPU, and where its report is.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::cargo;
use crate::failure::code_of;
use crate::workspace::Workspace;

const SUITE: &str = "configs/story.toml";

pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    cargo::build(workspace)?;
    let program = workspace.binaries()?.join("crashrate");
    let runs = env::var_os("CRASHRATE_RUNS_DIR").unwrap_or_else(|| "crashrate-runs".into());
    let runs = workspace.root().join(runs);
    let arguments = ["--mode", "both", "--rounds", "3", "--device", "cpu"];

    say!("\n$ crashrate run {SUITE} {}\n", arguments.join(" "));
    let before = folders(&runs);
    let status = Command::new(&program)
        .current_dir(workspace.root())
        .args(["run", SUITE])
        .args(arguments)
        .env("CRASHRATE_RUNS_DIR", &runs)
        .status()
        .with_context(|| format!("{} could not be started", program.display()))?;

    let Some(report) = new_report(&runs, &before) else {
        bail!(
            "crashrate ended ({status}), and there is no new report in {}\n\
             what to do: see what it says above",
            runs.display()
        );
    };
    if !status.success() {
        say!("\nnot everything passed ({status}); the report tells what");
    }
    say!("\nreport: {}", report.display());
    Ok(code_of(status))
}

fn folders(runs: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(runs).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn new_report(runs: &Path, before: &BTreeSet<PathBuf>) -> Option<PathBuf> {
    let reports = folders(runs)
        .difference(before)
        .map(|folder| folder.join("report.md"))
        .filter(|report| report.is_file())
        .collect::<Vec<_>>();
    // `latest` may be a link beside the run's own folder; both lead to the same file.
    reports
        .into_iter()
        .min_by_key(|report| report.parent().is_some_and(Path::is_symlink))
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn only_the_report_of_this_run_is_told() {
        let runs = tempfile::tempdir().expect("a folder");
        let add = |name: &str| {
            let folder = runs.path().join(name);
            fs::create_dir(&folder).expect("a folder");
            fs::write(folder.join("report.md"), "").expect("a report");
            folder.join("report.md")
        };
        add("old");
        let before = folders(runs.path());
        assert_eq!(new_report(runs.path(), &before), None);
        let new = add("new");
        std::os::unix::fs::symlink("new", runs.path().join("latest")).expect("a link");
        assert_eq!(new_report(runs.path(), &before), Some(new));
    }
}
