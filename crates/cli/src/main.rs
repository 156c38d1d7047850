//! The program `crashrate`: from a command line to a run, a report or a list.
//!
//! It joins the crates and holds no knowledge of its own about attempts, rates or formats.

mod args;
mod calibrate;
mod compare;
mod crashes;
mod doctor;
mod exit;
mod github;
mod guard;
mod help;
mod history;
mod import;
mod inspect;
mod kept;
mod live;
mod pilot;
mod plan;
mod rates;
mod run;
mod runs;
mod serve;
mod wanted;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use args::{Arguments, Command};
use exit::{Exit, Failure};
use inspect::written_or;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Passed
            };
            return match written_or(error.print()) {
                Err(failure) if exit == Exit::Passed => failure.tell().code(),
                // Nobody hears it: its exit code still says it.
                _ => exit.code(),
            };
        }
    };
    log(arguments.verbose);
    let done = match arguments.command {
        Command::Run(run) => run::run(&arguments.runs_dir, run),
        Command::List(list) => inspect::list(&list.suite),
        Command::Report(report) => inspect::report(&arguments.runs_dir, &report),
        Command::Calibrate(calibrate) => calibrate::calibrate(&arguments.runs_dir, calibrate),
        Command::Compare(compare) => compare::compare(&arguments.runs_dir, &compare),
        Command::Plan(plan) => plan::plan(&arguments.runs_dir, &plan),
        Command::Import(files) => import::import(&arguments.runs_dir, &files),
        Command::Crashes(asked) => crashes::crashes(&arguments.runs_dir, &asked),
        Command::Runs(runs) => runs::runs(&arguments.runs_dir, &runs),
        Command::History(history) => history::history(&arguments.runs_dir, &history),
        Command::Serve(serve) => serve::serve(&arguments.runs_dir, &serve),
        Command::Doctor(doctor) => doctor::doctor(&doctor),
        Command::Help(asked) => help::help(&asked),
        Command::Guard { run_id } => guard::guard(&run_id),
    };
    done.unwrap_or_else(Failure::tell).code()
}

/// The program's own log, on standard error.
fn log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .init();
}
