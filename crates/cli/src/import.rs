//! `crashrate import`: reports of the past as run folders.

use std::path::{Path, PathBuf};

use clap::Args;
use crashrate_supervisor::recorded::{self, ImportError};

use crate::exit::{Exit, Failure};
use crate::inspect::{previous, print, suite_failure, view};
use crate::kept;

#[derive(Args, Debug)]
#[command(after_help = "\
Each file becomes a run folder with the report's own number, which `report`, `compare` and `runs` take like any \
other. `fixtures/recorded/README.md` describes the format.")]
pub(crate) struct ImportArguments {
    /// Recorded reports, as TOML
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn import(runs: &Path, arguments: &ImportArguments) -> Result<Exit, Failure> {
    // All of them are read before the first is written.
    let read = |file: &PathBuf| recorded::read(file, &file.to_string_lossy());
    let all: Result<Vec<_>, _> = arguments.files.iter().map(read).collect();
    for recorded in all.map_err(suite_failure)? {
        let folder = recorded::import(runs, &recorded).map_err(failure)?;
        let view = view(folder.path(), false)?;
        kept::write(folder.path(), &view, previous(runs, &view).as_ref());
        let path = folder.path().display();
        print(&format!("imported N={}: {path}\n", folder.number()))?;
    }
    Ok(Exit::Passed)
}

fn failure(error: ImportError) -> Failure {
    let exit = match error {
        ImportError::Taken { .. } => Exit::Usage,
        _ => Exit::Journal,
    };
    Failure::new(exit, error)
}
