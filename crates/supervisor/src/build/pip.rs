//! Versions of Python packages.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{SourceError, Step};

/// The interpreter of which virtual environments are made.
const PYTHON: &str = "python3";
const QUIET: [&str; 3] = ["-m", "pip", "--disable-pip-version-check"];

/// The commands that install packages in a new virtual environment.
pub(super) fn install(requirements: &[String], tree: &Path) -> Vec<Step> {
    let folder = tree.parent().unwrap_or(tree);
    let step = |argv: Vec<OsString>| Step {
        argv,
        directory: folder.to_owned(),
    };
    let make = [PYTHON, "-m", "venv"].map(OsString::from);
    let make = make.into_iter().chain([tree.into()]);
    let python = tree.join("bin").join("python");
    let install = [python.into_os_string()]
        .into_iter()
        .chain(QUIET.map(OsString::from))
        .chain(["install".into()])
        .chain(requirements.iter().map(OsString::from));
    vec![step(make.collect()), step(install.collect())]
}

/// The released versions of a package from `good` to `bad`, both included, in their order.
///
/// # Errors
/// pip cannot list them, or one of the two is not among them.
pub fn versions(package: &str, good: &str, bad: &str) -> Result<Vec<String>, SourceError> {
    let output = Command::new(PYTHON)
        .args(QUIET)
        .args(["index", "versions", package])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| SourceError::Pip(format!("{PYTHON} cannot be run: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let listed = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Available versions:"));
    let Some(listed) = listed.filter(|_| output.status.success()) else {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said
            .lines()
            .rfind(|line| line.starts_with("ERROR"))
            .unwrap_or("no versions");
        return Err(SourceError::Pip(format!(
            "pip cannot list the versions of {package}: {said}"
        )));
    };
    // The newest is first.
    let mut all: Vec<&str> = listed.split(',').map(str::trim).collect();
    all.reverse();
    let place = |version: &str| {
        let found = all.iter().position(|one| *one == version);
        found.ok_or_else(|| {
            SourceError::Pip(format!(
                "there is no {package} {version}; pip lists {}",
                all.join(", ")
            ))
        })
    };
    let (from, to) = (place(good)?, place(bad)?);
    if from >= to {
        return Err(SourceError::Pip(format!(
            "{package} {bad} is not newer than {good}"
        )));
    }
    Ok(all[from..=to].iter().map(|one| (*one).to_owned()).collect())
}
