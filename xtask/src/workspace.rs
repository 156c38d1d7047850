//! The checkout, and cargo in it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::failure::ChildFailed;
use crate::libtorch;

pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the checkout by what `cargo run` sets at run time, because a checkout may move;
    /// without cargo, by the path at compile time.
    pub(crate) fn find() -> Result<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().unwrap_or(&package).to_path_buf();
        ensure!(
            root.join("Cargo.toml").is_file(),
            "there is no workspace in {}: run this program as `cargo xtask` inside a checkout",
            root.display()
        );
        Ok(Self { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of `LIBTORCH` in `.cargo/config.toml`: in the checkout's `target`, even if cargo
    /// builds elsewhere.
    pub(crate) fn libtorch(&self) -> PathBuf {
        self.root.join("target").join("libtorch")
    }

    /// The folder of the binaries in release form.
    pub(crate) fn binaries(&self) -> Result<PathBuf> {
        Ok(self.target()?.join("release"))
    }

    /// Cargo's target directory, which the user may have moved.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        let mut cargo = self.cargo(&["metadata", "--no-deps", "--format-version", "1"]);
        let output = cargo.stderr(Stdio::inherit()).output();
        let output = output.context("cargo could not be started")?;
        ensure!(output.status.success(), "cargo metadata failed (see above)");
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        let target = metadata["target_directory"].as_str();
        target
            .map(PathBuf::from)
            .context("cargo metadata names no target directory")
    }

    /// The cargo that started this program, in the checkout.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root).args(arguments);
        cargo
    }

    /// Builds every binary in release form. Returns the value of `LIBTORCH` for further builds.
    pub(crate) fn build(&self) -> Result<Option<PathBuf>> {
        let libtorch = libtorch::provide(&self.libtorch(), false)?;
        say!(
            "building all binaries in release form (the first time, the step `torch-sys(build)` \
             compiles C++ for some minutes)"
        );
        let mut cargo = self.cargo(&["build", "--release", "--workspace", "--bins"]);
        cargo.envs(libtorch.as_ref().map(|folder| ("LIBTORCH", folder)));
        call(cargo, "cargo build")?;
        Ok(libtorch)
    }

    /// Builds the binaries of packages that need no libtorch.
    pub(crate) fn build_packages(&self, packages: &[&str]) -> Result<()> {
        let mut cargo = self.cargo(&["build", "--release", "--bins"]);
        cargo.args(packages.iter().flat_map(|package| ["--package", package]));
        call(cargo, "cargo build")
    }

    /// Builds `crashrate` and returns its path.
    pub(crate) fn build_crashrate(&self) -> Result<PathBuf> {
        self.build_packages(&["crashrate"])?;
        Ok(self.binaries()?.join("crashrate"))
    }
}

/// Runs a program that reports its own failure; the error hands on its exit code.
pub(crate) fn call(mut command: Command, what: &str) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{what} could not be started"))?;
    if !status.success() {
        let what = what.to_owned();
        bail!(ChildFailed { what, status });
    }
    Ok(())
}
