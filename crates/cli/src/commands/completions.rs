//! `crashrate completions`: completions for a shell.

use clap::{Args, Command};
use clap_complete::Shell;

use crate::error::{Exit, Failure};
use crate::output::answer;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crashrate completions bash > ~/.local/share/bash-completion/completions/crashrate
  crashrate completions zsh > ~/.zfunc/_crashrate      with fpath=(~/.zfunc $fpath) before compinit
  crashrate completions fish > ~/.config/fish/completions/crashrate.fish
  crashrate completions powershell >> $PROFILE")]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completions of `program`.
pub(crate) fn completions(
    program: Command,
    arguments: &CompletionsArguments,
) -> Result<Exit, Failure> {
    let mut program = shown(program);
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut program,
        env!("CARGO_PKG_NAME"),
        &mut script,
    );
    answer(&String::from_utf8_lossy(&script))
}

/// The program without its hidden subcommands, which clap would complete, too.
fn shown(program: Command) -> Command {
    let subcommands = program.get_subcommands().filter(|c| !c.is_hide_set());
    let subcommands: Vec<Command> = subcommands.cloned().collect();
    Command::new(env!("CARGO_PKG_NAME"))
        .args(program.get_arguments().cloned())
        .disable_help_subcommand(true)
        .version(env!("CARGO_PKG_VERSION"))
        .subcommands(subcommands)
}
