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

/// The text of a report, whose suggested commands name the run's folder if its number would not find
/// it. The report itself knows only the number.
pub(crate) fn with_findable_run(text: String, view: &View, runs: &Path, folder: &Path) -> String {
    let parent = folder.canonicalize().ok();
    let parent = parent.as_deref().and_then(Path::parent);
    let is_numbered = is_default(runs) && parent == runs.canonicalize().ok().as_deref();
    match is_numbered {
        true => text,
        false => named(&text, view.run.number, &quoted(folder.as_os_str())),
    }
}

fn named(text: &str, number: u32, name: &str) -> String {
    let full = format!("crashrate report {number} --full");
    let text = text.replace(&full, &format!("crashrate report {name} --full"));
    let (head, mut rest) = (format!("crashrate crashes {number}"), text.as_str());
    let mut renamed = String::new();
    while let Some((before, after)) = rest.split_once(&head) {
        let is_whole = !after.starts_with(|c: char| c.is_ascii_digit());
        renamed += before;
        match is_whole {
            true => renamed += &format!("crashrate crashes {name}"),
            false => renamed += &head,
        }
        rest = after;
    }
    renamed + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_run_is_named() {
        let text = "crashrate crashes 7 1\ncrashrate crashes 70 1\n3 more: crashrate crashes 7\n\
                    more    crashrate report 7 --full\n";
        assert_eq!(
            named(text, 7, "job/merged"),
            "crashrate crashes job/merged 1\ncrashrate crashes 70 1\n3 more: crashrate crashes \
             job/merged\nmore    crashrate report job/merged --full\n"
        );
    }
}
