//! Settings of the workflows of GitHub and the pipelines of Buildkite.

use std::slice;

use super::{BUILDKITE, Submission};
use crate::jobs::template::{Settings, shell_line};
use crate::jobs::{JobError, Resources, TemplateError};

/// Jobs of a matrix of GitHub.
const GITHUB_MOST: u32 = 256;

impl Submission {
    pub(super) fn github(&self) -> Result<Settings, JobError> {
        let Resources {
            runner,
            install,
            build,
            ..
        } = &self.resources;
        let install = install.as_deref().ok_or(JobError::Missing {
            engine: "github",
            option: "--install",
            what: "the command that installs crashrate on GitHub's machines",
        })?;
        let indices: Vec<String> = (1..=self.shards).map(|index| index.to_string()).collect();
        if self.shards > GITHUB_MOST {
            return Err(JobError::Value {
                option: "--shards",
                value: self.shards.to_string(),
                problem: "a matrix of GitHub has at most 256 jobs",
            });
        }
        Ok(self
            .common()
            .text("runner", runner.as_deref().unwrap_or("ubuntu-latest"))
            .text("install", install)
            .option("build", build.as_deref())
            .option("directory", self.subfolder().as_deref())
            .path("plan-path", &self.directory.join("plan.json"))
            .text(
                "plan-folder",
                self.subfolder().unwrap_or_else(|| ".".to_owned()),
            )
            .path("shard-path", &self.directory.join("shard"))
            .number("minutes", self.minutes())
            .yaml("shard-list", format!("[{}]", indices.join(", "))))
    }

    /// The folder of the repository in which the shards run, unless it is the root.
    fn subfolder(&self) -> Option<String> {
        let path = self.directory.to_string_lossy();
        (!path.is_empty()).then(|| path.into_owned())
    }

    pub(super) fn buildkite(&self) -> Result<Settings, JobError> {
        let Resources { runner, build, .. } = &self.resources;
        let line = |name, own: &[&str], more: &[String]| {
            let own = own.iter().map(|word| (*word).to_owned());
            let words: Vec<String> = own.chain(more.iter().cloned()).collect();
            let file = BUILDKITE.0;
            shell_line(&words).ok_or(TemplateError::Word { file, name })
        };
        let plan = line(
            "plan-options",
            &["crashrate", "plan-file", "-o", "plan.json"],
            &self.plan_words,
        )?;
        let shard = format!(
            "crashrate run plan.json --shard auto --report-only --runs-dir \
             \"shards/$BUILDKITE_PARALLEL_JOB-$BUILDKITE_RETRY_COUNT\" {}",
            line("run-options", &[], &self.run_words)?
        );
        let in_directory = |name: &str| self.directory.join(name).to_string_lossy().into_owned();
        let plan_path = in_directory("plan.json");
        let shards = in_directory("shards/");
        let shard_paths = format!("{shards}**/*");
        let download = ["buildkite-agent", "artifact", "download"];
        let download_all = [&download[..], &["--include-retried-jobs"]].concat();
        let folder = self.subfolder();
        let cd = folder
            .map(|folder| line("cd-command", &["cd"], &[folder]))
            .transpose()?;
        let merge = line(
            "merge-command",
            &["crashrate", "merge"],
            slice::from_ref(&shards),
        )?;
        Ok(self
            .common()
            .text("key", &*self.name)
            .option("queue", runner.as_deref())
            .option("build", build.as_deref())
            .number("minutes", self.minutes())
            .option("cd-command", cd.as_deref())
            .text("plan-path", &*plan_path)
            .text(
                "download-plan",
                line("download-plan", &download, &[plan_path.clone(), ".".into()])?,
            )
            .text("shard-paths", &*shard_paths)
            .text(
                "download-shards",
                line(
                    "download-shards",
                    &download_all,
                    &[shard_paths.clone(), ".".into()],
                )?,
            )
            .text("merge-command", format!("{merge}* --output merged"))
            .text("plan-command", plan)
            .text("run-command", shard.trim_end()))
    }
}
