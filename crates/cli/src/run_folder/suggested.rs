//! Names of runs in the commands that a report suggests.

use std::env;
use std::path::Path;

use crashrate_report::View;

use crate::measure::quoted;

/// The folder of runs that commands use without `--runs-dir`.
const DEFAULT: &str = "crashrate-runs";

/// Whether the commands find the runs in this folder without `--runs-dir`.
pub(crate) fn is_default(runs: &Path) -> bool {
    match env::var_os("CRASHRATE_RUNS_DIR") {
        Some(folder) => runs == folder,
        None => runs == Path::new(DEFAULT),
    }
}

/// Lets suggested commands name the run's folder if its number would not find it.
pub(crate) fn name_run(view: &mut View, runs: &Path, folder: &Path) {
    let parent = folder.canonicalize().ok();
    let parent = parent.as_deref().and_then(Path::parent);
    let is_numbered = is_default(runs) && parent == runs.canonicalize().ok().as_deref();
    if !is_numbered {
        view.name = quoted(folder.as_os_str());
    }
}
