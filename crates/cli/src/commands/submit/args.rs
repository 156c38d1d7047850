//! The arguments of `crashrate submit`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, Args};
use crashrate_model::Shard;
use crashrate_supervisor::jobs::{Engine, Overrides, Resources};

use crate::measure::{JOBS_HELP, MeasureArguments, RoundsArguments, SUITE_HELP};
use crate::values::{duration, one_of};

const RESUME_HELP: &str = "Submit the shards of this job that are not complete again, and the merge; \
     they resume their runs. For Slurm with a new --time, --partition or --sbatch. A job's folder or \
     number, or `latest`";

#[derive(Args, Debug)]
#[command(
    after_help = "\
The suite, or a command after `--`, and the options of `crashrate run` choose what is measured. Slurm and Kubernetes get the job \
from here; for GitHub and Buildkite this writes a file, which starts when it is pushed. The \
templates are in configs/engines.

With a stopping rule (--until, --gate), a watch on Slurm cancels the shards once their combined \
results decide. For Kubernetes, run `crashrate status JOB --watch --stop`. Elsewhere each shard stops only \
by its own results.

Examples:
  crashrate submit suite.toml --on slurm --shards 16 -n 1000 --partition gpu --gpus 1
  crashrate submit suite.toml --on slurm --shards 8 --until decided --dry-run
  crashrate submit suite.toml --on kubernetes --shards 8 --image registry/story:1 --volume runs
  crashrate submit suite.toml --on github --shards 4 -n 100 --install ./install-crashrate
  crashrate status latest --watch
  crashrate submit --resume latest --time 8h       the shards that did not end",
    mut_args(of_job)
)]
pub(crate) struct SubmitArguments {
    // The first: what it changes are all options above it.
    #[command(flatten)]
    pub(super) engine: EngineArguments,

    #[command(flatten)]
    pub(super) measure: MeasureArguments,

    #[command(flatten)]
    pub(super) rounds: RoundsArguments,
}

/// The options that `submit` has beside those of `run`.
#[derive(Args, Debug)]
#[command(mut_args(of_engine))]
pub(super) struct EngineArguments {
    /// The engine that runs the shards
    #[arg(
        long,
        value_name = "ENGINE",
        required_unless_present = "resume",
        value_parser = one_of([
            ("slurm", Engine::Slurm),
            ("kubernetes", Engine::Kubernetes),
            ("github", Engine::GitHub),
            ("buildkite", Engine::Buildkite),
        ])
    )]
    on: Option<Engine>,

    /// Number of shards. Each runs whole blocks of rounds on one machine
    #[arg(
        long,
        value_name = "N",
        required_unless_present = "resume",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(Shard::MOST))
    )]
    shards: Option<u32>,

    /// Slurm, Kubernetes: the job's folder, on a disk that all machines share
    /// [crashrate-jobs/NUMBER-SUITE beside the runs]. Kubernetes: a folder in the root of the mounted
    /// volume; without it, `crashrate status` sees no rounds
    #[arg(long, value_name = "DIR")]
    pub(super) job: Option<PathBuf>,

    /// Print the scripts or manifests, and start and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Folder of your own templates; crashrate's are used for the rest
    #[arg(long, value_name = "DIR")]
    pub(super) templates: Option<PathBuf>,

    /// Slurm: path of crashrate on its machines [this program's]
    #[arg(long, value_name = "PATH")]
    pub(super) program: Option<PathBuf>,

    /// Time limit of a shard, such as 90m or 8h. Kubernetes: of each pod of a shard; a new pod resumes
    /// the shard after it, up to three times
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) time: Option<Duration>,

    /// Slurm: the partition
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,

    /// Slurm: the account
    #[arg(long, value_name = "NAME")]
    account: Option<String>,

    /// Slurm: an option of sbatch for the shards, such as --sbatch=--exclusive; may be repeated
    #[arg(long, value_name = "OPTION", allow_hyphen_values = true)]
    sbatch: Vec<String>,

    /// Slurm, Kubernetes: CPUs of a shard
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    cpus: Option<u32>,

    /// Slurm, Kubernetes: memory of a shard, such as 4G for Slurm and 4Gi for Kubernetes
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,

    /// Slurm, Kubernetes: GPUs of a shard; for Slurm also with their type, such as h100:1
    #[arg(long, value_name = "N")]
    gpus: Option<String>,

    /// Kubernetes: the container image, with crashrate, the suite and its programs
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,

    /// Kubernetes: the namespace
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,

    /// Kubernetes: the persistent volume claim for the job's folder (ReadWriteMany)
    #[arg(long, value_name = "CLAIM")]
    volume: Option<String>,

    /// Kubernetes: the directory of the suite in the image [the image's]
    #[arg(long, value_name = "DIR")]
    workdir: Option<String>,

    /// GitHub: label of the runners [ubuntu-latest]. Buildkite: queue of the agents
    #[arg(long, value_name = "NAME")]
    runner: Option<String>,

    /// GitHub: the command that installs crashrate on its machines; needed there
    #[arg(long, value_name = "COMMAND")]
    install: Option<String>,

    /// GitHub, Buildkite: the command that builds what is measured
    #[arg(long, value_name = "COMMAND")]
    build: Option<String>,
}

