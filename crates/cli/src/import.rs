//! `crashrate import`: reports of the past as run folders.

use std::path::{Path, PathBuf};

use clap::Args;
use crashrate_report::one_line;
use crashrate_supervisor::baseline;
use crashrate_supervisor::baseline::import::{self, ImportError};
use crashrate_supervisor::suite::SuiteError;

use crate::exit::{Exit, Failure};
use crate::inspect::{folder_failure, previous, suite_failure, view};
use crate::report_files;
use crate::screen::print;

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
    let read = |file: &PathBuf| baseline::read(file, &file.to_string_lossy());
    let all: Result<Vec<_>, _> = arguments.files.iter().map(read).collect();
    for recorded in all.map_err(|error| suite_failure(SuiteError::from(error)))? {
        let folder = import::import(runs, &recorded).map_err(failure)?;
        let view = view(folder.path(), false)?;
        report_files::write(folder.path(), &view, previous(runs, &view).as_ref());
        let path = one_line(&folder.path().to_string_lossy());
        print(&format!("imported N={}: {path}\n", folder.number()))?;
    }
    Ok(Exit::Passed)
}

fn failure(error: ImportError) -> Failure {
    let exit = match error {
        ImportError::Folder(error) => return folder_failure(error),
        _ => Exit::Journal,
    };
    Failure::new(exit, error)
}
