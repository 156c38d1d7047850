//! Finds `crashrate.toml` where no suite is named.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::Failure;

/// The name of a suite file that needs no naming.
pub(crate) const SUITE_FILE: &str = "crashrate.toml";

/// The suite file in this directory or above, up to the root of the repository. Without a
/// repository only this directory has one: a folder above, such as `/tmp`, may be anyone's.
///
/// # Errors
/// There is none, or it belongs to another user, who would decide what is executed here.
pub(crate) fn find_suite() -> Result<PathBuf, Failure> {
    let here = env::current_dir().map_err(|error| {
        Failure::usage(format!("the current directory cannot be used: {error}"))
    })?;
    let root = repository_of(&here);
    let depth = root.map_or(0, |root| {
        here.ancestors()
            .take_while(|folder| *folder != root)
            .count()
    });
    for (level, folder) in here.ancestors().take(depth + 1).enumerate() {
        // `.exists()` follows links: a broken one is an error of the reader, not "none".
        if fs::symlink_metadata(folder.join(SUITE_FILE)).is_ok() {
            let path: PathBuf = std::iter::repeat_n("..", level).collect();
            let path = path.join(SUITE_FILE);
            check_owner(&path)?;
            return Ok(path);
        }
    }
    let above = match root {
        Some(root) if depth > 0 => format!(" or above, up to {}", root.display()),
        _ => String::new(),
    };
    Err(Failure::usage(format!(
        "nothing to run is named, and there is no {SUITE_FILE} in this directory{above}: name a \
         suite file, or a command after `--`"
    )))
}

/// The root of the repository that has this folder.
pub(crate) fn repository_of(folder: &Path) -> Option<&Path> {
    folder
        .ancestors()
        .find(|folder| folder.join(".git").exists())
}

/// A suite names programs to execute, so one of another user is not run unasked. The superuser
/// could change anything anyway.
fn check_owner(path: &Path) -> Result<(), Failure> {
    let user = rustix::process::geteuid().as_raw();
    for metadata in [fs::symlink_metadata(path), fs::metadata(path)] {
        let owner = metadata
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?
            .uid();
        if owner != user && owner != 0 {
            let path = path.display();
            return Err(Failure::usage(format!(
                "{path} belongs to another user (uid {owner}) and is not run unasked; if you trust \
                 it, name it: crashrate run {path}"
            )));
        }
    }
    Ok(())
}
