//! `run.toml`: what was to be run, for people and for going on with it later.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crashrate_model::RunInfo;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::plan::Plan;
use crate::suite::Suite;

const NAME: &str = "run.toml";

#[derive(Deserialize, Serialize)]
struct RunFile<'a> {
    /// What makes two plans the same measurement.
    fingerprint: String,
    /// When the run stops: after the planned rounds.
    stopping_rule: Cow<'a, str>,
    /// The command line.
    command: Vec<String>,
    run: Cow<'a, RunInfo>,
    suite: Cow<'a, Suite>,
}

/// A `run.toml` that cannot be gone on with.
#[derive(Debug, Error)]
pub enum RunFileError {
    /// It cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what crashrate wrote.
    #[error("{}: {problem}; a run goes on only with the plan that it began with", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// Reads back what a run was to be.
///
/// # Errors
/// The file cannot be read, or it is not what was written.
pub fn read(folder: &Path) -> Result<(Plan, RunInfo), RunFileError> {
    let path = folder.join(NAME);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(RunFileError::Unreadable { path, source }),
    };
    let changed = |problem: String| RunFileError::Changed {
        path: path.clone(),
        problem,
    };
    let file: RunFile<'_> = toml::from_str(&text).map_err(|e| changed(e.to_string()))?;
    let run = file.run.into_owned();
    let plan = Plan {
        suite: file.suite.into_owned(),
        units: run.units.clone(),
        seed: run.seed,
    };
    if plan.fingerprint() != file.fingerprint {
        return Err(changed(
            "the fingerprint does not fit the rest of it".into(),
        ));
    }
    Ok((plan, run))
}

/// Writes `run.toml` into a run's folder.
pub(crate) fn write(folder: &Path, plan: &Plan, run: &RunInfo) -> io::Result<()> {
    let file = RunFile {
        fingerprint: plan.fingerprint(),
        stopping_rule: "fixed-rounds".into(),
        command: std::env::args_os()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect(),
        run: Cow::Borrowed(run),
        suite: Cow::Borrowed(&plan.suite),
    };
    let text = toml::to_string_pretty(&file).map_err(io::Error::other)?;
    fs::write(folder.join(NAME), text)
}
