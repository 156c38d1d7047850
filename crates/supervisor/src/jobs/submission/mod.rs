//! The files of a job: its scripts or manifests, made of templates.

mod check;
mod ci;
mod kubernetes;
pub(super) mod sbatch;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use super::folder::JobFolder;
use super::template::{Settings, Syntax};
use super::{Engine, JobError, Resources, Templates, slurm};

/// The memory of a merge and of a watch, if the shards are given memory.
const SMALL_MEMORY: &str = "1G";

/// A job as the user asks for it.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Where it runs.
    pub engine: Engine,
    /// Its name for the engine.
    pub name: String,
    /// The number of shards.
    pub shards: u32,
    /// The path of crashrate on all machines.
    pub crashrate: PathBuf,
    /// The directory in which the shards run. For GitHub and Buildkite it is relative to the root of
    /// the repository.
    pub directory: PathBuf,
    /// Kubernetes: the job's folder in the volume.
    pub volume_folder: String,
    /// The words that `plan-file` and `run` are given: the suite or command, and the options that
    /// make the plan.
    pub plan_words: Vec<String>,
    /// The options of `run` that say how a machine runs its shard.
    pub run_words: Vec<String>,
    /// Whether the run has a stopping rule, so that it is watched.
    pub stops_early: bool,
    /// What it asks the engine for.
    pub resources: Resources,
    /// The time limit of a shard.
    pub time: Option<Duration>,
    /// The templates.
    pub templates: Templates,
}

/// A file that is made of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFile {
    /// Its name.
    pub name: &'static str,
    /// Its content.
    pub text: String,
}

/// The name of a template, its text, and the name of the file that is made of it.
type Source = (&'static str, &'static str, &'static str);

const SLURM_SHARD: Source = (
    "slurm-shard.sh",
    include_str!("../../../engines/slurm-shard.sh"),
    "shard.sh",
);
const SLURM_MERGE: Source = (
    "slurm-merge.sh",
    include_str!("../../../engines/slurm-merge.sh"),
    "merge.sh",
);
const SLURM_WATCH: Source = (
    "slurm-watch.sh",
    include_str!("../../../engines/slurm-watch.sh"),
    "watch.sh",
);
const KUBERNETES: Source = (
    "kubernetes.yaml",
    include_str!("../../../engines/kubernetes.yaml"),
    "shards.yaml",
);
const KUBERNETES_MERGE: Source = (
    "kubernetes-merge.yaml",
    include_str!("../../../engines/kubernetes-merge.yaml"),
    "merge.yaml",
);
const GITHUB: Source = (
    "github.yml",
    include_str!("../../../engines/github.yml"),
    "crashrate.yml",
);
const BUILDKITE: Source = (
    "buildkite.yml",
    include_str!("../../../engines/buildkite.yml"),
    "crashrate.yml",
);

impl Submission {
    /// The files of the job. Those of Slurm name files in `folder`.
    ///
    /// # Errors
    /// An option is missing or wrong for the engine, or a template cannot be used.
    pub fn files(&self, folder: &JobFolder) -> Result<Vec<JobFile>, JobError> {
        let (sources, settings, syntax) = match self.engine {
            Engine::Slurm if self.stops_early => (
                vec![SLURM_SHARD, SLURM_MERGE, SLURM_WATCH],
                self.slurm(folder)?,
                Syntax::Shell,
            ),
            Engine::Slurm => (
                vec![SLURM_SHARD, SLURM_MERGE],
                self.slurm(folder)?,
                Syntax::Shell,
            ),
            Engine::Kubernetes => (
                vec![KUBERNETES, KUBERNETES_MERGE],
                self.kubernetes()?,
                Syntax::Kubernetes,
            ),
            Engine::GitHub => (vec![GITHUB], self.github()?, Syntax::GitHub),
            Engine::Buildkite => (vec![BUILDKITE], self.buildkite()?, Syntax::Buildkite),
        };
        let names: Vec<&str> = sources.iter().map(|(template, ..)| *template).collect();
        self.templates.check(&names)?;
        let file = |(template, own, name): Source| {
            let (text, shown) = self.templates.text(template, own)?;
            let text = settings.fill(&shown, &text, syntax)?;
            Ok(JobFile { name, text })
        };
        sources.into_iter().map(file).collect()
    }

    fn common(&self) -> Settings {
        Settings::default()
            .text("name", &*self.name)
            .number("shards", u64::from(self.shards))
            .words("plan-options", &self.plan_words)
            .words("run-options", &self.run_words)
    }

    fn minutes(&self) -> Option<u64> {
        self.time.map(slurm::minutes)
    }

    fn slurm(&self, folder: &JobFolder) -> Result<Settings, JobError> {
        let Resources {
            partition,
            account,
            sbatch: options,
            cpus,
            memory,
            gpus,
            ..
        } = &self.resources;
        check::slurm_memory(memory.as_deref())?;
        sbatch::check(options)?;
        check::slurm_folder(folder.path())?;
        Ok(self
            .common()
            .path("job", folder.path())
            .path("plan", &folder.plan())
            .path("runs", &folder.runs())
            .path("merged", &folder.merged())
            .path("directory", &self.directory)
            .path("crashrate", &self.crashrate)
            .option("partition", partition.as_deref())
            .option("account", account.as_deref())
            .texts("sbatch", options)
            .number("time", self.minutes())
            .option("signal", slurm::early_signal(self.time))
            .number("cpus", cpus.map(u64::from))
            .option("memory", memory.as_deref())
            .option("small-memory", memory.as_ref().map(|_| SMALL_MEMORY))
            .option("gpus", gpus.as_deref()))
    }
}
