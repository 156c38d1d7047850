//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use crashrate_model::RateBound;
use crashrate_supervisor::fault::MAX_DOSE;
use crashrate_supervisor::plan::SpawnChoice;
use crashrate_supervisor::suite::{DescendantCrash, is_device};
use crashrate_supervisor::watching::EvidenceChoice;

use crate::calibrate::CalibrateArguments;
use crate::compare::CompareArguments;
use crate::crashes::CrashesArguments;
use crate::exit;
use crate::help::HelpArguments;
use crate::history::HistoryArguments;
use crate::import::ImportArguments;
use crate::plan::PlanArguments;
use crate::rates::open_rate;
use crate::runs::RunsArguments;
use crate::serve::ServeArguments;

/// Runs each test chapter in a process of its own, counts how it dies, and says what the numbers mean.
#[derive(Debug, Parser)]
#[command(name = "crashrate", version, after_help = exit::HELP, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// The folder that holds the runs
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "CRASHRATE_RUNS_DIR",
        default_value = "crashrate-runs"
    )]
    pub(crate) runs_dir: PathBuf,

    /// Say more in the log on standard error; twice for still more (RUST_LOG says it in detail)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a suite, or a command, in rounds and count how they end
    Run(Box<RunArguments>),
    /// Show what a suite would run
    List(ListArguments),
    /// Show the report of a run, finished or not
    Report(ReportArguments),
    /// Find the dose of a suite's fault with which its first sequence passes as often as is wanted
    Calibrate(CalibrateArguments),
    /// Compare two runs, or the modes or variants of one, and say whether they differ
    Compare(CompareArguments),
    /// Say how many rounds a question takes
    Plan(PlanArguments),
    /// Make runs of recorded reports
    Import(ImportArguments),
    /// List the crashes of a run by signature, or show one whole
    Crashes(CrashesArguments),
    /// List the runs, or remove old ones
    Runs(RunsArguments),
    /// Show each chapter's rate over the runs of a suite, and where a change is shown
    History(HistoryArguments),
    /// Show the runs in a browser, those that go on live
    Serve(ServeArguments),
    /// Say what stands in the way of measuring here
    #[command(
        after_help = "Ends with 100 if something is a blocker or a row of the self-test is not as expected, else with 0."
    )]
    Doctor(DoctorArguments),
    /// Show the help of a command, or `help statistics`: how verdicts are made
    Help(HelpArguments),
    /// Kill what a dead supervisor left behind (started by `run`)
    #[command(hide = true)]
    Guardian { run_id: String },
    /// Fault, hang or leave processes behind (started by `doctor --self-test`)
    #[command(hide = true)]
    Misbehave { kind: String },
}

#[derive(Args, Debug)]
#[command(after_help = "\
The worker is, in this order: --worker; the variant's or the suite's `worker` if it has a path; \
CRASHRATE_WORKER; a program of that name (crashrate-worker unless the suite names another) beside \
crashrate; one on the PATH.

Ctrl-C once: start nothing more, let what runs end, write the report. Twice: kill what runs and write \
what there is.")]
pub(crate) struct RunArguments {
    /// The suite's TOML file
    #[arg(required_unless_present_any = ["argv", "resume"])]
    pub(crate) suite: Option<PathBuf>,

