//! Finding a program as the child's environment would.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::suite::word_of_text;

/// Finds a program: a name with a slash is relative to `directory`, one without is searched on
/// `PATH`.
pub(crate) fn find(
    program: &str,
    directory: &Path,
    env: &BTreeMap<String, String>,
) -> Result<PathBuf, String> {
    let program = word_of_text(program);
    let search = (env.get("PATH").map(std::ffi::OsString::from))
        .or_else(|| std::env::var_os("PATH"))
        .unwrap_or_default();
    which::which_in(&program, Some(search), directory).map_err(|_| {
        let path = directory.join(&program);
        if !program.as_bytes().contains(&b'/') {
            format!("there is no program `{}` on the PATH", program.display())
        } else if path.is_file() {
            format!("{} is not executable; chmod +x it", path.display())
        } else {
            format!("there is no program {}", path.display())
        }
    })
}
