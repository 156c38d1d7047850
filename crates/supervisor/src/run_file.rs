//! `run.toml`: what was to be run, for people and for going on with it later.

use std::fs;
use std::io;
use std::path::Path;

use crashrate_model::RunInfo;
use serde::Serialize;

use crate::plan::Plan;
use crate::suite::Suite;

const NAME: &str = "run.toml";

#[derive(Serialize)]
struct RunFile<'a> {
    /// What makes two plans the same measurement.
    fingerprint: String,
    /// When the run stops: after the planned rounds.
    stopping_rule: &'static str,
    /// The command line.
    command: Vec<String>,
    run: &'a RunInfo,
    suite: &'a Suite,
}

/// Writes `run.toml` into a run's folder.
pub(crate) fn write(folder: &Path, plan: &Plan, run: &RunInfo) -> io::Result<()> {
    let file = RunFile {
        fingerprint: plan.fingerprint(),
        stopping_rule: "fixed-rounds",
        command: std::env::args_os()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect(),
        run,
        suite: &plan.suite,
    };
    let text = toml::to_string_pretty(&file).map_err(io::Error::other)?;
    fs::write(folder.join(NAME), text)
}
