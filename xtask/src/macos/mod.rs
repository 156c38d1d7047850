//! Type-checks everything for macOS on Linux, except the worker, which needs libtorch for macOS.
//!
//! That needs macOS's standard library. Cargo can check it from its source (`-Zbuild-std`). Debian
//! packages a compiler for web browsers together with that source and its dependencies.

mod toolchain;

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace::{Workspace, call};
use toolchain::Found;

const TARGET: &str = "aarch64-apple-darwin";

/// Left out; it needs libtorch.
const WORKER: &str = "crashrate-worker";

pub(crate) fn check(workspace: &Workspace) -> Result<ExitCode> {
    let home = workspace.target()?.join("check-macos");
    let rustc = match toolchain::provide(&home)? {
        Found::Compiler(rustc) => rustc,
        Found::Nothing(why) => {
            say!("SKIPPED: the macOS code was not checked: {why}");
            return Ok(ExitCode::SUCCESS);
        }
    };
    say!("checking everything but the worker for {TARGET}");
    let mut cargo =
        workspace.cargo(&["check", "--workspace", "--exclude", WORKER, "--all-targets"]);
    cargo
        .args(["-Zbuild-std=std,panic_unwind", "--target", TARGET])
        .env("RUSTC", &rustc)
        // Allows a stable compiler the unstable options above.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", home.join("target"))
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTFLAGS");
    call(cargo, "cargo check for macOS").context("the macOS code does not type-check")?;
    say!("the macOS code type-checks; it was not run");
    Ok(ExitCode::SUCCESS)
}
