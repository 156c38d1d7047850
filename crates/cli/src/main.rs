#![doc = include_str!("../README.md")]
#![allow(missing_docs)]

mod args;
mod calibrate;
mod calibrating;
mod compare;
mod crash_report;
mod crashes;
mod doctor;
mod environment;
mod exit;
mod github;
mod guardian;
mod help;
mod history;
mod import;
mod inspect;
mod listed;
mod live;
mod pilot;
mod plan;
mod rates;
mod repetition;
mod report_files;
mod run;
mod run_request;
mod runs;
mod screen;
mod self_test;
mod serve;
mod stop;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use crashrate_supervisor::misbehave::misbehave;
use tracing_subscriber::EnvFilter;

use args::{Arguments, Command};
use exit::{Exit, Failure};
use screen::{print, tell_lines};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Passed
            };
            let text = error.render().to_string();
            let exit = match exit {
                Exit::Passed => print(&text).map_or_else(Failure::tell, |()| exit),
                _ => {
                    tell_lines(text.trim_end());
                    exit
                }
            };
            screen::flush();
            return exit.code();
        }
    };
    if let Command::Misbehave { kind } = &arguments.command {
        // Before this process has a thread or a signal handler of crashrate.
        return ExitCode::from(misbehave(kind) as u8);
    }
    log(arguments.verbose);
    let done = environment::prepare().and_then(|()| command(arguments));
    let exit = done.unwrap_or_else(Failure::tell);
    screen::flush();
    exit.code()
}

fn command(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
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
        Command::Guardian { run_id } => guardian::guardian(&run_id),
        Command::Misbehave { .. } => Ok(Exit::Passed),
    }
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
        .with_writer(|| Log)
        .with_ansi(false)
        .without_time()
        .init();
}

/// Hands the log's lines to the screen: the log is also written while the run's state is locked, and must not wait.
struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        tell_lines(String::from_utf8_lossy(line).trim_end());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
