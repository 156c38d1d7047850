//! `crashrate debug`: a round of a run again, under a debugger.

mod chapters;
mod debugger;
mod tries;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use crashrate_model::{Mode, Perturbations};
use crashrate_report::one_line;
use crashrate_supervisor::process::StartFile;
use crashrate_supervisor::repeat::{RepeatedRound, RoundChoice, described};

use crate::environment::this_program;
use crate::error::{Exit, Failure};
use crate::output::note;
use crate::run_folder::find;
use crate::values::round_of_run;
use debugger::Debugger;
use tries::Tries;

/// The hidden subcommand by which a debugger starts the program.
pub(crate) const START: &str = "start-attempt";

#[derive(Args, Debug)]
#[command(after_help = "\
The round has the same seed, order of chapters, environment, directory and task as in the run, and \
is repeated until it crashes. Then the debugger's prompt appears; without a terminal the stack is \
printed. Nothing is recorded.

With another debugger, its words come before the command, and the whole has the environment of the \
round. A signal, or an exit code that means a crash, ends the tries.

Exit codes: 0 it crashed, 121 it did not in the given tries, 106 interrupted.

Examples:
  crashrate debug latest:7
  crashrate debug 12:7 --sequence complete-story --tries 100
  crashrate debug 12:7 --debugger 'rr record'")]
pub(crate) struct DebugArguments {
    /// The round of a run, such as 12:7 or latest:7
    #[arg(value_name = "RUN:ROUND", value_parser = round_of_run)]
    round: (String, u32),

    /// This chapter, in its own process [the one that crashed in the round]
    #[arg(long, value_name = "ID", conflicts_with = "sequence")]
    chapter: Option<String>,

    /// This sequence
    #[arg(long, value_name = "ID")]
    sequence: Option<String>,

    /// This variant
    #[arg(long, value_name = "ID")]
    variant: Option<String>,

    /// Perturbations in place of the run's: malloc or none. A debugger leaves no room for others
    #[arg(long, value_name = "HOW")]
    perturb: Option<Perturbations>,

    /// gdb, lldb, or any words to put before the command, such as 'rr record' [gdb, else lldb]
    #[arg(long, value_name = "COMMAND")]
    debugger: Option<String>,

    /// Most tries
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    tries: u32,

    /// The worker program [the one that the run used]
    #[arg(long, value_name = "PATH")]
    worker: Option<PathBuf>,
}

/// The arguments of the hidden subcommand.
#[derive(Args, Debug)]
pub(crate) struct StartArguments {
    folder: PathBuf,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<OsString>,
}

pub(crate) fn debug(runs: &Path, arguments: &DebugArguments) -> Result<Exit, Failure> {
    let debugger = Debugger::choose(arguments.debugger.as_deref())?;
    let (name, round) = &arguments.round;
    let folder = find(runs, name)?;
    let chapter = arguments.chapter.clone().map(|id| (Mode::Isolated, id));
    let sequence = arguments.sequence.clone().map(|id| (Mode::Sequential, id));
    let choice = RoundChoice {
        round: *round,
        unit: chapter.or(sequence),
        variant: arguments.variant.clone(),
        perturb: arguments.perturb,
    };
    let (program, beside) = this_program()?;
    let found = RepeatedRound::find(&folder, &choice, arguments.worker.as_deref(), &beside);
    let repeated = found.map_err(Failure::usage)?;
    let words = repeated.command.iter().map(|word| word.to_string_lossy());
    let command = one_line(&words.collect::<Vec<_>>().join(" "));
    note(format_args!(
        "round {round} of {}, seed {}: {command}",
        described(&repeated.unit),
        repeated.seed
    ));
    if let Some(reason) = repeated.ended.as_ref().and_then(|e| e.reason.as_deref()) {
        note(format_args!("it ended in the run: {}", one_line(reason)));
    }
    for difference in &repeated.differences {
        note(format_args!("warning: {}", one_line(difference)));
    }
    Tries::new(&debugger, repeated, program)?.run(arguments.tries)
}

/// Replaces this process by the program. Reached only from a debugger.
pub(crate) fn start(arguments: &StartArguments) -> Failure {
    let error = StartFile::exec(&arguments.folder, &arguments.command);
    let program = arguments.command[0].display();
    Failure::usage(format!("{program} cannot be started: {error}"))
}
