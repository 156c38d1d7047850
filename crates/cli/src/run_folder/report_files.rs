//! The reports that a run's folder keeps.

use std::path::Path;

use crashrate_report::{PageHost, View, html, markdown, one_line};
use crashrate_supervisor::safe_file;

use crate::output::note;

const PAGE: &str = "report.html";

/// Writes `report.md` and `report.html`, and warns if that fails.
pub(crate) fn write_reports(folder: &Path, view: &View, previous: Option<&View>) {
    let forms = [
        ("report.md", markdown(view, previous)),
        (PAGE, html(view, previous, PageHost::File)),
    ];
    for (name, text) in forms {
        if let Err(error) = safe_file::write(folder, name, text.as_bytes()) {
            let path = folder.join(name);
            let path = path.display();
            note(format_args!(
                "warning: {path} could not be written: {error}"
            ));
        }
    }
}

/// The path of `report.html` if it exists, relative to the current directory if that is above it.
pub(crate) fn report_page(folder: &Path) -> Option<String> {
    let page = folder.join(PAGE);
    let here = std::env::current_dir().unwrap_or_default();
    let shown = page.strip_prefix(&here).unwrap_or(&page);
    page.is_file().then(|| one_line(&shown.to_string_lossy()))
}
