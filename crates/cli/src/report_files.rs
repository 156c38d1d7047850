//! The reports that are kept in a run's folder.

use std::path::{Path, PathBuf};

use crashrate_report::{Place, View, html, markdown};
use crashrate_supervisor::safe_file;

use crate::screen::tell;

/// Writes `report.md` and `report.html`, and says where those are that could be written.
pub(crate) fn write(folder: &Path, view: &View, previous: Option<&View>) -> Vec<PathBuf> {
    let forms = [
        ("report.md", markdown(view, previous)),
        ("report.html", html(view, previous, Place::File)),
    ];
    let mut written = Vec::new();
    for (name, text) in forms {
        let path = folder.join(name);
        match safe_file::write(folder, name, text.as_bytes()) {
            Ok(()) => written.push(path),
            Err(error) => tell(format_args!(
                "warning: {} could not be written: {error}",
                path.display()
            )),
        }
    }
    written
}
