//! What the program prints: results on standard output, notes and the progress display on standard
//! error.

mod github;
mod notes;
mod results;
mod stall;

use std::env;
use std::io::{IsTerminal, stderr, stdout};

use clap::ValueEnum;
use console::Term;
use crashrate_report::{Detail, TerminalOptions};

pub(crate) use github::show_report;
pub(crate) use notes::{
    flush, flush_briefly, hide_display, log, note, note_lines, report, show_display,
};
pub(crate) use results::{answer, print, unless_closed};

/// Columns of a report that is not printed on a terminal.
const PIPED_WIDTH: usize = 100;
/// Columns of a list that is not printed on a terminal: other programs read it line by line.
const PIPED_LIST_WIDTH: usize = 1000;

/// Columns of standard output: `COLUMNS` if it is set, else those of the terminal, else 100.
pub(crate) fn width() -> usize {
    width_or(PIPED_WIDTH)
}

/// Columns of a list with a line for each row.
pub(crate) fn list_width() -> usize {
    width_or(PIPED_LIST_WIDTH)
}

fn width_or(piped: usize) -> usize {
    let chosen = env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    let terminal = || Term::stdout().size_checked().map(|(_, columns)| columns);
    chosen
        .filter(|&columns| columns > 0)
        .or_else(terminal)
        .map_or(piped, usize::from)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// Decides once for the whole process whether each of the two streams is coloured.
pub(crate) fn set_colors(choice: ColorChoice) {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    let colored = |is_terminal: bool| match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        // no-color.org and bixense.com/clicolors: any value that is not empty; 0 is off.
        ColorChoice::Auto if env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) => false,
        ColorChoice::Auto if is_set("CLICOLOR_FORCE") => true,
        ColorChoice::Auto => {
            let off = env::var_os("CLICOLOR").is_some_and(|value| value == "0");
            is_terminal && !off && env::var_os("TERM").is_some_and(|term| term != "dumb")
        }
    };
    console::set_colors_enabled(colored(stdout().is_terminal()));
    console::set_colors_enabled_stderr(colored(stderr().is_terminal()));
}

/// How a report is printed on standard output; `page` is the path of the HTML report, if it was
/// written.
pub(crate) fn report_options(full: bool, page: Option<&str>) -> TerminalOptions<'_> {
    TerminalOptions {
        width: width(),
        color: colors(),
        detail: if full { Detail::Full } else { Detail::Summary },
        page,
        origin: None,
    }
}

/// Whether results are coloured.
pub(crate) fn colors() -> bool {
    console::colors_enabled()
}
