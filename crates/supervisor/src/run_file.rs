//! `run.toml`: the plan of a run, for people and for `--resume`.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use crashrate_model::{RunInfo, Stopping};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::plan::Plan;
use crate::safe_file;
use crate::suite::Suite;

pub(crate) const NAME: &str = "run.toml";

#[derive(Deserialize, Serialize)]
struct RunFile<'a> {
    /// Fingerprint of the plan; an imported run has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    /// Name of the stopping rule; `run` has the whole rule.
    stopping_rule: Cow<'a, str>,
    /// The command line.
    command: Vec<String>,
    run: Cow<'a, RunInfo>,
    /// `None` for an imported run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suite: Option<Cow<'a, Suite>>,
}

/// A run that cannot be resumed because of its `run.toml`.
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
    /// It was changed.
    #[error("{}: {problem}; a run can only be resumed with its original plan", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The run was merged from journals alone.
    #[error(
        "{}: the run was merged from journals without their run folders, so its plan is not known",
        .0.display()
    )]
    Merged(PathBuf),
    /// The run was imported.
    #[error(
        "{}: the run was imported from {file}; imported runs cannot be resumed",
        path.display()
    )]
    Imported {
        /// The file.
        path: PathBuf,
        /// The imported report.
        file: String,
    },
}

/// Reads the plan of a run back.
///
/// # Errors
/// The file cannot be read, or it was changed.
pub fn read(folder: &Path) -> Result<(Plan, RunInfo), RunFileError> {
    let path = folder.join(NAME);
    let text = safe_file::read(folder, NAME)
        .and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other));
    let text = text.map_err(|source| RunFileError::Unreadable {
        path: path.clone(),
        source,
    })?;
    let changed = |problem: String| RunFileError::Changed {
        path: path.clone(),
        problem,
    };
    let file: RunFile<'_> = toml::from_str(&text).map_err(|e| changed(e.to_string()))?;
    let run = file.run.into_owned();
    if let Some(imported) = run.imported {
        let file = imported.file;
        return Err(RunFileError::Imported { path, file });
    }
    if run.merged.is_some() && file.suite.is_none() {
        return Err(RunFileError::Merged(path));
    }
    let (Some(suite), Some(fingerprint)) = (file.suite, file.fingerprint) else {
        return Err(changed("it contains no suite".into()));
    };
    let plan = Plan {
        suite: Suite {
            // As it was when the run began; the file may have changed.
            baseline: run.baseline.clone(),
            ..suite.into_owned()
        },
        units: run.units.clone(),
        seed: run.seed,
        only_round: run.only_round,
        shard: run.shard,
        order_seed: run.order_seed,
    };
    if plan.fingerprint() != fingerprint {
        return Err(changed("the fingerprint does not match the plan".into()));
    }
    Ok((plan, run))
}

fn rule(stopping: &Stopping) -> &'static str {
    match stopping {
        Stopping::FixedRounds => "fixed-rounds",
        Stopping::Decided(_) => "until-decided",
        Stopping::Gates(_) => "gates",
        Stopping::FirstBad => "until-first-bad",
        Stopping::Minimized(_) => "until-minimized",
        Stopping::Bisected(_) => "until-bisected",
        Stopping::Provoked(_) => "until-provoked",
    }
}

/// Writes `run.toml` into a run's folder. An imported run has no plan.
pub(crate) fn write(folder: &Path, run: &RunInfo, plan: Option<&Plan>) -> io::Result<()> {
    let file = RunFile {
        fingerprint: plan.map(Plan::fingerprint),
        stopping_rule: rule(&run.stopping).into(),
        command: std::env::args_os()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect(),
        run: Cow::Borrowed(run),
        suite: plan.map(|plan| Cow::Borrowed(&plan.suite)),
    };
    let text = toml::to_string_pretty(&file).map_err(io::Error::other)?;
    safe_file::write(folder, NAME, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crashrate_model::Axis;
    use crashrate_protocol::ChapterInfo;
    use serde_json::json;

    use super::*;
    use crate::plan::Selection;
    use crate::worker::Workers;

    const SUITE: &str = r#"
        [suite]
        name = "all"
        bad = ["failed", "crashed"]
        [[chapter]]
        id = "a"
        worker = "w"
        params = { threads = [1, 2], text = "x", part = 0.5, on = true }
        expect = [{ measure = "m", at_most = 0.1, on = ["cpu"] }]
        [[chapter]]
        id = "b"
        command = ["true", "x y"]
        timeout = "1m 5s"
        env = { A = "=b" }
        [[sequence]]
        id = "s"
        chapters = ["a"]
        [[variant]]
        id = "v"
        env = { X = "1" }
        [[gate]]
        chapter = "a"
        require = "crashed < 0.1%"
        [[recommendation]]
        text = "do it"
        when = "bad > 10% in s"
    "#;

    /// Includes a regression test: a worker's default of `null` once could not be written.
    #[test]
    fn a_plan_is_read_back_and_a_changed_one_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("suite.toml");
        fs::write(&file, SUITE).unwrap();
        let suite = Suite::read(&file, &|_| unreachable!()).unwrap();
        let plan = Plan::new(suite, &Selection::default(), 7).unwrap();
        let defaults = json!({"threads": [1], "seed": null});
        let workers = Workers {
            chapters: vec![ChapterInfo {
                name: "w".into(),
                about: String::new(),
                params: defaults.as_object().unwrap().clone(),
            }],
            ..Workers::default()
        };
        let run = RunInfo {
            id: "1-all".into(),
            suite: "all".into(),
            seed: 7,
            units: plan.units.clone(),
            chapters: workers.chapter_facts(&plan.suite),
            stopping: Stopping::Decided(Axis::Mode),
            recommendations: plan.suite.recommendations.clone(),
            ..RunInfo::default()
        };
        write(folder.path(), &run, Some(&plan)).unwrap();
        assert_eq!(read(folder.path()).unwrap(), (plan, run));

        let path = folder.path().join(NAME);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("1m 5s", "1m 6s")).unwrap();
        let error = read(folder.path()).unwrap_err();
        assert!(error.to_string().contains("fingerprint"), "{error}");
    }
}
