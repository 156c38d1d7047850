//! `crashrate-worker`: the chapters on libtorch. The only part of crashrate that uses it, and the part that may crash.
//!
//! It reads a task, opens the device, and runs the task's chapters one after another in this process. What it says goes
//! to the supervisor event by event, so that nothing said is lost in a crash. It measures; suites judge.

mod caught;
mod chapter;
mod cli;
mod device;
mod encoder;
mod event_sink;
mod exit;
mod fault;
mod info;
mod norm;
mod params;
mod random;
mod reference;
mod repeat;
mod semaphore;
mod task;
mod thread_group;
mod verify;
mod warm;

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use cli::{Cli, Command};
use event_sink::{EventSink, Unheard};
use exit::Refusal;

fn main() -> ExitCode {
    caught::install_panic_hook();
    let cli = Cli::parse();
    if cli.zygote && cli.command.is_none() {
        return zygote();
    }
    ExitCode::from(code(match cli.command {
        None if io::stdin().is_terminal() => help(),
        None => task_on_stdin(),
        Some(Command::List) => list(),
        Some(Command::Devices) => devices(),
        Some(Command::Run(run)) => by_hand(run),
        Some(Command::VerifyEncoder(wanted)) => verify::run(&wanted),
    }))
}

fn code(ended: Result<bool, Refusal>) -> u8 {
    match ended {
        Ok(true) => exit::PASSED,
        Ok(false) => exit::FAILED,
        Err(refusal) => {
            // There may be nobody to read this either.
            let _ = writeln!(io::stderr(), "crashrate-worker: {refusal}");
            refusal.code()
        }
    }
}

/// Forks a child for each task. Where crashrate did not ask for that, this is a task like any other.
fn zygote() -> ExitCode {
    let threads = Cell::new(None);
    let attempt = || {
        if let Some(threads) = threads.get() {
            tch::set_num_threads(threads);
        }
        i32::from(code(task_on_stdin()))
    };
    let ended = crashrate_zygote::serve(|| threads.set(Some(warm::warm_up())), attempt);
    ExitCode::from(u8::try_from(ended).unwrap_or(exit::FAILED))
}

fn task_on_stdin() -> Result<bool, Refusal> {
    let task = task::read(io::stdin().lock())?;
    task::run(&task, &EventSink::for_task()?)
}

fn by_hand(run: cli::Run) -> Result<bool, Refusal> {
    task::run(&run.task()?, &EventSink::by_hand()?)
}

fn list() -> Result<bool, Refusal> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &info::worker())
        .map_err(io::Error::from)
        .and_then(|()| writeln!(out))
        .map_err(Unheard::from)?;
    Ok(true)
}

fn devices() -> Result<bool, Refusal> {
    let mut out = io::stdout().lock();
    for device in device::Device::all() {
        writeln!(out, "{device}").map_err(Unheard::from)?;
    }
    Ok(true)
}

fn help() -> Result<bool, Refusal> {
    let _ = Cli::command().print_help();
    Err(Refusal::Usage(
        "no command, and standard input is a terminal: nothing to do".to_owned(),
    ))
}
