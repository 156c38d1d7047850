//! `crashrate list`: what a suite would run.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use crashrate_model::Mode;
use crashrate_report::one_line;
use crashrate_supervisor::suite::{Action, Chapter, Suite};

use crate::error::{Exit, Failure};
use crate::output::answer;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  crashrate list configs/story.toml")]
pub(crate) struct ListArguments {
    /// The suite, a TOML file
    suite: PathBuf,
}

pub(crate) fn list(arguments: &ListArguments) -> Result<Exit, Failure> {
    let suite = Suite::read(&arguments.suite)?;
    let mut text = String::new();
    let _ = writeln!(text, "suite {}, device {}", suite.name, suite.device);
    for chapter in &suite.chapters {
        let modes: Vec<_> = chapter.modes.iter().map(|m| m.word()).collect();
        let rounds = if chapter.modes.contains(&Mode::Isolated) {
            format!(", {} isolated rounds", chapter.rounds)
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "chapter {}: {} ({}{rounds})",
            chapter.id,
            action(chapter),
            modes.join(", ")
        );
    }
    for sequence in &suite.sequences {
        let command = match &sequence.command {
            Some(command) => format!(", run by {}", one_line(&command.join(" "))),
            None => String::new(),
        };
        let chapters = sequence.chapters.join(" > ");
        let _ = writeln!(
            text,
            "sequence {}: {chapters} ({} rounds{command})",
            sequence.id, sequence.rounds
        );
    }
    for variant in &suite.variants[1..] {
        let _ = writeln!(text, "variant {}", variant.id);
    }
    answer(&text)
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
