//! The reports that are kept in a run's folder.

use std::fs;
use std::path::{Path, PathBuf};

use crashrate_report::{Place, View, html, markdown};

use crate::inspect::tell;

/// Writes `report.md` and `report.html`, and says where those are that could be written.
pub(crate) fn write(folder: &Path, view: &View, previous: Option<&View>) -> Vec<PathBuf> {
    let forms = [
        ("report.md", markdown(view, previous)),
        ("report.html", html(view, previous, Place::File)),
    ];
    let mut written = Vec::new();
    for (name, text) in forms {
        let path = folder.join(name);
        match fs::write(&path, text) {
            Ok(()) => written.push(path),
            Err(error) => tell(format_args!(
                "warning: {} could not be written: {error}",
                path.display()
            )),
        }
    }
    written
}
