//! `crashrate bisect`: which commit, version or item raised the rate of a crash.

mod relink;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use crashrate_model::{Point, PointKind, Stopping};
use crashrate_supervisor::bisect::BisectOptions;
use crashrate_supervisor::build::{Origin, WhichCommits, short, versions};
use crashrate_supervisor::plan::Selection;
use crashrate_supervisor::request::{RunOptions, Until};
use crashrate_supervisor::suite::{Variant, word_to_text};

use crate::commands::ab::{clean, here, words};
use crate::error::{Exit, Failure};
use crate::measure::{self, HowArguments, Session, quoted};
use crate::signals::keep_status_signals;
use crate::values::{open_rate, suite_name};
use relink::Relinked;

#[derive(Args, Debug)]
#[command(after_help = "\
First the two ends run in turn, until the bad end is shown to crash more often. Then rounds are made
where they tell most, and the suspect and its parent run in turn, in fresh rounds, until the answer
is shown. The old rate need not be 0. Exit code 121: no commit shown within --pairs, --rounds or
--for.

As in `git bisect run`, exit code 125 of the command skips a commit; so does a build that fails. Any
other exit code but 0, and any crash, is counted by its signature. Only one signature is searched.

Each commit is built in a worktree, never in your own tree. --build runs the code of that commit
with your rights. Builds are kept in .builds in the runs folder and used again, 10 GB at most.

Examples:
  crashrate bisect --good v1.2 --bad HEAD --build 'cargo build' -- target/debug/mytest
  crashrate bisect --pip torch --good 2.9.0 --bad 2.11.0 -- python test.py
  crashrate bisect --list versions.txt --checkout './fetch.sh {}' -- ./test
  crashrate bisect --resume latest")]
pub(crate) struct BisectArguments {
    /// The command to run at each commit
    #[arg(
        last = true,
        value_name = "COMMAND",
        required_unless_present = "resume",
        conflicts_with = "resume"
    )]
    argv: Vec<OsString>,

    /// A revision, version or item that crashes less often [of --list: the first]
    #[arg(long, value_name = "REVISION", required_unless_present_any = ["list", "resume"], conflicts_with = "resume")]
    good: Option<String>,

    /// A later one that crashes more often [HEAD; of --list: the last]
    #[arg(long, value_name = "REVISION", conflicts_with = "resume")]
    bad: Option<String>,

    /// The command that builds a commit, in its worktree
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["pip", "list", "resume"])]
    build: Option<String>,

    /// Then measure the commit and its parent also as this command builds them, which should only
    /// change the order of the code, such as
    /// "make LDFLAGS='-fuse-ld=lld -Wl,--shuffle-sections=.*=7'"
    #[arg(long, value_name = "COMMAND", requires = "build")]
    relink: Option<String>,

    /// Also search the commits that merges brought in, not only the first parents
    #[arg(long, conflicts_with_all = ["pip", "list", "resume"])]
    all: bool,

    /// Search the released versions of this Python package
    #[arg(long, value_name = "PACKAGE", requires = "bad", conflicts_with_all = ["list", "resume"])]
    pip: Option<String>,

    /// Search the items of this file, a line each, the oldest first
    #[arg(
        long,
        value_name = "FILE",
        requires = "checkout",
        conflicts_with = "resume"
    )]
    list: Option<PathBuf>,

    /// The command that provides an item of --list, in an empty folder in which the test then runs;
    /// {} stands for the item
    #[arg(long, value_name = "COMMAND", requires = "list")]
    checkout: Option<String>,

    /// The signature to search, or a text in it, such as SIGSEGV [the most frequent one at the bad
    /// end]
    #[arg(long, value_name = "TEXT", conflicts_with = "resume")]
    signature: Option<String>,

    /// The largest probability that the answer is wrong
    #[arg(long, value_name = "RATE", value_parser = open_rate, default_value = "5%", conflicts_with = "resume")]
    error: f64,

    /// Stop after this many pairs of the two ends without a difference
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..),
        default_value_t = 200,
        conflicts_with = "resume"
    )]
    pairs: u64,

    /// What a build costs, in rounds [measured]
    #[arg(long, value_name = "ROUNDS", value_parser = build_cost, conflicts_with = "resume")]
    build_cost: Option<f64>,

    /// Stop after this many rounds
    #[arg(
        short = 'n',
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..),
        default_value_t = 100_000,
        conflicts_with = "resume"
    )]
    rounds: u32,

    /// Name of the run in reports and in the history [the program's]
    #[arg(long, value_name = "NAME", value_parser = suite_name, conflicts_with = "resume")]
    name: Option<String>,

    /// Remove all kept builds before
    #[arg(long)]
    clean: bool,

    /// Print the whole report
    #[arg(long)]
    full: bool,

    #[command(flatten)]
    how: HowArguments,
}

