//! `crashrate help`: the help of a command, or a reference page.

mod markdown;

use clap::{Args, Command};
use crashrate_supervisor::names::nearest;

use crate::error::{Exit, Failure, exit_codes};
use crate::output::answer;

const PAGES: [&str; 6] = [
    "suite",
    "events",
    "exit-codes",
    "perturbations",
    "signatures",
    "statistics",
];

#[derive(Args, Debug)]
#[command(after_help = "\
Pages:
  suite        the sections and keys of a suite file
  events       what a child process gets, and what it can report
  exit-codes   how each command ends
  perturbations
               what --perturb does
  signatures   how a crash gets its name
  statistics   how verdicts are made

Examples:
  crashrate help suite
  crashrate help runs prune")]
pub(crate) struct HelpArguments {
    /// A command or a page
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

/// Prints a page, or the help of a command of `program`.
pub(crate) fn help(mut program: Command, arguments: &HelpArguments) -> Result<Exit, Failure> {
    let page = match arguments.topic.as_slice() {
        [topic] => page(topic),
        _ => None,
    };
    if let Some(page) = page {
        return answer(&page);
    }
    program.build();
    for name in &arguments.topic {
        let Some(command) = program.find_subcommand(name).cloned() else {
            return Err(no_help(&program, name));
        };
        program = command;
    }
    answer(&program.render_help().to_string())
}

fn no_help(program: &Command, name: &str) -> Failure {
    let commands = program.get_subcommands().filter(|c| !c.is_hide_set());
    let topics = commands.map(Command::get_name).chain(PAGES);
    let hint = match nearest(name, topics) {
        Some(topic) => format!("did you mean `{topic}`?"),
        None => format!("name a command, or one of {}", PAGES.join(", ")),
    };
    Failure::usage(format!("there is no help on `{name}`: {hint}"))
}

/// Most pages are sections of the READMEs that describe them. Links lead
/// to those, so that the package of this crate has them.
fn page(topic: &str) -> Option<String> {
    const SUITE: &str = include_str!("suite.md");
    const EVENTS: &str = include_str!("events.md");
    const SIGNATURES: &str = include_str!("signatures.md");
    const PERTURBATIONS: &str = include_str!("perturbations.md");
    let (text, from, to) = match topic {
        "suite" => (SUITE, "## Every section at once", None),
        "events" => (EVENTS, "## What every child gets", Some("## In Python")),
        "signatures" => (SIGNATURES, "## Signatures", Some("## macOS reports")),
        "perturbations" => (
            PERTURBATIONS,
            "## Perturbations",
            Some("## When something goes wrong"),
        ),
        "exit-codes" => {
            return Some(include_str!("exit-codes.txt").replace("{codes}", &exit_codes()));
        }
        "statistics" => return Some(include_str!("statistics.txt").to_owned()),
        _ => return None,
    };
    Some(markdown::to_text(markdown::sections(text, from, to)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_exists_and_fits_100_columns() {
        for topic in PAGES {
            let page = page(topic).unwrap();
            assert!(page.lines().count() > 20, "{topic}: {page}");
            // Code is not wrapped.
            for line in page.lines().filter(|line| !line.starts_with("    ")) {
                assert!(line.chars().count() <= 100, "{topic}: {line}");
            }
        }
    }

    #[test]
    fn exit_codes_are_on_their_page() {
        for (exit, _) in Exit::ALL {
            let code = format!("{:>3}  ", exit as u8);
            assert!(page("exit-codes").unwrap().contains(&code), "{code}");
        }
    }
}
