//! The arguments of `crashrate run`.

use clap::{Args, ValueEnum};

use crate::measure::{MeasureArguments, RoundsArguments, ShardArguments};

#[derive(Args, Debug)]
#[command(after_help = "\
The worker is the first of: --worker; the `worker` of the variant or suite, if it is a path; \
CRASHRATE_WORKER; the program of that name (default: crashrate-worker) beside crashrate, or on the \
PATH.

Ctrl-C once: start nothing more, wait for running attempts, write the report. Twice: kill running \
attempts first.

SIGUSR2: the same as Ctrl-C once, also if it is sent again. Slurm jobs are stopped this way.

SIGUSR1 (on macOS also Ctrl-T): print what runs now.

Examples:
  crashrate run -- ./my-test --threads 8           ten rounds of a command
  crashrate run --from gtest -- ./math_test        each test, isolated and in one process
  crashrate run                                    the suite crashrate.toml
  crashrate run suite.toml -n 100 -j 4
  crashrate run suite.toml --until decided --for 30m
  crashrate run suite.toml --gate 'crashed < 1%'
  crashrate run --resume latest
  crashrate run suite.toml --plan-file plan.json --shard 3/16")]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) measure: MeasureArguments,

    #[command(flatten)]
    pub(crate) rounds: RoundsArguments,

    #[command(flatten)]
    pub(crate) shard: ShardArguments,

    /// Repeat only round N of each unit, with its seed and in its order
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "resume")]
    pub(crate) round: Option<u32>,

    /// Stop after the first round that did not pass, retries included
    #[arg(long, conflicts_with = "max_failures")]
    pub(crate) fail_fast: bool,

    /// Stop after N rounds that did not pass, retries included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_failures: Option<u32>,

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