    /// A command to run in place of a suite
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "suite")]
    pub(crate) argv: Vec<OsString>,

    /// A process per chapter and round, a process per sequence and round, or both
    #[arg(long, value_enum, default_value_t = ModeChoice::Both)]
    pub(crate) mode: ModeChoice,

    /// So many rounds of everything, in place of the suite's numbers [a command: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: Option<u32>,

    /// Only round N of each unit, with its seed and in its order, to repeat it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) round: Option<u32>,

    /// Only this chapter, and sequences that consist of chosen chapters alone; may be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) chapter: Vec<String>,

    /// Under this variant of the suite (`default`: none); may be repeated, and then blocks hold them all
    #[arg(long, value_name = "ID")]
    pub(crate) variant: Vec<String>,

    /// Execute each process, or fork it from one that has loaded the program, or both as units of their own, where the
    /// program can be forked [what the suite says: exec]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) spawn: Option<SpawnArgument>,

    /// How many attempts run at the same time; more than 1 changes timings and race rates [1, or what the resumed run had]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) jobs: Option<u32>,

    /// Time limit of every chapter (90s, 10m), in place of the suite's
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,

    /// How often a round that did not pass is tried again, in place of the suite's
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,

    /// Seed of the order of rounds and of the rounds' own seeds [random]
    #[arg(long, value_name = "SEED", value_parser = clap::value_parser!(u64).range(..1 << 53))]
    pub(crate) seed: Option<u64>,

    /// auto, mps, cuda, cuda:N or cpu, in place of the suite's
    #[arg(long, value_parser = device)]
    pub(crate) device: Option<String>,

    /// Go on with this run: exactly the rounds that have no end on record are run, by its own plan
    #[arg(
        long,
        value_name = "RUN",
        conflicts_with_all = ["suite", "argv", "mode", "spawn", "rounds", "round", "chapter", "variant", "timeout", "retries", "seed", "device", "number", "until", "gate"]
    )]
    pub(crate) resume: Option<String>,

    /// Inject no fault, whatever the suite says
    #[arg(long, conflicts_with_all = ["dose", "resume"])]
    pub(crate) no_fault: bool,

    /// So many dose of the suite's fault, in place of its number or its calibration
    #[arg(long, value_name = "N", conflicts_with = "resume", value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_DOSE)))]
    pub(crate) dose: Option<u32>,

    /// Start nothing more once a round did not pass, retries included
    #[arg(long, conflicts_with = "max_failures")]
    pub(crate) fail_fast: bool,

    /// Start nothing more once so many rounds did not pass, retries included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_failures: Option<u32>,

    /// Start nothing more after this time (30m, 8h)
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) time_budget: Option<Duration>,

    /// Run until each comparison of modes or variants has its verdict, or until the first bad round; at most
    /// --rounds [10000] of each unit, at most --for
    #[arg(long, value_enum, conflicts_with = "gate")]
    pub(crate) until: Option<UntilArgument>,

    /// Run until each chapter's and sequence's rate is shown to be below or above a limit: 'crashed < 1%'; at most
    /// --rounds [10000] of each unit, at most --for
    #[arg(long, value_name = "LIMIT")]
    pub(crate) gate: Option<RateBound>,

    /// With --until decided: also stop when the second side is shown to be bad more often by less than this margin (2%)
    #[arg(long, value_name = "MARGIN", value_parser = open_rate, requires = "until")]
    pub(crate) not_worse_by: Option<f64>,

    /// Refuse to start when a gate cannot be shown within its rounds
    #[arg(long, conflicts_with = "resume")]
    pub(crate) strict: bool,

    /// The report number N [the last in the runs folder plus 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=999_999_999))]
    pub(crate) number: Option<u32>,

    /// The worker program
    #[arg(long, value_name = "PATH")]
    pub(crate) worker: Option<PathBuf>,

    /// Where the evidence of crashes comes from. auto: core dumps where they are safe, else traced evidence rounds that
    /// are in no rate. core: core dumps. trace: a tracer for every attempt, which changes the rate of races. none: nothing
    /// [auto, or what the resumed run had]
    #[arg(long, value_enum, value_name = "MODE")]
    pub(crate) evidence: Option<EvidenceArgument>,

    /// Keep one core dump of each signature in the run's folder (with --evidence auto or core)
    #[arg(long)]
    pub(crate) core_dumps: bool,

    /// What the crash of a descendant does: make the attempt crashed, or only add a note [count if the attempt itself did
    /// not pass, else note]
    #[arg(long, value_enum, value_name = "HOW", conflicts_with = "resume")]
    pub(crate) descendants: Option<DescendantsArgument>,

    /// Run each attempt in an empty directory of its own, which is removed afterwards
    #[arg(long, conflicts_with = "resume")]
    pub(crate) fresh_directory: bool,

    /// Give each command a terminal as its standard input, output and error
    #[arg(long, conflicts_with = "resume")]
    pub(crate) pty: bool,

    /// End with 0 also when something was not passed, a gate was refuted or something has no verdict
    #[arg(long)]
    pub(crate) report_only: bool,

    /// Print the whole report instead of its summary
    #[arg(long)]
    pub(crate) full: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ListArguments {
    /// The suite's TOML file
    pub(crate) suite: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct DoctorArguments {
    /// As what
    #[arg(long, value_enum, default_value_t = DoctorFormat::Terminal)]
    pub(crate) format: DoctorFormat,

    /// The worker program
    #[arg(long, value_name = "PATH")]
    pub(crate) worker: Option<PathBuf>,

    /// Run misbehaving programs in each evidence mode that is possible here and compare the outcomes with the expected
    /// ones: a table for a bug report. Takes about half a minute
    #[arg(long, conflicts_with = "worker")]
    pub(crate) self_test: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorFormat {
    Terminal,
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct ReportArguments {
    /// A run's folder, its id, its number, or `latest`
    #[arg(default_value = "latest")]
    pub(crate) run: String,

    /// Output format
    #[arg(long, value_enum, default_value_t = ReportFormat::Terminal)]
    pub(crate) format: ReportFormat,

    /// Print everything instead of a summary
    #[arg(long)]
    pub(crate) full: bool,

    /// With --format junit: a test case for each round instead of each chapter
    #[arg(long)]
    pub(crate) junit_rounds: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Terminal,
    Markdown,
    /// One file with pictures, for a browser
    Html,
    /// JUnit's XML, for CI
    Junit,
    Json,
    /// The attempts, a line for each chapter of each
    Csv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeChoice {
    Isolated,
    Sequential,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvidenceArgument {
    Auto,
    Core,
    Trace,
    None,
}

impl From<EvidenceArgument> for EvidenceChoice {
    fn from(argument: EvidenceArgument) -> EvidenceChoice {
        match argument {
            EvidenceArgument::Auto => EvidenceChoice::Auto,
            EvidenceArgument::Core => EvidenceChoice::Core,
            EvidenceArgument::Trace => EvidenceChoice::Trace,
            EvidenceArgument::None => EvidenceChoice::None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DescendantsArgument {
    Count,
    Note,
}

impl From<DescendantsArgument> for DescendantCrash {
    fn from(argument: DescendantsArgument) -> DescendantCrash {
        match argument {
            DescendantsArgument::Count => DescendantCrash::Count,
            DescendantsArgument::Note => DescendantCrash::Note,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SpawnArgument {
    Exec,
    Fork,
    Both,
}

impl From<SpawnArgument> for SpawnChoice {
    fn from(argument: SpawnArgument) -> SpawnChoice {
        match argument {
            SpawnArgument::Exec => SpawnChoice::Exec,
            SpawnArgument::Fork => SpawnChoice::Fork,
            SpawnArgument::Both => SpawnChoice::Both,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Terminal,
    Markdown,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UntilArgument {
    Decided,
    FirstCrash,
}

pub(crate) fn device(text: &str) -> Result<String, String> {
    match is_device(text) {
        true => Ok(text.to_owned()),
        false => Err("use auto, mps, cuda, cuda:N or cpu".into()),
    }
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => Err("must be more than 0".into()),
        Ok(time) => Ok(time),
        Err(error) => Err(format!("{error}; write it as 90s, 10m or 1h 30m")),
    }
}
