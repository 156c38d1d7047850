//! The measured programs, built in release form.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::workspace::{Workspace, call};

pub(super) struct Programs {
    pub(super) crashrate: PathBuf,
    /// A second `crashrate` to compare with.
    pub(super) other: Option<PathBuf>,
    pub(super) bare_loop: PathBuf,
    pub(super) misbehave: PathBuf,
    /// The tiny child.
    pub(super) nothing: PathBuf,
    pub(super) story: PathBuf,
}

impl Programs {
    /// Builds them; the worker, which needs libtorch, only on request.
    pub(super) fn build(
        workspace: &Workspace,
        with_worker: bool,
        other: Option<&Path>,
        folder: &Path,
    ) -> Result<Self> {
        if with_worker {
            workspace.build()?;
        } else {
            let mut cargo = workspace.cargo(&["build", "--release", "--bins"]);
            cargo.args(["-p", "crashrate", "-p", "crashrate-testkit"]);
            call(cargo, "cargo build")?;
        }
        let binaries = workspace.binaries()?;
        Ok(Programs {
            crashrate: binaries.join("crashrate"),
            other: other
                .map(|path| fs::canonicalize(path).with_context(|| path.display().to_string()))
                .transpose()?,
            bare_loop: binaries.join("bare-loop"),
            misbehave: binaries.join("misbehave"),
            nothing: nothing(workspace, &binaries, folder)?,
            story: workspace.root().join("configs/story.toml"),
        })
    }
}

/// Compiles the tiny child with rustc, because its flags would make cargo rebuild everything. Where
/// static linking is not possible, this is the child that cargo built.
fn nothing(workspace: &Workspace, binaries: &Path, folder: &Path) -> Result<PathBuf> {
    let program = folder.join("nothing");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(rustc)
        .args(["--edition", "2024", "-O", "-C", "panic=abort"])
        .args(["-C", "target-feature=+crt-static"])
        .args(["-C", "relocation-model=static", "-o"])
        .arg(&program)
        .arg(workspace.root().join("crates/testkit/src/bin/nothing.rs"))
        .stderr(Stdio::null())
        .status()
        .context("rustc could not be started")?;
    if status.success() {
        return Ok(program);
    }
    say!("warning: static linking does not work here; the tiny child is linked dynamically");
    fs::copy(binaries.join("nothing"), &program).context("the tiny child cannot be copied")?;
    Ok(program)
}

/// Builds the test binary with one empty test as nextest does, and returns its path.
pub(super) fn test_binary(workspace: &Workspace) -> Result<PathBuf> {
    let mut cargo = workspace.cargo(&["test", "--no-run", "--release", "--quiet"]);
    cargo
        .args(["-p", "crashrate-testkit", "--test", "one"])
        .args(["--message-format", "json"])
        .stderr(Stdio::inherit());
    let output = cargo.output().context("cargo could not be started")?;
    ensure!(
        output.status.success(),
        "cargo test --no-run failed ({})",
        output.status
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let found = text.lines().filter_map(executable).next_back();
    found.context("cargo test --no-run reported no test binary")
}

/// The path of the test binary `one` in a message of cargo.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_it = message["target"]["name"] == "one";
    let path = message["executable"].as_str().filter(|_| is_it)?;
    Some(path.into())
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn only_the_one_test_binary_is_taken() {
        let line =
            |name: &str| format!(r#"{{"target":{{"name":"{name}"}},"executable":"/t/{name}"}}"#);
        assert_eq!(executable(&line("one")), Some("/t/one".into()));
        assert_eq!(executable(&line("two")), None);
        assert_eq!(executable("no JSON"), None);
    }
}
