//! What is measured: the groups of `groups.toml`, and the programs that they run.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::verify::choose;
use crate::workspace::{Workspace, call};

const GROUPS: &str = include_str!("groups.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) key: String,
    pub(super) title: String,
    /// Name of the case that ratios refer to.
    pub(super) reference: String,
    pub(super) note: String,
    /// Report seconds a round instead of rounds a second.
    #[serde(default)]
    pub(super) by_time: bool,
    #[serde(default)]
    pub(super) needs_worker: bool,
    #[serde(default)]
    prepare: String,
    #[serde(rename = "case")]
    pub(super) cases: Vec<Case>,
}

/// A program that is run a given number of rounds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) rounds: u64,
    pub(super) run: String,
    tool: Option<String>,
}

impl Case {
    /// Whether another `crashrate` can run it.
    pub(super) fn runs_crashrate(&self) -> bool {
        self.run.contains("$CRASHRATE")
    }
}

#[derive(Deserialize)]
struct Groups {
    group: Vec<Group>,
}

/// The groups with these keys, or all if there are none. Cases of missing tools are left out.
pub(super) fn groups(keys: &[String]) -> Result<Vec<Group>> {
    let Groups { group } = toml::from_str(GROUPS).context("groups.toml")?;
    let mut groups = choose(group, |group| &group.key, keys)?;
    for group in &mut groups {
        let is_missing = |tool: &str| !is_installed(tool);
        (group.cases).retain(|case| !case.tool.as_deref().is_some_and(is_missing));
    }
    Ok(groups)
}

/// Whether the PATH has a program of that name.
pub(super) fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Runs what the groups say.
pub(super) struct Shell {
    root: PathBuf,
    binaries: PathBuf,
    /// Holds everything that a call writes.
    pub(super) scratch: PathBuf,
    /// The tiny child, and the test binary with one empty test.
    compiled: [PathBuf; 2],
}

impl Shell {
    /// Builds the programs; the worker, which needs libtorch, only on request.
    pub(super) fn build(workspace: &Workspace, with_worker: bool, scratch: &Path) -> Result<Self> {
        if with_worker {
            workspace.build()?;
        } else {
            let mut cargo = workspace.cargo(&["build", "--release", "--bins"]);
            cargo.args(["-p", "crashrate", "-p", "crashrate-testkit"]);
            call(cargo, "cargo build")?;
        }
        let binaries = workspace.binaries()?;
        let testkit = workspace.root().join("crates/testkit");
        let [nothing, test] = ["nothing", "one"].map(|name| scratch.join(name));
        compile_nothing(&testkit.join("src/bin/nothing.rs"), &binaries, &nothing)?;
        let mut rustc = rustc(&testkit.join("tests/one/main.rs"), &test);
        rustc.arg("--test");
        call(rustc, "rustc")?;
        Ok(Self {
            root: workspace.root().to_owned(),
            binaries,
            scratch: scratch.to_owned(),
            compiled: [nothing, test],
        })
    }

    pub(super) fn prepare(&self, group: &Group) -> Result<()> {
        call(self.command(&group.prepare), &group.key)
    }

    /// A case with this number of rounds, with our `crashrate` or another one.
    pub(super) fn case(&self, case: &Case, rounds: u64, other: Option<&Path>) -> Command {
        let mut command = self.command(&format!("exec {}", case.run.trim()));
        command.env("ROUNDS", rounds.to_string());
        if let Some(other) = other {
            command.env("CRASHRATE", other);
        }
        command
    }

    fn command(&self, script: &str) -> Command {
        let [nothing, test] = &self.compiled;
        let mut command = Command::new("sh");
        command
            .args(["-e", "-c", script])
            .current_dir(&self.scratch)
            .env("CRASHRATE_RUNS_DIR", self.scratch.join("runs"))
            .env("CRASHRATE", self.binaries.join("crashrate"))
            .env("BARE_LOOP", self.binaries.join("bare-loop"))
            .env("MISBEHAVE", self.binaries.join("misbehave"))
            .env("NOTHING", nothing)
            .env("TEST", test)
            .env("ROOT", &self.root);
        command
    }
}

/// Compiles the tiny child with rustc, because its flags would make cargo rebuild everything. Where
/// static linking is not possible, this is the child that cargo built.
fn compile_nothing(source: &Path, binaries: &Path, program: &Path) -> Result<()> {
    let status = rustc(source, program)
        .args(["-C", "panic=abort", "-C", "target-feature=+crt-static"])
        .args(["-C", "relocation-model=static"])
        .stderr(Stdio::null())
        .status()
        .context("rustc could not be started")?;
    if !status.success() {
        say!("warning: static linking does not work here; the tiny child is linked dynamically");
        fs::copy(binaries.join("nothing"), program).context("the tiny child cannot be copied")?;
    }
    Ok(())
}

fn rustc(source: &Path, program: &Path) -> Command {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition", "2024", "-O", "-o"]);
    rustc.arg(program).arg(source);
    rustc
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn every_ratio_has_a_reference() {
        for group in groups(&[]).expect("they parse") {
            let is_reference = |case: &Case| case.name == group.reference;
            assert!(group.cases.iter().any(is_reference), "{}", group.key);
        }
    }
}
