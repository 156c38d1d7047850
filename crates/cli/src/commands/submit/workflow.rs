//! The file that GitHub or Buildkite reads from a repository.

use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use crashrate_supervisor::jobs::{Engine, JobFile, JobFolder};

use super::args::SubmitArguments;
use super::words::Words;
use super::{current_directory, engine_name, submission};
use crate::error::{Exit, Failure};
use crate::measure::quoted;
use crate::output::{note, print};
use crate::suite_file::repository_of;

/// Writes the file into the root of the repository: GitHub reads workflows only there. Its steps
/// enter the current directory.
pub(super) fn write_workflow(
    arguments: &SubmitArguments,
    mut words: Words,
    suite: &str,
) -> Result<Exit, Failure> {
    let engine = &arguments.engine;
    let name = engine_name(suite, None);
    let here = current_directory()?;
    let repository = repository_of(&here);
    let root = repository.unwrap_or(&here);
    let directory = here.strip_prefix(root).unwrap_or(Path::new(""));
    if let Some(path) = &arguments.measure.suite {
        name_in_checkout(path, root, &here, &mut words)?;
    }
    refuse_own_checkout(root, &words)?;
    let submission = submission(engine, words, name.clone(), directory.to_owned())?;
    let files = submission.files(&JobFolder::planned(PathBuf::from(".")))?;
    if engine.dry_run {
        print(&files.iter().map(|file| &*file.text).collect::<String>())?;
        return Ok(Exit::Passed);
    }
    let up: PathBuf = directory.components().map(|_| "..").collect();
    let path = match engine.on() {
        Engine::Buildkite => up.join(".buildkite"),
        _ => up.join(".github/workflows"),
    };
    let path = path.join(format!("{name}.yml"));
    create(&path, &files)?;
    if repository.is_none() {
        note(format_args!(
            "warning: {} is in no Git repository; the shards need it in a checkout",
            here.display()
        ));
    }
    let shown = path.display();
    let quoted = quoted(path.as_os_str());
    print(&match engine.on() {
        Engine::Buildkite => {
            format!("wrote {shown}\nnext  buildkite-agent pipeline upload {quoted}\n")
        }
        _ => format!("wrote {shown}\nnext  commit and push it, then: gh workflow run {name}.yml\n"),
    })?;
    Ok(Exit::Passed)
}

/// Names an absolute suite by its path from the current directory, which is another one in the
/// shards' checkouts.
///
/// # Errors
/// The suite is outside of the repository.
fn name_in_checkout(
    suite: &Path,
    root: &Path,
    here: &Path,
    words: &mut Words,
) -> Result<(), Failure> {
    let folder = match suite.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let (Ok(folder), Some(file)) = (folder.canonicalize(), suite.file_name()) else {
        return Ok(());
    };
    if !folder.starts_with(root) {
        return Err(Failure::usage(format!(
            "{} is outside of {}: the shards read the suite in a checkout of this repository; copy \
             it there",
            suite.display(),
            root.display()
        )));
    }
    if suite.is_relative() {
        return Ok(());
    }
    let pairs = here.components().zip(folder.components());
    let common = pairs.take_while(|(a, b)| a == b).count();
    let up = here.components().skip(common).map(|_| Component::ParentDir);
    let down = folder.components().skip(common);
    let path: PathBuf = up.chain(down).collect();
    let path = path.join(file).display().to_string();
    let given = suite.display().to_string();
    let named = words.plan.iter_mut().find(|word| **word == given);
    named.into_iter().for_each(|word| word.clone_from(&path));
    Ok(())
}

/// Refuses options and arguments that are absolute paths in this checkout: the shards have others.
fn refuse_own_checkout(root: &Path, words: &Words) -> Result<(), Failure> {
    let value = |word: &str| match word.split_once('=') {
        Some((option, value)) if option.starts_with("--") => PathBuf::from(value),
        _ => PathBuf::from(word),
    };
    let mut all = words.plan.iter().chain(&words.run);
    match all.find(|word| value(word).starts_with(root)) {
        Some(word) => Err(Failure::usage(format!(
            "{word}: the shards run in another checkout of {}; name the file by its path from the \
             current directory",
            root.display()
        ))),
        None => Ok(()),
    }
}

fn create(path: &Path, files: &[JobFile]) -> Result<(), Failure> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(|error| Failure::new(Exit::Journal, error))?;
    let written = fs::File::create_new(path).and_then(|mut file| {
        files
            .iter()
            .try_for_each(|made| file.write_all(made.text.as_bytes()))
    });
    let path = path.display();
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::usage(format!(
            "{path} exists already; remove it, or print the new one with --dry-run"
        )),
        _ => Failure::new(Exit::Journal, format!("{path} cannot be written: {error}")),
    })
}
