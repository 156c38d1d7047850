//! The arguments of `crashrate run`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use crashrate_adapters::Framework;
use crashrate_model::{Mode, RateBound};
use crashrate_supervisor::fault::MAX_DOSE;
use crashrate_supervisor::plan::SpawnChoice;
use crashrate_supervisor::request::Until;
use crashrate_supervisor::suite::DescendantCrash;
use crashrate_supervisor::watching::EvidenceChoice;

use crate::tests_of::framework;
use crate::values::{device, duration, one_of, open_rate, round_of_run, suite_name};

#[derive(Args, Debug)]
#[command(after_help = "\
The worker is the first of: --worker; the `worker` of the variant or suite, if it is a path; \
CRASHRATE_WORKER; the program of that name (default: crashrate-worker) beside crashrate, or on the \
PATH.

Ctrl-C once: start nothing more, wait for running attempts, write the report. Twice: kill running \
attempts first.

SIGUSR1 (on macOS also Ctrl-T): print what runs now.

Examples:
  crashrate run -- ./my-test --threads 8           ten rounds of a command
  crashrate run --from gtest -- ./math_test        each test, isolated and in one process
  crashrate run                                    the suite crashrate.toml
  crashrate run suite.toml -n 100 -j 4
  crashrate run suite.toml --until decided --for 30m
  crashrate run suite.toml --gate 'crashed < 1%'
  crashrate run --resume latest")]
pub(crate) struct RunArguments {
    /// The suite, a TOML file [crashrate.toml here or above, up to the repository's root]
    pub(crate) suite: Option<PathBuf>,

    /// A command to run instead of a suite
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "suite")]
    pub(crate) argv: Vec<OsString>,

    /// Run the tests of the command as chapters, isolated and in one process. auto: the command
    /// tells the framework
    #[arg(
        long,
        value_name = "FRAMEWORK",
        value_parser = framework(),
        requires = "argv",
        conflicts_with = "suite"
    )]
    // With its full path, clap takes the type as the value that the parser returns.
    pub(crate) from: Option<std::option::Option<Framework>>,

    /// Name of the command in reports and in the history [its program's]
    #[arg(long, value_name = "NAME", value_parser = suite_name, requires = "argv", conflicts_with = "suite")]
    pub(crate) name: Option<String>,

    /// isolated: one process per chapter and round. sequential: one per sequence and round
    #[arg(
        long,
        default_value = "both",
        value_parser = one_of([
            ("isolated", Some(Mode::Isolated)),
            ("sequential", Some(Mode::Sequential)),
            ("both", None),
        ])
    )]
    // With its full path, clap takes the type as the value that the parser returns.
    pub(crate) mode: std::option::Option<Mode>,

    /// Rounds of each unit, instead of the suite's [for a command: 10]
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: Option<u32>,

    /// Repeat only round N of each unit, with its seed and in its order
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) round: Option<u32>,

    /// Run only this chapter, and sequences of chosen chapters only; `*` stands for any text; may be
    /// repeated
    #[arg(long, value_name = "ID")]
    pub(crate) chapter: Vec<String>,

    /// Run this variant of the suite (`default`: the suite itself); may be repeated to compare
    /// variants
    #[arg(long, value_name = "ID")]
    pub(crate) variant: Vec<String>,

    /// How to start processes: exec, fork from a process that has loaded the program, or both as
    /// separate units [the suite's, else exec]
    #[arg(
        long,
        value_name = "HOW",
        value_parser = one_of([
            ("exec", SpawnChoice::Exec),
            ("fork", SpawnChoice::Fork),
            ("both", SpawnChoice::Both),
        ])
    )]
    pub(crate) spawn: Option<SpawnChoice>,

    /// Concurrent attempts; more than 1 changes timings and race rates [1, or the resumed run's]
    #[arg(
        short,
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1024)
    )]
    pub(crate) jobs: Option<u32>,

    /// Time limit of every chapter, such as 90s or 10m, instead of the suite's
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,

    /// Retries of a round that did not pass, instead of the suite's
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,

    /// Seed of the order of rounds and of each round's own seed [random]
    #[arg(long, value_name = "SEED", value_parser = clap::value_parser!(u64).range(..1 << 53))]
    pub(crate) seed: Option<u64>,

    /// Run the chapters of shuffled sequences in the order of this round, such as 12:7 or latest:7
    #[arg(long, value_name = "RUN:ROUND", value_parser = round_of_run)]
    pub(crate) order: Option<(String, u32)>,

    /// auto, mps, cuda, cuda:N or cpu, instead of the suite's
    #[arg(long, value_parser = device)]
    pub(crate) device: Option<String>,

    /// Resume this run by its own plan: run the rounds that have no result yet
    #[arg(
        long,
        value_name = "RUN",
        conflicts_with_all = [
            "suite", "argv", "from", "name", "mode", "spawn", "rounds", "round", "chapter", "variant", "order", "timeout",
            "retries", "seed", "device", "number", "until", "gate"
        ]
    )]
    pub(crate) resume: Option<String>,

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

    /// Stop after the first round that did not pass, retries included
    #[arg(long, conflicts_with = "max_failures")]
    pub(crate) fail_fast: bool,

    /// Stop after N rounds that did not pass, retries included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_failures: Option<u32>,

    /// Stop after this time, such as 30m or 8h
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) time_budget: Option<Duration>,

    /// Stop when each comparison of modes or variants has a verdict, or at the first bad round; at
    /// the latest after --rounds [10000] of each unit, or --for
    #[arg(
        long,
        conflicts_with = "gate",
        value_parser = one_of([("decided", Until::Decided), ("first-crash", Until::FirstBad)])
    )]
    pub(crate) until: Option<Until>,

    /// Stop when each rate is shown to be below or above a limit, such as 'crashed < 1%'; at the
    /// latest after --rounds [10000] of each unit, or --for
    #[arg(long, value_name = "LIMIT")]
    pub(crate) gate: Option<RateBound>,

    /// With --until decided: also stop when the second side's bad rate is shown to be higher by
    /// less than this, such as 2%
    #[arg(long, value_name = "MARGIN", value_parser = open_rate, requires = "until")]
    pub(crate) not_worse_by: Option<f64>,

    /// Do not start if the planned rounds are too few to show a gate
    #[arg(long, conflicts_with = "resume")]
    pub(crate) strict: bool,

    /// Number of the run [the last one's plus 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=999_999_999))]
    pub(crate) number: Option<u32>,

    /// The worker program
    #[arg(long, value_name = "PATH")]
    pub(crate) worker: Option<PathBuf>,

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

    /// Exit with 0 where the code would be 100, 120 or 121
    #[arg(long)]
    pub(crate) report_only: bool,

    /// Print all sections of the report, not only a summary
    #[arg(long)]
    pub(crate) full: bool,

    /// Print no progress, and of the report only the title and the verdict. Warnings and errors are
    /// printed
    #[arg(short, long, conflicts_with = "full")]
    pub(crate) quiet: bool,

    /// What goes to standard output. human: the report. json: the records of the journal, a line
    /// each, while the run lasts; the report goes to standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = MessageFormat::Human)]
    pub(crate) message_format: MessageFormat,
}

/// What goes to standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MessageFormat {
    Human,
    Json,
}
