//! `crashrate list`: what a suite would run.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use crashrate_adapters::Framework;
use crashrate_model::Mode;
use crashrate_report::{one_line, plural};
use crashrate_supervisor::request::COMMAND_ROUNDS;
use crashrate_supervisor::suite::{Action, Chapter, Sequence, Suite, TestSource, word_to_text};

use crate::error::{Exit, Failure};
use crate::measure::refuse_plan;
use crate::output::answer;
use crate::suite_file::find_suite;
use crate::tests_of::{framework, lister};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crashrate list                                   the suite crashrate.toml
  crashrate list configs/story.toml
  crashrate list --from gtest -- ./math_test")]
pub(crate) struct ListArguments {
    /// The suite, a TOML file [crashrate.toml here or above, up to the repository's root]
    suite: Option<PathBuf>,

    /// A command whose tests are listed
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "suite")]
    argv: Vec<OsString>,

    /// The test framework of the command
    #[arg(
        long,
        value_name = "FRAMEWORK",
        value_parser = framework(),
        default_value = "auto",
        requires = "argv"
    )]
    // With its full path, clap takes the type as the value that the parser returns.
    from: std::option::Option<Framework>,
}

/// Chapters of a sequence that are named; more are counted.
const NAMED: usize = 20;

pub(crate) fn list(runs: &Path, arguments: &ListArguments) -> Result<Exit, Failure> {
    let lister = lister(runs);
    let tests = |source: &TestSource| lister.list(source);
    let found = match (&arguments.suite, arguments.argv.is_empty()) {
        (None, true) => Some(find_suite()?),
        _ => None,
    };
    let mut suite = match arguments.suite.as_ref().or(found.as_ref()) {
        Some(path) => {
            refuse_plan(path)?;
            Suite::read(path, &tests)?
        }
        None => {
            let words: Vec<_> = arguments
                .argv
                .iter()
                .map(|word| word_to_text(word))
                .collect();
            Suite::of_tests(arguments.from, &words, COMMAND_ROUNDS, &tests)?
        }
    };
    lister.add_package(&mut suite).map_err(Failure::usage)?;
    let mut text = String::new();
    let _ = write!(text, "suite {}, device {}", suite.name, suite.device);
    if let Some(path) = found {
        let _ = write!(text, ", {}", path.display());
    }
    text.push('\n');
    let chapters = suite.chapters.iter().map(of_chapter);
    let sequences = suite.sequences.iter().map(of_sequence);
    chapters.chain(sequences).for_each(|line| text += &line);
    for variant in &suite.variants[1..] {
        let _ = writeln!(text, "variant {}", one_line(&variant.id));
    }
    for (name, value) in suite.added_env() {
        let _ = writeln!(text, "added for Python: {name}={}", one_line(&value));
    }
    answer(&text)
}

/// The line of a chapter.
fn of_chapter(chapter: &Chapter) -> String {
    let modes: Vec<_> = chapter.modes.iter().map(|m| m.word()).collect();
    let rounds = match chapter.modes.contains(&Mode::Isolated) {
        true => format!(", {} isolated rounds", chapter.rounds),
        false => String::new(),
    };
    format!(
        "chapter {}: {} ({}{rounds})\n",
        one_line(&chapter.id),
        action(chapter),
        modes.join(", ")
    )
}

/// The line of a sequence.
fn of_sequence(sequence: &Sequence) -> String {
    let command = match &sequence.command {
        Some(command) => format!(", run by {}", one_line(&command.join(" "))),
        None => String::new(),
    };
    let chapters = match sequence.chapters.len() {
        n if n > NAMED => plural(n as u64, "chapter"),
        _ => one_line(&sequence.chapters.join(" > ")),
    };
    format!(
        "sequence {}: {chapters} ({} rounds{command})\n",
        one_line(&sequence.id),
        sequence.rounds
    )
}

fn action(chapter: &Chapter) -> String {
    match &chapter.action {
        Action::Command(argv) => one_line(&argv.join(" ")),
        Action::Worker { chapter, params } if params.is_empty() => format!("worker {chapter}"),
        Action::Worker { chapter, params } => {
            let params: Vec<_> = params.iter().map(|(k, v)| format!("{k}={v}")).collect();
            one_line(&format!("worker {chapter} {}", params.join(" ")))
        }
    }
}
