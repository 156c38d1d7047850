//! `crashrate ab`: which of two programs, revisions or versions crashes less.

use std::ffi::OsString;
use std::path::Path;

use clap::Args;
use crashrate_model::{Axis, Stopping};
use crashrate_supervisor::build::{KeptBuilds, Origin, Repository};
use crashrate_supervisor::plan::Selection;
use crashrate_supervisor::request::{RunOptions, Until};
use crashrate_supervisor::suite::{Variant, bytes_text, word_to_text};

use crate::error::{Exit, Failure};
use crate::measure::{self, HowArguments, Session};
use crate::output::note;
use crate::signals::keep_status_signals;
use crate::values::{open_rate, suite_name};

#[derive(Args, Debug)]
#[command(after_help = "\
Measures both sides in pairs, in random order, until the difference is shown. It may be stopped at
any time; the error of a verdict is at most 5% all the same. Exit code 121: not decided within
--rounds or --for.

A revision is built in a worktree, never in your own tree. --build runs the code of that revision
with your rights. Builds are kept in .builds in the runs folder and used again, 10 GB at most.

Examples:
  crashrate ab './race-old 4' './race-new 4'
  crashrate ab --rev main --rev fix --build 'make -j2' -- ./test
  crashrate ab --pip torch==2.10.0 --pip torch==2.11.0 -- python test.py
  crashrate ab --not-worse-by 2% ./old ./new
  crashrate ab --resume latest")]
pub(crate) struct AbArguments {
    /// The two commands: words as in a shell, but no shell runs them
    #[arg(value_name = "COMMAND", num_args = 2, conflicts_with_all = ["rev", "pip", "argv", "resume"])]
    commands: Vec<String>,

    /// The command to measure with both revisions or versions
    #[arg(last = true, value_name = "COMMAND")]
    argv: Vec<OsString>,

    /// A revision of the repository that the current directory is in; given twice
    #[arg(long, value_name = "REVISION", requires = "argv", conflicts_with_all = ["pip", "resume"])]
    rev: Vec<String>,

    /// The command that builds a revision, in its worktree
    #[arg(long, value_name = "COMMAND", requires = "rev")]
    build: Option<String>,

    /// Packages as `pip install` reads them, installed in a virtual environment; given twice
    #[arg(
        long,
        value_name = "PACKAGES",
        requires = "argv",
        conflicts_with = "resume"
    )]
    pip: Vec<String>,

    /// Names of the two sides in the report [the commands, revisions or packages]
    #[arg(
        long,
        value_name = "A,B",
        value_delimiter = ',',
        num_args = 1,
        conflicts_with = "resume"
    )]
    labels: Vec<String>,

    /// Name of the run in reports and in the history [the program's]
    #[arg(long, value_name = "NAME", value_parser = suite_name, conflicts_with = "resume")]
    name: Option<String>,

    /// Also stop when the second side is shown to crash more by less than this, such as 2%
    #[arg(long, value_name = "MARGIN", value_parser = open_rate, conflicts_with = "resume")]
    not_worse_by: Option<f64>,

    /// Stop after this many rounds of each side
    #[arg(
        short = 'n',
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..),
        default_value_t = 10_000,
        conflicts_with = "resume"
    )]
    rounds: u32,

    /// Remove all kept builds before; without sides to compare, only that
    #[arg(long)]
    clean: bool,

    /// Print the whole report
    #[arg(long)]
    full: bool,

    #[command(flatten)]
    how: HowArguments,
}

pub(crate) fn ab(runs: &Path, arguments: &AbArguments) -> Result<Exit, Failure> {
    keep_status_signals();
    if arguments.clean {
        clean(runs);
        if arguments.has_nothing() {
            return Ok(Exit::Passed);
        }
    }
    let how = &arguments.how;
    let (request, resumed) = match &how.resume {
        Some(name) => measure::resume(runs, name, how)?,
        None => {
            let sides = Sides::of(arguments)?;
            let options = options(arguments);
            let request = measure::of_variants(runs, how, sides.argv, sides.variants, options)?;
            (request, None)
        }
    };
    if request.stopping != Stopping::Decided(Axis::Variant) {
        let problem = "the run does not compare variants: resume it with `crashrate run --resume`";
        return Err(Failure::usage(problem));
    }
    let session = Session::run(runs, (request, resumed), how, None, |_| {})?;
    session.conclude(how, arguments.full, |_, _| Ok(None))
}

impl AbArguments {
    fn has_nothing(&self) -> bool {
        let has_sides = !self.commands.is_empty() || !self.rev.is_empty() || !self.pip.is_empty();
        !has_sides && self.how.resume.is_none()
    }
}

fn options(arguments: &AbArguments) -> RunOptions {
    let options = measure::how_options(&arguments.how);
    RunOptions {
        selection: Selection {
            rounds: Some(arguments.rounds),
            ..options.selection
        },
        name: arguments.name.clone(),
        until: Until::Decided,
        not_worse_by: arguments.not_worse_by,
        ..options
    }
}

/// Removes the kept builds that no run uses.
pub(crate) fn clean(runs: &Path) {
    let kept = KeptBuilds::of_runs(runs);
    let (removed, bytes) = kept.clean();
    let builds = match removed {
        1 => "1 kept build".to_owned(),
        n => format!("{n} kept builds"),
    };
    note(format_args!("removed {builds} ({})", bytes_text(bytes)));
}