pub(crate) fn bisect(runs: &Path, arguments: &BisectArguments) -> Result<Exit, Failure> {
    keep_status_signals();
    if arguments.clean {
        clean(runs);
    }
    let how = &arguments.how;
    let (request, resumed) = match &how.resume {
        Some(name) => measure::resume(runs, name, how)?,
        None => {
            let (points, variants) = history(arguments)?.into_iter().unzip();
            let argv = arguments.argv.iter().map(|word| word_to_text(word));
            let options = options(arguments, points);
            let request = measure::of_variants(runs, how, argv.collect(), variants, options)?;
            (request, None)
        }
    };
    if !matches!(request.stopping, Stopping::Bisected(_)) {
        let problem = "the run is no search for a commit: resume it with `crashrate run --resume`";
        return Err(Failure::usage(problem));
    }
    let session = Session::run(runs, (request, resumed), how, None, |campaign| {
        // Further rounds would say nothing about the commits.
        campaign.watching.rounds = false;
    })?;
    let relink = arguments.relink.as_deref();
    let relink = relink.map(|line| words("--relink", line)).transpose()?;
    let mut relinked = None;
    let exit = session.conclude(how, arguments.full, |session, view| {
        relinked = relink.and_then(|build| Relinked::of(&session.plan, view, &build));
        Ok(None)
    })?;
    match relinked {
        Some(relinked) => relinked.measure(runs, how).map(|()| exit),
        None => Ok(exit),
    }
}

fn options(arguments: &BisectArguments, points: Vec<Point>) -> RunOptions {
    let options = measure::how_options(&arguments.how);
    RunOptions {
        selection: Selection {
            rounds: Some(arguments.rounds),
            ..options.selection
        },
        name: arguments.name.clone(),
        until: Until::Bisected(BisectOptions {
            kind: match (&arguments.list, &arguments.pip) {
                (Some(_), _) => PointKind::Item,
                (None, Some(_)) => PointKind::Version,
                (None, None) => PointKind::Commit,
            },
            points,
            again: again(arguments),
            signature: arguments.signature.clone(),
            error: arguments.error,
            pairs: arguments.pairs,
            build_cost: arguments.build_cost,
        }),
        ..options
    }
}

/// The command that shows the difference again.
fn again(arguments: &BisectArguments) -> Option<String> {
    let side = |kind: &str| match (&arguments.list, &arguments.pip) {
        (Some(_), _) => None,
        (None, Some(package)) => Some(format!("--pip {package}=={{{kind}}}")),
        (None, None) => Some(format!("--rev {{{kind}}}")),
    };
    let build = arguments.build.as_ref().map(|build| quoted(build.as_ref()));
    let build = build.map_or_else(String::new, |build| format!(" --build {build}"));
    let perturb = arguments
        .how
        .perturb
        .iter()
        .map(|all| format!(" --perturb {all}"));
    let timeout = arguments.how.timeout.iter();
    let timeout = timeout.map(|time| format!(" --timeout {}", humantime::format_duration(*time)));
    let options: String = perturb.chain(timeout).collect();
    let command: Vec<String> = arguments.argv.iter().map(|word| quoted(word)).collect();
    let (parent, suspect) = (side("parent")?, side("suspect")?);
    let command = command.join(" ");
    Some(format!(
        "crashrate ab {parent} {suspect}{build}{options} -- {command}"
    ))
}

/// What is searched, the oldest first.
fn history(arguments: &BisectArguments) -> Result<Vec<(Point, Variant)>, Failure> {
    let history = match (&arguments.list, &arguments.pip) {
        (Some(file), _) => items(arguments, file)?,
        (None, Some(package)) => releases(arguments, package)?,
        (None, None) => commits(arguments)?,
    };
    match history.len() {
        0 | 1 => Err(Failure::usage(
            "there is nothing between the two ends to search",
        )),
        _ => Ok(history),
    }
}

