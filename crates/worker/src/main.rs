#![doc = include_str!("../README.md")]
#![allow(missing_docs)]

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
use event_sink::{EventSink, ReceiverGone};
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
        Some(Command::Run(run)) => run_chapter(run),
        Some(Command::VerifyEncoder(wanted)) => verify::run(&wanted),
    }))
}

fn code(ended: Result<bool, Refusal>) -> u8 {
    match ended {
        Ok(true) => exit::PASSED,
        Ok(false) => exit::FAILED,
        Err(refusal) => {
            // Standard error may be closed as well.
            let _ = writeln!(io::stderr(), "crashrate-worker: {refusal}");
            refusal.code()
        }
    }
}

/// Forks a child for each task. Where crashrate did not ask for that, this is a task like any
/// other.
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

fn run_chapter(run: cli::Run) -> Result<bool, Refusal> {
    task::run(&run.task()?, &EventSink::for_person()?)
}

fn list() -> Result<bool, Refusal> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &info::worker())
        .map_err(io::Error::from)
        .and_then(|()| writeln!(out))
        .map_err(ReceiverGone::from)?;
    Ok(true)
}

fn devices() -> Result<bool, Refusal> {
    let mut out = io::stdout().lock();
    for device in device::Device::all() {
        writeln!(out, "{device}").map_err(ReceiverGone::from)?;
    }
    Ok(true)
}

fn help() -> Result<bool, Refusal> {
    let _ = Cli::command().print_help();
    Err(Refusal::Usage(
        "no command, and standard input is a terminal: nothing to do".to_owned(),
    ))
}
