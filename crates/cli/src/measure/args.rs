//! The arguments of commands that measure: what runs, and how.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use crashrate_adapters::Framework;
use crashrate_model::Perturbations;
use crashrate_supervisor::fault::MAX_DOSE;
use crashrate_supervisor::plan::SpawnChoice;
use crashrate_supervisor::request::{CpuUse, LocalDevices};
use crashrate_supervisor::suite::DescendantCrash;
use crashrate_supervisor::watching::EvidenceChoice;

use crate::tests_of::framework;
use crate::values::{Words, device, duration, one_of, round_of_run, suite_name, words};

/// The help of the suite where a plan file is no suite.
pub(crate) const SUITE_HELP: &str =
    "The suite, a TOML file [crashrate.toml here or above, up to the repository's root]";
/// The help of `--jobs` in a plan: it is for machines with any number of devices.
pub(crate) const JOBS_HELP: &str = "Concurrent attempts of a shard; with the device `cuda:*`, on each of its devices (Kubernetes: on \
     all of them together). More than 1 changes timings and race rates [1, 4 for a crowd]";

/// What runs, and how.
#[derive(Args, Debug)]
pub(crate) struct MeasureArguments {
    /// The suite, a TOML file, or a plan file [crashrate.toml here or above, up to the repository's root]
    #[arg(conflicts_with = "resume")]
    pub(crate) suite: Option<PathBuf>,

    /// A command to run instead of a suite
    #[arg(last = true, value_name = "COMMAND", conflicts_with_all = ["suite", "resume"])]
    pub(crate) argv: Vec<OsString>,

    /// Run the tests of the command as chapters, isolated and in one process. auto: the command
    /// tells the framework
    #[arg(
        long,
        value_name = "FRAMEWORK",
        value_parser = framework(),
        requires = "argv",
        conflicts_with_all = ["suite", "resume"]
    )]
    // With its full path, clap takes the type as the value that the parser returns.
    pub(crate) from: Option<std::option::Option<Framework>>,

    /// Name of the command in reports and in the history [its program's]
    #[arg(
        long,
        value_name = "NAME",
        value_parser = suite_name,
        requires = "argv",
        conflicts_with_all = ["suite", "resume"]
    )]
    pub(crate) name: Option<String>,

    /// Run only this chapter, and sequences of chosen chapters only; `*` stands for any text; may be
    /// repeated
    #[arg(long, value_name = "ID", conflicts_with = "resume")]
    pub(crate) chapter: Vec<String>,

    /// Run this variant of the suite (`default`: the suite itself); may be repeated to compare
    /// variants
    #[arg(long, value_name = "ID", conflicts_with = "resume")]
    pub(crate) variant: Vec<String>,

    /// How to start processes: exec, fork from a process that has loaded the program, or both as
    /// separate units [the suite's, else exec]
    #[arg(
        long,
        value_name = "HOW",
        conflicts_with = "resume",
        value_parser = one_of([
            ("exec", SpawnChoice::Exec),
            ("fork", SpawnChoice::Fork),
            ("both", SpawnChoice::Both),
        ])
    )]
    pub(crate) spawn: Option<SpawnChoice>,

    /// Run the chapters of shuffled sequences in the order of this round, such as 12:7 or latest:7
    #[arg(
        long,
        value_name = "RUN:ROUND",
        value_parser = round_of_run,
        conflicts_with = "resume"
    )]
    pub(crate) order: Option<(String, u32)>,

    /// auto, mps, cuda, cuda:N, cuda:* (every CUDA device, one slot each) or cpu, instead of the
    /// suite's
    #[arg(long, value_parser = device, conflicts_with = "resume")]
    pub(crate) device: Option<String>,

    /// Measure on these CUDA devices, one slot each, such as cuda:0,cuda:1; a block of rounds runs on
    /// one device
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        conflicts_with_all = ["device", "resume"]
    )]
    pub(crate) devices: Vec<String>,

    /// On several devices: let attempts use all processors. Without this, each device has a part of
    /// them
    #[arg(long, conflicts_with = "resume")]
    pub(crate) all_cpus: bool,

    /// Do not inject the suite's fault
    #[arg(long, conflicts_with_all = ["dose", "resume"])]
    pub(crate) no_fault: bool,

    /// Dose of the suite's fault, instead of its number or its calibration
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "resume",
        value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_DOSE))
    )]
    pub(crate) dose: Option<u32>,

    /// The worker program
    #[arg(long, value_name = "PATH")]
    pub(crate) worker: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) how: HowArguments,
}

/// How rounds run, whatever they run.
#[derive(Args, Debug)]
pub(crate) struct HowArguments {
    /// Disturb the attempts so that rare crashes come more often: ambush, stops, delays, malloc,
    /// crowd, or several such as stops+malloc. Their rate is not the program's. May be repeated to
    /// compare, also with none
    #[arg(long, value_name = "HOW", conflicts_with = "resume")]
    pub(crate) perturb: Vec<Perturbations>,

    /// Ambush threads also where they were when this run of the same build crashed; a run uses its
    /// own crashes by itself
    #[arg(long, value_name = "RUN")]
    pub(crate) places: Option<String>,

