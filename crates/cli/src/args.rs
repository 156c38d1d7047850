//! The command line: the subcommands and the options that all of them have.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::ab::AbArguments;
use crate::commands::bisect::BisectArguments;
use crate::commands::calibrate::CalibrateArguments;
use crate::commands::compare::CompareArguments;
use crate::commands::completions::CompletionsArguments;
use crate::commands::crashes::CrashesArguments;
use crate::commands::debug::{DebugArguments, StartArguments};
use crate::commands::doctor::DoctorArguments;
use crate::commands::help::HelpArguments;
use crate::commands::history::HistoryArguments;
use crate::commands::import::ImportArguments;
use crate::commands::init::InitArguments;
use crate::commands::list::ListArguments;
use crate::commands::man::ManArguments;
use crate::commands::merge::MergeArguments;
use crate::commands::minimize::MinimizeArguments;
use crate::commands::plan::PlanArguments;
use crate::commands::plan_file::PlanFileArguments;
use crate::commands::provoke::ProvokeArguments;
use crate::commands::report::ReportArguments;
use crate::commands::run::RunArguments;
use crate::commands::runs::RunsArguments;
use crate::commands::schema::SchemaArguments;
use crate::commands::serve::ServeArguments;
use crate::commands::status::StatusArguments;
use crate::commands::submit::SubmitArguments;
use crate::error::exit_codes;
use crate::output::ColorChoice;

/// Runs each test in its own process many times, and reports how often and how it crashes.
#[derive(Debug, Parser)]
#[command(
    name = "crashrate",
    version,
    after_help = after_help(),
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// The folder of all runs
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "CRASHRATE_RUNS_DIR",
        default_value = "crashrate-runs"
    )]
    pub(crate) runs_dir: PathBuf,

    /// Log what happens, on standard error: -v what and when, -vv every decision, -vvv every step
    /// (RUST_LOG refines it)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// When to use colours. auto: on a terminal, unless NO_COLOR is set; CLICOLOR_FORCE also
    /// without one
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value_t = ColorChoice::Auto
    )]
    pub(crate) color: ColorChoice,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a suite or a command in rounds, and count how they end
    Run(Box<RunArguments>),
    /// Write a suite file for the tests of a command
    Init(InitArguments),
    /// Show what a suite would run
    List(ListArguments),
    /// Show the report of a run, finished or not
    Report(ReportArguments),
    /// Find the dose of a suite's fault at which its first sequence passes with a chosen rate
    Calibrate(CalibrateArguments),
    /// Find the smallest part of a sequence that still crashes
    Minimize(Box<MinimizeArguments>),
    /// Compare two runs, or the modes or variants of one
    Compare(CompareArguments),
    /// Show which of two commands, revisions or package versions crashes less
    Ab(Box<AbArguments>),
    /// Find the commit or the package version that raised a crash rate
    Bisect(Box<BisectArguments>),
    /// Find conditions under which a program crashes more often
    Provoke(Box<ProvokeArguments>),
    /// Compute how many rounds a question takes
    Plan(PlanArguments),
    /// Write the plan of a run that several machines share
    PlanFile(Box<PlanFileArguments>),
    /// Join the runs of shards into one run
    Merge(MergeArguments),
    /// Run the shards of a run on a cluster or in CI
    Submit(Box<SubmitArguments>),
    /// Show the progress of a submitted job, or cancel it once its results decide
    Status(StatusArguments),
    /// Import published reports as runs
    Import(ImportArguments),
    /// List the crashes of a run by signature, or show one in full
    Crashes(CrashesArguments),
    /// Run a round of a run again under a debugger, until it crashes
    Debug(DebugArguments),
    /// List the runs, or remove old ones
    Runs(RunsArguments),
    /// Show how the rates of a suite changed over its runs
    History(HistoryArguments),
    /// Browse runs; running ones update live
    Serve(ServeArguments),
    /// Check this machine
    Doctor(DoctorArguments),
    /// Show the help of a command, or a reference page
    Help(HelpArguments),
    /// Print the completions of a shell
    Completions(CompletionsArguments),
    /// Print or write manual pages
    Man(ManArguments),
    /// Print a JSON Schema
    Schema(SchemaArguments),
    /// Kill the processes of a dead supervisor (started by `run`)
    #[command(hide = true)]
    Guardian { run_id: String },
    /// Start the program of an attempt (started by the debugger of `debug`)
    #[command(hide = true)]
    StartAttempt(StartArguments),
    /// Fault, hang or leave processes behind (started by `doctor --self-test`)
    #[command(hide = true)]
    Misbehave { kind: String },
}

fn after_help() -> String {
    format!(
        "\
Examples:
  crashrate run -- ./my-test                 ten rounds of a command
  crashrate run suite.toml --rounds 100      a suite, with a process per chapter and per sequence
  crashrate report --full                    everything about the latest run
  crashrate help suite                       the keys of a suite file

{}",
        exit_codes()
    )
}