/// What is compared.
struct Sides {
    /// The command of both, where they share one.
    argv: Vec<String>,
    variants: Vec<Variant>,
}

impl Sides {
    fn of(arguments: &AbArguments) -> Result<Sides, Failure> {
        let argv: Vec<String> = arguments
            .argv
            .iter()
            .map(|word| word_to_text(word))
            .collect();
        let (named, variants) = if !arguments.commands.is_empty() {
            (&arguments.commands, commands(&arguments.commands)?)
        } else if !arguments.rev.is_empty() {
            (&arguments.rev, revisions(arguments)?)
        } else if !arguments.pip.is_empty() {
            (&arguments.pip, packages(&arguments.pip)?)
        } else {
            let problem = "nothing to compare: give two commands, or --rev or --pip twice";
            return Err(Failure::usage(problem));
        };
        let Ok([a, b]) = <[Variant; 2]>::try_from(variants) else {
            let problem = format!("two sides are compared, and {} are given", named.len());
            return Err(Failure::usage(problem));
        };
        let [first, second] = labels(&arguments.labels, named)?;
        let argv = match &a.command {
            Some(command) => command.clone(),
            None => argv,
        };
        let variants = vec![Variant { id: first, ..a }, Variant { id: second, ..b }];
        Ok(Sides { argv, variants })
    }
}

fn commands(commands: &[String]) -> Result<Vec<Variant>, Failure> {
    let variant = |line: &String| {
        Ok(Variant {
            command: Some(words("COMMAND", line)?),
            ..Variant::default()
        })
    };
    commands.iter().map(variant).collect()
}

fn revisions(arguments: &AbArguments) -> Result<Vec<Variant>, Failure> {
    let build = arguments.build.as_deref();
    let build = build.map_or(Ok(Vec::new()), |build| words("--build", build))?;
    let repository = here(&arguments.argv)?;
    let variant = |revision: &String| {
        let commit = repository.commit(revision).map_err(Failure::usage)?;
        Ok(Variant {
            origin: Some(repository.origin(&commit, build.clone())),
            ..Variant::default()
        })
    };
    let variants: Vec<Variant> = arguments
        .rev
        .iter()
        .map(variant)
        .collect::<Result<_, Failure>>()?;
    if let [one, two] = variants.as_slice()
        && one.origin == two.origin
    {
        let problem = "both revisions are the same commit: there is nothing to compare";
        return Err(Failure::usage(problem));
    }
    Ok(variants)
}

fn packages(packages: &[String]) -> Result<Vec<Variant>, Failure> {
    let variant = |line: &String| {
        Ok(Variant {
            origin: Some(Origin::Packages {
                requirements: words("--pip", line)?,
            }),
            ..Variant::default()
        })
    };
    packages.iter().map(variant).collect()
}

/// The repository that the current directory is in. The command must not name a program in the
/// user's own tree, because every revision would run that.
pub(crate) fn here(argv: &[OsString]) -> Result<Repository, Failure> {
    let folder = std::env::current_dir().map_err(Failure::usage)?;
    let repository = Repository::find(&folder).map_err(Failure::usage)?;
    match argv.first().map(Path::new) {
        Some(program) if program.is_absolute() && program.starts_with(&repository.top) => {
            Err(Failure::usage(format!(
                "{} is in your own tree, so that every revision would run the same program; name \
                 it relative to the current directory",
                program.display()
            )))
        }
        _ => Ok(repository),
    }
}

/// The words of a command line, without a shell.
pub(crate) fn words(what: &str, line: &str) -> Result<Vec<String>, Failure> {
    /// What only a shell understands.
    const OPERATORS: [&str; 6] = ["&&", "||", "|", ";", ">", "<"];
    let words = shlex::split(line)
        .filter(|words| !words.is_empty())
        .ok_or_else(|| Failure::usage(format!("{what}: `{line}` is not a command line")))?;
    if let Some(word) = words.iter().find(|word| OPERATORS.contains(&word.as_str())) {
        let quoted = shlex::try_quote(line).unwrap_or_default();
        return Err(Failure::usage(format!(
            "{what}: no shell reads `{word}`; to use one: sh -c {quoted}"
        )));
    }
    Ok(words)
}

/// The names of the sides; two equal ones get a letter each.
fn labels(given: &[String], named: &[String]) -> Result<[String; 2], Failure> {
    let labels = match given {
        [] => [0, 1].map(|side| named[side].clone()),
        [a, b] => [a.clone(), b.clone()],
        _ => {
            return Err(Failure::usage(
                "--labels: name both sides, such as `old,new`",
            ));
        }
    };
    let is_valid = |label: &String| {
        let length = 1..=400;
        length.contains(&label.len()) && !label.chars().any(char::is_control)
    };
    if let Some(wrong) = labels.iter().find(|label| !is_valid(label)) {
        let problem = "a label has 1 to 400 bytes and no control characters";
        return Err(Failure::usage(format!(
            "--labels: `{}`: {problem}",
            wrong.escape_debug()
        )));
    }
    let [a, b] = labels;
    Ok(match a == b {
        true => [format!("{a} (A)"), format!("{b} (B)")],
        false => [a, b],
    })
}