/// Options of `run` that mean something else for a job, or nothing.
fn of_job(option: Arg) -> Arg {
    match option.get_id().as_str() {
        "suite" => option.help(SUITE_HELP),
        "resume" => option.value_name("JOB").help(RESUME_HELP),
        "jobs" => option.help(JOBS_HELP),
        "number" | "quiet" => option.hide(true),
        _ => option,
    }
}

/// A job that is resumed has its files already. A few options can be replaced.
fn of_engine(option: Arg) -> Arg {
    let option = option.help_heading("Job");
    match option.get_id().as_str() {
        "dry_run" | "time" | "partition" | "sbatch" => option,
        _ => option.conflicts_with("resume"),
    }
}

impl EngineArguments {
    /// The engine. The parser needs it unless a job is resumed.
    pub(super) fn on(&self) -> Engine {
        self.on.unwrap_or(Engine::Slurm)
    }

    /// The number of shards. The parser needs it unless a job is resumed.
    pub(super) fn shards(&self) -> u32 {
        self.shards.unwrap_or(1)
    }

    /// An option that is given but does not exist for the engine.
    pub(super) fn foreign(&self) -> Option<&'static str> {
        let has_folder = matches!(self.on(), Engine::Slurm | Engine::Kubernetes);
        let program = self.program.is_some() && self.on() != Engine::Slurm;
        let job = self.job.is_some() && !has_folder;
        let resources = self.resources().foreign(self.on());
        let others = [("--program", program), ("--job", job)];
        let others = others.into_iter().filter(|(_, is_foreign)| *is_foreign);
        resources
            .into_iter()
            .chain(others.map(|(name, _)| name))
            .next()
    }

    /// Options for the shards of a job that is resumed.
    pub(super) fn overrides(&self) -> Overrides {
        Overrides {
            time: self.time,
            partition: self.partition.clone(),
            sbatch: self.sbatch.clone(),
        }
    }

    /// What the job asks its engine for.
    pub(super) fn resources(&self) -> Resources {
        Resources {
            partition: self.partition.clone(),
            account: self.account.clone(),
            sbatch: self.sbatch.clone(),
            cpus: self.cpus,
            memory: self.memory.clone(),
            gpus: self.gpus.clone(),
            image: self.image.clone(),
            namespace: self.namespace.clone(),
            volume: self.volume.clone(),
            workdir: self.workdir.clone(),
            runner: self.runner.clone(),
            install: self.install.clone(),
            build: self.build.clone(),
        }
    }
}
