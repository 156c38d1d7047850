//! The reports that a run's folder keeps.

use std::path::{Path, PathBuf};

use crashrate_report::{Place, View, html, markdown};
use crashrate_supervisor::safe_file;

use crate::output::note;

/// Writes `report.md` and `report.html`, and returns the path of the latter if it was written.
pub(crate) fn write_reports(
    folder: &Path,
    view: &View,
    previous: Option<&View>,
) -> Option<PathBuf> {
    let forms = [
        ("report.md", markdown(view, previous)),
        ("report.html", html(view, previous, Place::File)),
    ];
    let mut page = None;
    for (name, text) in forms {
        let path = folder.join(name);
        match safe_file::write(folder, name, text.as_bytes()) {
            Ok(()) => page = Some(path).filter(|_| name == "report.html"),
            Err(error) => note(format_args!(
                "warning: {} could not be written: {error}",
                path.display()
            )),
        }
    }
    page
}
