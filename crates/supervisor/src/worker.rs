//! Finding the worker, asking for its chapters, and checking the suite against them.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use crashrate_model::ChapterFacts;
use crashrate_protocol::{ChapterInfo, WorkerInfo};
use serde_json::Value;
use thiserror::Error;

use crate::names::unknown;
use crate::plan::Plan;
use crate::suite::{Action, ById, Chapter, Suite};
use crate::{hash, machine};

/// The default name of the worker.
const NAME: &str = "crashrate-worker";
/// The environment variable that names a worker.
pub const WORKER_VARIABLE: &str = "CRASHRATE_WORKER";
/// How long a worker may take to answer. Loading libtorch from a cold disk takes tens of seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// A worker that cannot be used, or a suite that does not fit it.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// It was not found.
    #[error(
        "the worker `{0}` was not found; build it with `cargo xtask build`, or name it with \
         --worker, {WORKER_VARIABLE} or the suite's `worker`"
    )]
    NotFound(String),
    /// It does not answer a question.
    #[error("the worker {} does not answer `{question}`: {problem}", path.display())]
    Mute {
        /// The worker.
        path: PathBuf,
        /// The question: its argument.
        question: &'static str,
        /// What went wrong.
        problem: String,
    },
    /// The machine does not have the device.
    #[error("device `{device}`: {why}; choose another with --device or the suite's `device`")]
    NoDevice {
        /// The device.
        device: String,
        /// Why it cannot be here.
        why: &'static str,
    },
    /// A chapter of the suite does not fit it.
    #[error("{suite}: chapter `{chapter}`: {problem}")]
    Suite {
        /// The suite's file.
        suite: String,
        /// The chapter.
        chapter: String,
        /// What is wrong and what is valid.
        problem: String,
    },
}

/// The workers of a plan.
#[derive(Clone, Debug, Default)]
pub struct Workers {
    /// Each variant's worker.
    pub by_variant: BTreeMap<String, PathBuf>,
    /// Facts for reports: path, hash, library versions.
    pub facts: BTreeMap<String, String>,
    /// Their built-in chapters.
    pub chapters: Vec<ChapterInfo>,
}

impl Workers {
    /// The suite's chapters for the run's record, with the worker's default parameters.
    pub fn chapter_facts(&self, suite: &Suite) -> Vec<ChapterFacts> {
        let facts = |chapter: &Chapter| {
            let (worker, own) = chapter.task();
            let known = self
                .chapters
                .iter()
                .find(|c| Some(&c.name) == worker.as_ref());
            let mut params = known.map(|c| c.params.clone()).unwrap_or_default();
            params.extend(own);
            // TOML has no null, and a null default carries no information.
            params.retain(|_, value| !value.is_null());
            ChapterFacts {
                id: chapter.id.clone(),
                worker,
                params,
            }
        };
        suite.chapters.iter().map(facts).collect()
    }
}

/// Finds the worker of each planned variant and checks the suite against it.
///
/// `given` is the command line's `--worker`; `beside` is the folder of the running program.
///
/// # Errors
/// A worker is missing or does not answer, the suite does not fit it, or its device is missing.
pub fn prepare(plan: &Plan, given: Option<&Path>, beside: &Path) -> Result<Workers, WorkerError> {
    let mut workers = Workers::default();
    if !needs_worker(plan) {
        return Ok(workers);
    }
    let device = &plan.suite.device;
    if let Some(why) = machine::missing_device(device) {
        return Err(WorkerError::NoDevice {
            device: device.clone(),
            why,
        });
    }
    for variant in &plan.suite.variants {
        if !plan.units.iter().any(|u| u.suite_variant() == variant.id) {
            continue;
        }
        let named = variant.worker.as_deref().or(plan.suite.worker.as_deref());
        let path = locate(given, named, beside)?;
        if !workers.by_variant.values().any(|known| *known == path) {
            let info = ask(&path)?;
            check(&plan.suite, &info)?;
            workers.facts.extend(facts(&variant.id, &path, &info));
            workers.chapters.extend(info.chapters);
        }
        workers.by_variant.insert(variant.id.clone(), path);
    }
    Ok(workers)
}

/// Whether any planned unit starts the worker. A sequence with its own command does not.
fn needs_worker(plan: &Plan) -> bool {
    let by_id = ById::of(&plan.suite);
    let mut settings = plan.units.iter().filter_map(|unit| by_id.settings(unit));
    settings.any(|settings| settings.command.is_none())
}

fn locate(
    given: Option<&Path>,
    suite: Option<&Path>,
    beside: &Path,
) -> Result<PathBuf, WorkerError> {
    let has_folder = |p: &&Path| p.components().count() > 1;
    let variable = std::env::var_os(WORKER_VARIABLE).map(PathBuf::from);
    let named = given
        .or(suite.filter(has_folder))
        .or(variable.as_deref())
        .or(suite)
        .unwrap_or(Path::new(NAME));
    let not_found = || WorkerError::NotFound(named.display().to_string());
    if !has_folder(&named) && given.is_none() {
        let sibling = beside.join(named);
        if sibling.is_file() {
            return Ok(sibling);
        }
    }
    let here = std::env::current_dir().map_err(|_| not_found())?;
    let path = which::which_in(named, std::env::var_os("PATH"), &here)
        // `--worker NAME` may also mean a file in the current directory.
        .or_else(|_| which::which_in(here.join(named), None::<&str>, &here))
        .map_err(|_| not_found())?;
    std::path::absolute(path).map_err(|_| not_found())
}

