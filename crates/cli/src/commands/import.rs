//! `crashrate import`: published reports as run folders.

use std::path::{Path, PathBuf};

use clap::Args;
use crashrate_report::{RunState, one_line};
use crashrate_supervisor::baseline;
use crashrate_supervisor::baseline::import::{self, ImportError};
use crashrate_supervisor::suite::SuiteError;

use crate::error::{Exit, Failure};
use crate::output::print;
use crate::run_folder::{page_view, previous, write_reports};

#[derive(Args, Debug)]
#[command(after_help = "\
Each file becomes a run folder with the number of its report. `report`, `compare` and `runs` \
treat it like any other run. `fixtures/recorded/README.md` describes the format.

Examples:
  crashrate import fixtures/recorded/n1973.toml
  crashrate report 1973")]
pub(crate) struct ImportArguments {
    /// Published reports, as TOML files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn import(runs: &Path, arguments: &ImportArguments) -> Result<Exit, Failure> {
    // Read all files before writing, so that a bad file leaves no runs behind.
    let read = |file: &PathBuf| baseline::read(file, &file.to_string_lossy());
    let all: Result<Vec<_>, _> = arguments.files.iter().map(read).collect();
    for report in all.map_err(SuiteError::from)? {
        let folder = import::import(runs, &report).map_err(failure)?;
        let view = page_view(folder.path(), RunState::Ended)?;
        write_reports(folder.path(), &view, previous(runs, &view).as_ref());
        let path = one_line(&folder.path().to_string_lossy());
        print(&format!("imported N={}: {path}\n", folder.number()))?;
    }
    Ok(Exit::Passed)
}

fn failure(error: ImportError) -> Failure {
    match error {
        ImportError::Folder(error) => error.into(),
        _ => Failure::new(Exit::Journal, error),
    }
}
