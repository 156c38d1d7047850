//! Finding a program as the child's environment would.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::suite::word_of_text;

/// A program that cannot be started.
#[derive(Debug, Error)]
pub(crate) enum FindError {
    /// It is not on this machine.
    #[error("there is no program {0}")]
    Absent(String),
    /// It is a file without the permission to execute it.
    #[error("{} is not executable; chmod +x it", .0.display())]
    NotExecutable(PathBuf),
}

/// Finds a program: a name with a slash is relative to `directory`, one without is searched on
/// `PATH`.
pub(crate) fn find(
    program: &str,
    directory: &Path,
    env: &BTreeMap<String, String>,
) -> Result<PathBuf, FindError> {
    let program = word_of_text(program);
    let search = (env.get("PATH").map(std::ffi::OsString::from))
        .or_else(|| std::env::var_os("PATH"))
        .unwrap_or_default();
    which::which_in(&program, Some(search), directory).map_err(|_| {
        let path = directory.join(&program);
        if !program.as_bytes().contains(&b'/') {
            FindError::Absent(format!("`{}` on the PATH", program.display()))
        } else if path.is_file() {
            FindError::NotExecutable(path)
        } else {
            FindError::Absent(path.display().to_string())
        }
    })
}
