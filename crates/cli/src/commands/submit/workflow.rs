//! The file that GitHub or Buildkite reads from a repository.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crashrate_supervisor::jobs::{Engine, JobFile, JobFolder};

use super::args::EngineArguments;
use super::words::Words;
use super::{current_directory, engine_name, submission};
use crate::error::{Exit, Failure};
use crate::output::print;
use crate::suite_file::repository_of;

/// Writes the file into the root of the repository: GitHub reads workflows only there. Its steps
/// enter the current directory.
pub(super) fn write_workflow(
    engine: &EngineArguments,
    words: Words,
    suite: &str,
) -> Result<Exit, Failure> {
    let name = engine_name(suite, None);
    let here = current_directory()?;
    let root = repository_of(&here).unwrap_or(&here);
    let directory = here.strip_prefix(root).unwrap_or(Path::new(""));
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
    let shown = path.display();
    print(&match engine.on() {
        Engine::Buildkite => {
            format!("wrote {shown}\nnext  buildkite-agent pipeline upload {shown}\n")
        }
        _ => format!("wrote {shown}\nnext  commit and push it, then: gh workflow run {name}.yml\n"),
    })?;
    Ok(Exit::Passed)
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
