//! Where things are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The checkout that this program belongs to.
pub(crate) struct Workspace {
    root: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
}

impl Workspace {
    /// Finds the checkout from what `cargo run` says at run time, so that a checkout that was moved
    /// is found where it is now; without cargo, from where this program was compiled.
    pub(crate) fn find() -> Result<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().unwrap_or(&package).to_path_buf();
        ensure!(
            root.join("Cargo.toml").is_file(),
            "there is no workspace in {}: call this program as `cargo xtask` inside a checkout",
            root.display()
        );
        Ok(Self { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that `.cargo/config.toml` names in `LIBTORCH`: always the checkout's own `target`,
    /// even where cargo was told to build elsewhere.
    pub(crate) fn libtorch(&self) -> PathBuf {
        self.root.join("target").join("libtorch")
    }

    /// Where cargo puts the binaries.
    pub(crate) fn binaries(&self) -> Result<PathBuf> {
        Ok(self.target()?.join("release"))
    }

    /// Where cargo puts what it builds: asked, because a user may have moved the target directory.
    pub(crate) fn target(&self) -> Result<PathBuf> {
        let output = self
            .cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cargo could not be started")?;
        ensure!(
            output.status.success(),
            "cargo metadata failed in {}:\n{}",
            self.root.display(),
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
        let metadata: Metadata = serde_json::from_slice(&output.stdout)
            .context("cargo metadata printed something unexpected")?;
        Ok(metadata.target_directory)
    }

    /// The cargo that called us, to be run in the checkout.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root);
        cargo
    }
}