/// Finds the worker that is used when no suite names one, and asks for its chapters.
///
/// # Errors
/// It is missing or does not answer.
pub fn find(given: Option<&Path>, beside: &Path) -> Result<(PathBuf, WorkerInfo), WorkerError> {
    let path = locate(given, None, beside)?;
    let info = ask(&path)?;
    Ok((path, info))
}

/// Asks a worker for its chapters: runs `WORKER list`.
///
/// # Errors
/// It fails, takes too long or prints something unexpected.
pub fn ask(path: &Path) -> Result<WorkerInfo, WorkerError> {
    let question = "list";
    serde_json::from_str(&ask_text(path, question)?)
        .map_err(|error| mute(path, question)(format!("not the expected JSON: {error}")))
}

fn mute(path: &Path, question: &'static str) -> impl Fn(String) -> WorkerError {
    move |problem| WorkerError::Mute {
        path: path.to_owned(),
        question,
        problem,
    }
}

/// Runs a worker with one argument and returns what it prints.
///
/// # Errors
/// It fails or takes too long.
pub(crate) fn ask_text(path: &Path, question: &'static str) -> Result<String, WorkerError> {
    let mute = mute(path, question);
    let mut child = Command::new(path)
        .arg(question)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| mute(e.to_string()))?;
    let (stdout, stderr) = (text_of(child.stdout.take()), text_of(child.stderr.take()));
    let deadline = Instant::now() + PATIENCE;
    let wait = |text: Receiver<String>| {
        text.recv_timeout(deadline.saturating_duration_since(Instant::now()))
    };
    let texts = wait(stdout).and_then(|stdout| Ok((stdout, wait(stderr)?)));
    if texts.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|e| mute(e.to_string()))?;
    let (stdout, stderr) = texts.map_err(|_| mute(format!("no answer in {PATIENCE:?}")))?;
    if status.success() {
        return Ok(stdout);
    }
    let said = stderr.lines().last().unwrap_or_default();
    Err(mute(format!("{status}: {said}")))
}

/// Reads a pipe to its end in a thread. With one thread for both pipes, a worker that fills the
/// second one before it closes the first would wait forever.
fn text_of(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (send, text) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let _ = pipe.map(|mut pipe| pipe.read_to_string(&mut text));
        let _ = send.send(text);
    });
    text
}

fn facts(variant: &str, path: &Path, info: &WorkerInfo) -> Vec<(String, String)> {
    let name = match variant {
        crate::suite::DEFAULT_VARIANT => "worker".to_owned(),
        other => format!("worker ({other})"),
    };
    let mut facts = vec![(name.clone(), path.display().to_string())];
    if let Ok(hash) = hash::of_file(path) {
        facts.push((format!("{name} sha256"), hash));
    }
    let versions = info.versions.iter();
    facts.extend(versions.map(|(library, version)| (format!("{name} {library}"), version.clone())));
    facts
}

/// Checks the suite's worker chapters and their parameters.
fn check(suite: &Suite, info: &WorkerInfo) -> Result<(), WorkerError> {
    let file = match &suite.file {
        Some(file) => file.display().to_string(),
        None => suite.name.clone(),
    };
    for chapter in &suite.chapters {
        let Action::Worker {
            chapter: name,
            params,
        } = &chapter.action
        else {
            continue;
        };
        let known = info.chapters.iter().find(|c| c.name == *name);
        let checked = match known {
            Some(known) => params
                .iter()
                .try_for_each(|param| check_param(known, param)),
            None => {
                let known = info.chapters.iter().map(|c| c.name.as_str());
                Err(format!(
                    "worker: {}",
                    unknown("worker chapter", name, known)
                ))
            }
        };
        checked.map_err(|problem| WorkerError::Suite {
            suite: file.clone(),
            chapter: chapter.id.clone(),
            problem,
        })?;
    }
    Ok(())
}

fn check_param(chapter: &ChapterInfo, (key, value): (&String, &Value)) -> Result<(), String> {
    let Some(default) = chapter.params.get(key) else {
        let known = chapter.params.keys().map(String::as_str);
        return Err(format!("params: {}", unknown("parameter", key, known)));
    };
    if default.is_null() || kind(default) == kind(value) {
        return Ok(());
    }
    Err(format!(
        "params.{key}: must be {}, such as its default {default}",
        kind(default)
    ))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_worker_may_fill_its_standard_error_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("worker");
        let script = "#!/bin/sh\nhead -c 300000 /dev/zero >&2\necho cpu\n";
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(ask_text(&path, "devices").unwrap(), "cpu\n");
    }
}
