//! The path of this program, which is also its own guardian.

use std::env::current_exe;
use std::path::{Path, PathBuf};

use crate::error::Failure;

/// The arguments of the guardian, before the run's id.
pub(crate) const GUARDIAN: &[&str] = &["guardian"];

/// The path of this program, and the folder in which a worker may be beside it.
pub(crate) fn this_program() -> Result<(PathBuf, PathBuf), Failure> {
    let program = current_exe().map_err(|error| {
        Failure::usage(format!("this program's own path cannot be found: {error}"))
    })?;
    let folder = program.parent().unwrap_or(Path::new(".")).to_owned();
    Ok((program, folder))
}
