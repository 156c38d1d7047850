//! The arguments of `crashrate run`.

use clap::{Args, ValueEnum};
use crashrate_model::{Mode, RateBound};
use crashrate_supervisor::request::Until;

use crate::measure::MeasureArguments;
use crate::values::{one_of, open_rate};

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
    #[command(flatten)]
    pub(crate) measure: MeasureArguments,

    /// isolated: one process per chapter and round. sequential: one per sequence and round
    #[arg(
        long,
        conflicts_with = "resume",
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
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "resume")]
    pub(crate) rounds: Option<u32>,

    /// Repeat only round N of each unit, with its seed and in its order
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "resume")]
    pub(crate) round: Option<u32>,

    /// Retries of a round that did not pass, instead of the suite's
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub(crate) retries: Option<u32>,

    /// Stop after the first round that did not pass, retries included
    #[arg(long, conflicts_with = "max_failures")]
    pub(crate) fail_fast: bool,

    /// Stop after N rounds that did not pass, retries included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_failures: Option<u32>,

    /// Stop when each comparison of modes or variants has a verdict, or at the first bad round; at
    /// the latest after --rounds [10000] of each unit, or --for
    #[arg(
        long,
        conflicts_with_all = ["gate", "resume"],
        value_parser = one_of([("decided", Until::Decided), ("first-crash", Until::FirstBad)])
    )]
    pub(crate) until: Option<Until>,

    /// Stop when each rate is shown to be below or above a limit, such as 'crashed < 1%'; at the
    /// latest after --rounds [10000] of each unit, or --for
    #[arg(long, value_name = "LIMIT", conflicts_with = "resume")]
    pub(crate) gate: Option<RateBound>,

    /// With --until decided: also stop when the second side's bad rate is shown to be higher by
    /// less than this, such as 2%
    #[arg(long, value_name = "MARGIN", value_parser = open_rate, requires = "until")]
    pub(crate) not_worse_by: Option<f64>,

    /// Do not start if the planned rounds are too few to show a gate
    #[arg(long, conflicts_with = "resume")]
    pub(crate) strict: bool,

    /// Exit with 0 where the code would be 100, 120 or 121
    #[arg(long)]
    pub(crate) report_only: bool,

    /// Print all sections of the report, not only a summary
    #[arg(long, conflicts_with = "quiet")]
    pub(crate) full: bool,

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
