//! The engines that run jobs.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};

/// What places the shards of a job on machines.
#[derive(
    Clone,
    Copy,
    Debug,
    Display,
    EnumString,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    VariantNames
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Engine {
    /// An array job and a merge job of Slurm.
    Slurm,
    /// An Indexed Job of Kubernetes.
    Kubernetes,
    /// A matrix workflow of GitHub Actions.
    GitHub,
    /// Parallel steps of Buildkite.
    Buildkite,
}

impl Engine {
    /// Its name in a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Engine::Slurm => "Slurm",
            Engine::Kubernetes => "Kubernetes",
            Engine::GitHub => "GitHub",
            Engine::Buildkite => "Buildkite",
        }
    }
}

/// What a job asks its engine for. Each option exists for some engines only.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// Slurm: the partition.
    pub partition: Option<String>,
    /// Slurm: the account.
    pub account: Option<String>,
    /// Slurm: more options of `sbatch`.
    pub sbatch: Vec<String>,
    /// Slurm, Kubernetes: CPUs of a shard.
    pub cpus: Option<u32>,
    /// Slurm, Kubernetes: memory of a shard, in the engine's syntax.
    pub memory: Option<String>,
    /// Slurm, Kubernetes: GPUs of a shard; for Slurm also with their type, such as `h100:1`.
    pub gpus: Option<String>,
    /// Kubernetes: the container image.
    pub image: Option<String>,
    /// Kubernetes: the namespace.
    pub namespace: Option<String>,
    /// Kubernetes: the volume claim of the job folder.
    pub volume: Option<String>,
    /// Kubernetes: the directory in the image in which the command runs.
    pub workdir: Option<String>,
    /// GitHub: the label of the runners. Buildkite: the queue of the agents.
    pub runner: Option<String>,
    /// GitHub: the command that installs crashrate.
    pub install: Option<String>,
    /// GitHub, Buildkite: the command that builds what is measured.
    pub build: Option<String>,
}

/// Options for shards that are submitted again, in place of those in their scripts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The time limit of a shard.
    pub time: Option<Duration>,
    /// The partition, also of the merge and the watch.
    pub partition: Option<String>,
    /// More options of `sbatch`.
    pub sbatch: Vec<String>,
}

impl Resources {
    /// The options that are set but do not exist for an engine.
    pub fn foreign(&self, engine: Engine) -> Vec<&'static str> {
        use Engine::{Buildkite, GitHub, Kubernetes, Slurm};
        let options: [(&'static str, bool, &[Engine]); 13] = [
            ("--partition", self.partition.is_some(), &[Slurm]),
            ("--account", self.account.is_some(), &[Slurm]),
            ("--sbatch", !self.sbatch.is_empty(), &[Slurm]),
            ("--cpus", self.cpus.is_some(), &[Slurm, Kubernetes]),
            ("--memory", self.memory.is_some(), &[Slurm, Kubernetes]),
            ("--gpus", self.gpus.is_some(), &[Slurm, Kubernetes]),
            ("--image", self.image.is_some(), &[Kubernetes]),
            ("--namespace", self.namespace.is_some(), &[Kubernetes]),
            ("--volume", self.volume.is_some(), &[Kubernetes]),
            ("--workdir", self.workdir.is_some(), &[Kubernetes]),
            ("--runner", self.runner.is_some(), &[GitHub, Buildkite]),
            ("--install", self.install.is_some(), &[GitHub]),
            ("--build", self.build.is_some(), &[GitHub, Buildkite]),
        ];
        let is_foreign = |(_, set, of): &(_, bool, &[Engine])| *set && !of.contains(&engine);
        let foreign = options.iter().filter(|option| is_foreign(option));
        foreign.map(|(name, ..)| *name).collect()
    }
}
