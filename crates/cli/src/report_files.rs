//! The reports that are kept in a run's folder.

use std::path::Path;

use crashrate_report::{Place, View, html, markdown};
use crashrate_supervisor::safe_file;

use crate::screen::tell;

/// Writes `report.md` and `report.html`, and warns if that fails.
pub(crate) fn write(folder: &Path, view: &View, previous: Option<&View>) {
    let forms = [
        ("report.md", markdown(view, previous)),
        ("report.html", html(view, previous, Place::File)),
    ];
    for (name, text) in forms {
        if let Err(error) = safe_file::write(folder, name, text.as_bytes()) {
            tell(format_args!(
                "warning: {} could not be written: {error}",
                folder.join(name).display()
            ));
        }
    }
}
