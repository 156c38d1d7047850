//! What is measured: the groups of `groups.toml`, and the programs that they run.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::verify::choose;
use crate::workspace::call;

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
        (group.cases).retain(|case| case.tool.as_deref().is_none_or(is_installed));
    }
    Ok(groups)
}

/// Whether the PATH has a program of that name.
pub(super) fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Runs what the groups say.
pub(super) struct Shell<'a> {
    pub(super) root: &'a Path,
    /// The folder of the built programs.
    pub(super) release: &'a Path,
    /// Holds everything that a call writes.
    pub(super) scratch: &'a Path,
}

impl Shell<'_> {
    pub(super) fn prepare(&self, group: &Group) -> Result<()> {
        call(self.command(&group.prepare), &group.key)
    }

    /// A case with this number of rounds, with our `crashrate` or another one.
    pub(super) fn case(&self, case: &Case, rounds: u64, other: Option<&Path>) -> Command {
        let mut command = self.command(&format!("exec {}", case.run.trim()));
        command.env("ROUNDS", rounds.to_string());
        command.envs(other.map(|other| ("CRASHRATE", other)));
        command
    }

    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-e", "-c", script])
            .current_dir(self.scratch)
            .env("CRASHRATE_RUNS_DIR", self.scratch.join("runs"))
            .env("CRASHRATE", self.release.join("crashrate"))
            .env("RELEASE", self.release)
            .env("ROOT", self.root);
        command
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn every_ratio_has_a_reference() {
        for group in groups(&[]).expect("the file is valid") {
            let is_reference = |case: &Case| case.name == group.reference;
            assert!(group.cases.iter().any(is_reference), "{}", group.key);
        }
    }
}
