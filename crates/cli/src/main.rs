#![doc = include_str!("../README.md")]
#![allow(missing_docs)]

mod args;
mod commands;
mod environment;
mod error;
mod fault;
mod logging;
mod measure;
mod messages;
mod output;
mod progress;
mod run_folder;
mod signals;
mod suite_file;
mod tests_of;
mod values;

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use crashrate_supervisor::misbehave::misbehave;
use crashrate_supervisor::process;

use args::{Arguments, Command};
use error::{Exit, Failure};

fn main() -> ExitCode {
    let exit = match Arguments::try_parse() {
        // Before this process has a thread or a signal handler.
        Ok(Arguments {
            command: Command::Misbehave { kind },
            ..
        }) => return ExitCode::from(misbehave(&kind) as u8),
        Ok(Arguments {
            command: Command::StartAttempt(arguments),
            ..
        }) => output::report(commands::debug::start(&arguments)),
        Ok(arguments) => run(arguments).unwrap_or_else(output::report),
        Err(error) => answer_parser(error),
    };
    output::flush();
    ExitCode::from(exit as u8)
}

fn run(arguments: Arguments) -> Result<Exit, Failure> {
    output::set_colors(arguments.color);
    logging::start(arguments.verbose);
    environment::prepare()?;
    let runs = arguments.runs_dir.as_path();
    match arguments.command {
        Command::Run(arguments) => commands::run::run(runs, &arguments),
        Command::Init(arguments) => commands::init::init(runs, &arguments),
        Command::List(arguments) => commands::list::list(runs, &arguments),
        Command::Report(arguments) => commands::report::report(runs, &arguments),
        Command::Calibrate(arguments) => commands::calibrate::calibrate(runs, arguments),
        Command::Minimize(arguments) => commands::minimize::minimize(runs, &arguments),
        Command::Ab(arguments) => commands::ab::ab(runs, &arguments),
        Command::Bisect(arguments) => commands::bisect::bisect(runs, &arguments),
        Command::Provoke(arguments) => commands::provoke::provoke(runs, &arguments),
        Command::Compare(arguments) => commands::compare::compare(runs, &arguments),
        Command::Plan(arguments) => commands::plan::plan(runs, &arguments),
        Command::PlanFile(arguments) => commands::plan_file::plan_file(runs, &arguments),
        Command::Merge(arguments) => commands::merge::merge(runs, &arguments),
        Command::Import(arguments) => commands::import::import(runs, &arguments),
        Command::Crashes(arguments) => commands::crashes::crashes(runs, &arguments),
        Command::Debug(arguments) => commands::debug::debug(runs, &arguments),
        Command::Runs(arguments) => commands::runs::runs(runs, &arguments),
        Command::History(arguments) => commands::history::history(runs, &arguments),
        Command::Serve(arguments) => commands::serve::serve(runs, &arguments),
        Command::Doctor(arguments) => commands::doctor::doctor(&arguments),
        Command::Help(arguments) => commands::help::help(Arguments::command(), &arguments),
        Command::Completions(arguments) => {
            commands::completions::completions(Arguments::command(), &arguments)
        }
        Command::Man(arguments) => commands::man::man(Arguments::command(), &arguments),
        Command::Schema(arguments) => commands::schema::schema(&arguments),
        Command::Guardian { run_id } => process::guard(&run_id)
            .map(|()| Exit::Passed)
            .map_err(Failure::usage),
        Command::StartAttempt(_) | Command::Misbehave { .. } => Ok(Exit::Passed),
    }
}

/// Whether the arguments are `run ...` without `--`.
fn is_run_without_separator() -> bool {
    let has = |word| std::env::args_os().any(|argument| argument == word);
    has("run") && !has("--")
}

/// A revision that was taken for an option, and the option before it: `--rev -x`.
fn value_with_dash(error: &clap::Error) -> Option<(String, String)> {
    const OPTIONS: [&str; 3] = ["--rev", "--good", "--bad"];
    let Some(ContextValue::String(refused)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let pair = arguments.windows(2).find(|pair| {
        OPTIONS.contains(&pair[0].as_str()) && pair[1].starts_with(refused.as_str())
    })?;
    (error.kind() == ErrorKind::UnknownArgument).then(|| (pair[0].clone(), pair[1].clone()))
}

/// Prints what the parser says instead of arguments: help and version, or an error.
fn answer_parser(mut error: clap::Error) -> Exit {
    let value = value_with_dash(&error);
    if value.is_some() {
        // It would make the value a part of the command that is measured.
        error.remove(ContextKind::Suggested);
    }
    let text = error.render().to_string();
    if error.use_stderr() {
        output::note_lines(text.trim_end());
        if error.kind() == ErrorKind::UnknownArgument && is_run_without_separator() {
            output::note("To run a command with arguments: crashrate run -- COMMAND [ARGUMENTS]");
        }
        if let Some((option, value)) = value {
            output::note(format_args!(
                "To name a revision that begins with a dash: {option}={value}"
            ));
        }
        return Exit::Usage;
    }
    output::print(&text).map_or_else(output::report, |()| Exit::Passed)
}
