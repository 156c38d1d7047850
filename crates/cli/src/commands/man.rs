//! `crashrate man`: manual pages.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;
use roff::{Roff, roman};

use crate::error::{Exit, Failure};
use crate::output::{answer, print};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crashrate man | man -l -
  crashrate man ~/.local/share/man/man1
  man crashrate-run")]
pub(crate) struct ManArguments {
    /// Write `crashrate.1` and a page for each subcommand into this folder, which is made if it
    /// does not exist. Without it, the page of crashrate itself is printed
    folder: Option<PathBuf>,
}

/// Prints the page of `program`, or writes all pages.
pub(crate) fn man(mut program: Command, arguments: &ManArguments) -> Result<Exit, Failure> {
    program.build();
    let Some(folder) = &arguments.folder else {
        let page = page(&program).map_err(Failure::usage)?;
        return answer(&String::from_utf8_lossy(&page));
    };
    let cannot = |error: io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    fs::create_dir_all(folder).map_err(cannot)?;
    let count = write_pages(&program, folder).map_err(cannot)?;
    print(&format!("{count} pages in {}\n", folder.display()))?;
    Ok(Exit::Passed)
}

/// Writes the page of a command and those of its subcommands. Returns their number.
fn write_pages(command: &Command, folder: &Path) -> io::Result<usize> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    fs::write(folder.join(format!("{name}.1")), page(command)?)?;
    let mut count = 1;
    for subcommand in command.get_subcommands() {
        if !subcommand.is_hide_set() && !is_added_help(command, subcommand) {
            count += write_pages(subcommand, folder)?;
        }
    }
    Ok(count)
}

/// Whether a subcommand is the `help` that clap adds to `runs`, which has subcommands.
fn is_added_help(command: &Command, subcommand: &Command) -> bool {
    command.get_name() != "crashrate" && subcommand.get_name() == "help"
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .source(concat!("crashrate ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command
        .get_arguments()
        .any(|argument| !argument.is_hide_set())
    {
        man.render_options_section(&mut page)?;
    }
    let mut subcommands = command.get_subcommands().filter(|c| !c.is_hide_set());
    if subcommands.next().is_some() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(text) = command.get_after_help() {
        notes(&text.to_string()).to_writer(&mut page)?;
    }
    Ok(page)
}

/// The text behind the options. clap_mangen's own section would join the lines of examples and
/// tables, which are indented.
fn notes(text: &str) -> Roff {
    let mut notes = Roff::new();
    notes.control("SH", ["NOTES"]);
    for line in text.lines() {
        match line {
            "" => notes.control("sp", []),
            _ if line.starts_with(' ') => notes
                .control("nf", [])
                .text([roman(line)])
                .control("fi", []),
            _ => notes.text([roman(line)]),
        };
    }
    notes
}