fn commits(arguments: &BisectArguments) -> Result<Vec<(Point, Variant)>, Failure> {
    let build = arguments.build.as_deref();
    let build = build.map_or(Ok(Vec::new()), |build| words("--build", build))?;
    let repository = here(&arguments.argv)?;
    let which = match arguments.all {
        true => WhichCommits::All,
        false => WhichCommits::FirstParent,
    };
    let good = arguments.good.as_deref().unwrap_or_default();
    let bad = arguments.bad.as_deref().unwrap_or("HEAD");
    let commits = repository
        .history(good, bad, which)
        .map_err(Failure::usage)?;
    let point = |commit: crashrate_supervisor::build::Commit| {
        let variant = Variant {
            id: short(&commit.hash).to_owned(),
            origin: Some(repository.origin(&commit, build.clone())),
            ..Variant::default()
        };
        let point = Point {
            name: commit.hash,
            date: Some(commit.date),
            subject: Some(commit.subject),
        };
        (point, variant)
    };
    Ok(commits.into_iter().map(point).collect())
}

fn releases(arguments: &BisectArguments, package: &str) -> Result<Vec<(Point, Variant)>, Failure> {
    let good = arguments.good.as_deref().unwrap_or_default();
    let bad = arguments.bad.as_deref().unwrap_or_default();
    let versions = versions(package, good, bad).map_err(Failure::usage)?;
    let point = |version: String| {
        let requirements = vec![format!("{package}=={version}")];
        of_origin(version, Origin::Packages { requirements })
    };
    Ok(versions.into_iter().map(point).collect())
}

fn items(arguments: &BisectArguments, file: &Path) -> Result<Vec<(Point, Variant)>, Failure> {
    let wrong = |problem: String| Failure::usage(format!("{}: {problem}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let chosen = between_ends(arguments, &text).map_err(wrong)?;
    let mut command = words(
        "--checkout",
        arguments.checkout.as_deref().unwrap_or_default(),
    )?;
    if !command.iter().any(|word| word.contains("{}")) {
        let problem = "--checkout: nothing stands for the item; write {} where it belongs";
        return Err(Failure::usage(problem));
    }
    // It runs in another folder.
    if command[0].contains('/') {
        let program = std::path::absolute(&command[0]).map_err(Failure::usage)?;
        command[0] = program.display().to_string();
    }
    let point = |item: &&str| of_origin((*item).to_owned(), Origin::of_item(&command, item));
    Ok(chosen.iter().map(point).collect())
}

/// The items of a list from the good end to the bad one.
fn between_ends<'a>(arguments: &BisectArguments, text: &'a str) -> Result<Vec<&'a str>, String> {
    let lines = (1..).zip(text.lines().map(str::trim));
    let items: Vec<(usize, &str)> = lines.filter(|(_, item)| !item.is_empty()).collect();
    let place = |named: &Option<String>, default: usize| match named {
        None => Ok(default),
        Some(name) => (items.iter().position(|(_, item)| item == name))
            .ok_or_else(|| format!("has no line `{}`", name.escape_debug())),
    };
    let from = place(&arguments.good, 0)?;
    let to = place(&arguments.bad, items.len().saturating_sub(1))?;
    if let (Some((good_line, good)), Some((bad_line, bad))) = (items.get(from), items.get(to))
        && from > to
    {
        return Err(format!(
            "the good end `{}` is line {good_line}, after the bad end `{}` in line {bad_line}; \
             the oldest item must be first: reverse the file, or swap --good and --bad",
            good.escape_debug(),
            bad.escape_debug()
        ));
    }
    let chosen = items.get(from..=to).unwrap_or_default().iter();
    let chosen: Vec<&str> = chosen.map(|(_, item)| *item).collect();
    let is_twice = |item: &&&str| chosen.iter().filter(|other| *other == *item).count() > 1;
    match chosen.iter().find(is_twice) {
        Some(item) => Err(format!("`{}` is there twice", item.escape_debug())),
        None => Ok(chosen),
    }
}

fn of_origin(name: String, origin: Origin) -> (Point, Variant) {
    let variant = Variant {
        id: name.clone(),
        origin: Some(origin),
        ..Variant::default()
    };
    let point = Point {
        name,
        ..Point::default()
    };
    (point, variant)
}

fn build_cost(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(cost) if cost >= 0.0 && cost.is_finite() => Ok(cost),
        _ => Err("must be a number of rounds, at least 0".to_owned()),
    }
}
