//! The types of the macOS side, checked on Linux: everything but the worker, which needs libtorch for macOS.
//!
//! A compiler can check for another system if it has that system's standard library. Ours has not, but Cargo can check
//! the library from its source (`-Zbuild-std`), given that source with everything that it depends on. Debian packages
//! both: a compiler that is made for web browsers, and the source that belongs to it.

mod toolchain;

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace::{Workspace, call};
use toolchain::Found;

const TARGET: &str = "aarch64-apple-darwin";

/// What is left out: it needs libtorch.
const WORKER: &str = "crashrate-worker";

pub(crate) fn check(workspace: &Workspace) -> Result<ExitCode> {
    let home = workspace.target()?.join("check-macos");
    let rustc = match toolchain::provide(&home)? {
        Found::Compiler(rustc) => rustc,
        Found::Nothing(why) => {
            say!("SKIPPED: the macOS side was not checked: {why}");
            return Ok(ExitCode::SUCCESS);
        }
    };
    say!("checking everything but the worker for {TARGET}");
    let mut cargo =
        workspace.cargo(&["check", "--workspace", "--exclude", WORKER, "--all-targets"]);
    cargo
        .args(["-Zbuild-std=std,panic_unwind", "--target", TARGET])
        .env("RUSTC", &rustc)
        // The two things above are not for everyone's compiler yet; this one is asked all the same.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", home.join("target"))
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTFLAGS");
    call(cargo, "cargo check for macOS").context("the macOS side does not pass its check")?;
    say!("the macOS side has the right types; that it works is not shown by this");
    Ok(ExitCode::SUCCESS)
}