    /// Concurrent attempts, a multiple of the number of devices; more than 1 on a device changes
    /// timings and race rates [1 on each device, 4 for a crowd, or the resumed run's]
    #[arg(
        short,
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1024)
    )]
    pub(crate) jobs: Option<u32>,

    /// Start even if another crashrate is using the device
    #[arg(long)]
    pub(crate) no_device_lock: bool,

    /// Command that asks the device whether it works after a crash or at a time limit, such as
    /// './probe --quick'; exit code 0: it works [the suite's, or the worker]
    #[arg(long, value_name = "COMMAND", value_parser = words, conflicts_with = "resume")]
    pub(crate) probe: Option<Words>,

    /// Time limit of every chapter, such as 90s or 10m, instead of the suite's
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,

    /// Seed of the order of rounds and of each round's own seed [random]
    #[arg(long, value_name = "SEED", value_parser = clap::value_parser!(u64).range(..1 << 53))]
    pub(crate) seed: Option<u64>,

    /// Resume this run by its own plan: run the rounds that have no result yet
    #[arg(long, value_name = "RUN", conflicts_with_all = ["timeout", "seed", "number"])]
    pub(crate) resume: Option<String>,

    /// Stop after this time, such as 30m or 8h
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) time_budget: Option<Duration>,

    /// Number of the run [the last one's plus 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=999_999_999))]
    pub(crate) number: Option<u32>,

    /// Where evidence of crashes comes from. auto: core dumps where they are safe, else extra
    /// traced rounds that do not count. core: core dumps. trace: trace every attempt, which changes
    /// the rate of races [auto, or the resumed run's]
    #[arg(
        long,
        value_name = "MODE",
        value_parser = one_of([
            ("auto", EvidenceChoice::Auto),
            ("core", EvidenceChoice::Core),
            ("trace", EvidenceChoice::Trace),
            ("none", EvidenceChoice::None),
        ])
    )]
    pub(crate) evidence: Option<EvidenceChoice>,

    /// Keep a core dump of each signature in the run's folder (with --evidence auto or core)
    #[arg(long)]
    pub(crate) core_dumps: bool,

    /// Whether the crash of a descendant makes the attempt crashed, or only adds a note [count if
    /// the attempt did not pass, else note]
    #[arg(
        long,
        value_name = "HOW",
        conflicts_with = "resume",
        value_parser = one_of([
            ("count", DescendantCrash::Count),
            ("note", DescendantCrash::Note),
        ])
    )]
    pub(crate) descendants: Option<DescendantCrash>,

    /// Run each attempt in a new empty directory, and remove it afterwards
    #[arg(long, conflicts_with = "resume")]
    pub(crate) fresh_directory: bool,

    /// Give each command a terminal as standard input, output and error
    #[arg(long, conflicts_with = "resume")]
    pub(crate) pty: bool,

    /// Add nothing to the environment of Python commands, as `additions = false` in a suite
    #[arg(long, conflicts_with = "resume")]
    pub(crate) no_additions: bool,

    /// Print no progress, and of the report only the title and the verdict. Warnings and errors are
    /// printed
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Options that say how this machine runs a plan, by their long names, and whether they are given.
/// No plan has them, and each shard may have others.
type OfRun = (&'static str, fn(&MeasureArguments) -> bool);
const OF_RUN: [OfRun; 8] = [
    ("resume", |given| given.how.resume.is_some()),
    ("for", |given| given.how.time_budget.is_some()),
    ("number", |given| given.how.number.is_some()),
    ("places", |given| given.how.places.is_some()),
    ("core-dumps", |given| given.how.core_dumps),
    ("devices", |given| !given.devices.is_empty()),
    ("all-cpus", |given| given.all_cpus),
    ("no-device-lock", |given| given.how.no_device_lock),
];

/// Whether an option with this long name is one of `run` that no plan has.
pub(crate) fn is_of_run(long: &str) -> bool {
    OF_RUN.iter().any(|(name, _)| *name == long)
}

impl MeasureArguments {
    /// The options that are given and that no plan has, by their long names.
    pub(crate) fn given_of_run(&self) -> impl Iterator<Item = &'static str> {
        let given = OF_RUN.iter().filter(|(_, is_given)| is_given(self));
        given.map(|(name, _)| *name)
    }

    /// The devices of this machine.
    pub(super) fn local_devices(&self) -> LocalDevices {
        LocalDevices {
            names: self.devices.clone(),
            cpus: match self.all_cpus {
                true => CpuUse::All,
                false => CpuUse::Divided,
            },
        }
    }

    /// The options that are given and that a plan file has.
    pub(super) fn given(&self) -> impl Iterator<Item = &'static str> {
        let how = &self.how;
        let given = [
            ("--chapter", !self.chapter.is_empty()),
            ("--variant", !self.variant.is_empty()),
            ("--spawn", self.spawn.is_some()),
            ("--order", self.order.is_some()),
            ("--device", self.device.is_some()),
            ("--probe", how.probe.is_some()),
            ("--no-fault", self.no_fault),
            ("--dose", self.dose.is_some()),
            ("--perturb", !how.perturb.is_empty()),
            ("--jobs", how.jobs.is_some()),
            ("--timeout", how.timeout.is_some()),
            ("--seed", how.seed.is_some()),
            ("--evidence", how.evidence.is_some()),
            ("--descendants", how.descendants.is_some()),
            ("--fresh-directory", how.fresh_directory),
            ("--pty", how.pty),
            ("--no-additions", how.no_additions),
        ];
        let given = given.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(name, _)| name)
    }
}
