//! Calling cargo, with libtorch told.

use std::env;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::failure::Called;
use crate::libtorch::{self, Libtorch};
use crate::workspace::Workspace;

/// Builds every binary in release form, and gives the libtorch that they were built with.
pub(crate) fn build(workspace: &Workspace) -> Result<Libtorch> {
    let libtorch = libtorch::provide(workspace, false)?;
    check_compiler()?;
    say!(
        "building all binaries in release form \
         (the first time, C++ for libtorch is compiled in the step `torch-sys(build)`: some minutes)"
    );
    let mut cargo = with_libtorch(workspace, &libtorch);
    cargo.args(["build", "--release", "--workspace", "--bins"]);
    call(cargo, "cargo build")?;
    Ok(libtorch)
}

/// A cargo in the checkout that builds against this libtorch.
pub(crate) fn with_libtorch(workspace: &Workspace, libtorch: &Libtorch) -> Command {
    let mut cargo = workspace.cargo();
    if let Some(folder) = &libtorch.folder {
        cargo.env("LIBTORCH", folder);
    }
    cargo
}

/// Runs a program that tells its own failure, and hands its exit code on.
pub(crate) fn call(mut command: Command, what: &str) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{what} could not be started"))?;
    if !status.success() {
        let what = what.to_owned();
        bail!(Called { what, status });
    }
    Ok(())
}

/// A missing C++ compiler would show only after everything before torch-sys was compiled.
fn check_compiler() -> Result<()> {
    if env::var_os("CXX").is_some() {
        return Ok(());
    }
    let found = Command::new("c++")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if found.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    bail!(
        "there is no C++ compiler `c++` on the PATH; the bindings to libtorch need one\n\
         what to do: install one (Debian, Ubuntu: apt-get install g++; macOS: xcode-select --install) \
         or name yours in CXX, then give the same command again"
    )
}
