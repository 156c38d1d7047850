//! The demo: the story suite in both modes on the CPU.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::failure::code_of;
use crate::workspace::Workspace;

const ARGUMENTS: &str = "run configs/story.toml --mode both --rounds 3 --device cpu";

/// Builds and runs it. `crashrate` itself prints the path of the report.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    workspace.build()?;
    let program = workspace.binaries()?.join("crashrate");
    say!("\n$ crashrate {ARGUMENTS}\n");
    let status = Command::new(&program)
        .current_dir(workspace.root())
        .args(ARGUMENTS.split(' '))
        .status()
        .with_context(|| format!("{} could not be started", program.display()))?;
    Ok(code_of(status))
}
