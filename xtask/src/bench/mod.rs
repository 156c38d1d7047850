//! The benchmark: crashrate, bare loops that do the least possible, and other runners, measured in
//! turn.
//!
//! | file | subject |
//! |---|---|
//! | `programs.rs` | the measured programs |
//! | `groups.rs` | the cases |
//! | `measure.rs` | the cost of one call |
//! | `table.rs` | medians, spread, tables |
//! | `machine.rs` | the machine and versions |
//! | `evidence/` | rate and cost of the evidence modes |

mod evidence;
mod groups;
mod machine;
mod measure;
mod programs;
pub(crate) mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use self::groups::{Group, Maker};
use self::measure::{Sample, measure};
use self::programs::Programs;
use self::table::Measured;
use crate::libtorch;
use crate::workspace::Workspace;

/// Rounds of the short call. Its time is subtracted from that of the long call.
const SHORT: u64 = 2;

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    other: Option<Other>,
    /// Samples of each case [5; with --quick: 2]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    samples: Option<u32>,
    /// Measure an eighth of the rounds: a test of the benchmark, not a measurement
    #[arg(long)]
    quick: bool,
    /// Measure only this group; may be repeated
    #[arg(long, value_enum)]
    only: Vec<Only>,
    /// Leave out the groups that need libtorch
    #[arg(long)]
    no_libtorch: bool,
    /// A second `crashrate` program: measure both side by side, in alternating pairs, and nothing
    /// else
    ///
    /// Its worker is the `crashrate-worker` in the same folder.
    #[arg(long, value_name = "PROGRAM")]
    against: Option<PathBuf>,
    /// Write the tables to `fixtures/measured/speed.md`, too
    #[arg(long)]
    save: bool,
}

#[derive(clap::Subcommand)]
enum Other {
    /// Measure rate and cost of racy programs under each evidence mode, and write
    /// `fixtures/measured/evidence.md`
    Evidence(evidence::Arguments),
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    Tiny,
    Libtest,
    Failing,
    Flood,
    Libtorch,
    Story,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode> {
    if let Some(Other::Evidence(arguments)) = &arguments.other {
        return evidence::run(workspace, arguments);
    }
    let chosen = |group| arguments.only.is_empty() || arguments.only.contains(&group);
    let wants_worker = chosen(Only::Libtorch) || chosen(Only::Story);
    let with_worker = wants_worker && !arguments.no_libtorch && libtorch::is_in_place(workspace)?;
    let folder = workspace.target()?.join("bench");
    fs::create_dir_all(&folder).context("the folder for the figures cannot be made")?;
    let against = arguments.against.as_deref();
    let programs = Programs::build(workspace, with_worker, against, &folder)?;
    let scratch = tempfile::tempdir_in(&folder).context("no temporary folder")?;
    let samples = arguments.samples.unwrap_or(match arguments.quick {
        true => 2,
        false => 5,
    });
    let maker = Maker {
        programs: &programs,
        scratch: scratch.path(),
        quick: arguments.quick,
    };
    let mut groups = Vec::new();
    if chosen(Only::Tiny) {
        groups.push(maker.tiny()?);
    }
    if chosen(Only::Libtest) {
        let test = programs::test_binary(workspace)?;
        groups.push(maker.libtest(&test, workspace.root()));
    }
    if chosen(Only::Failing) {
        groups.push(maker.failing()?);
    }
    if chosen(Only::Flood) {
        groups.push(maker.flood());
    }
    if with_worker && chosen(Only::Libtorch) {
        groups.push(maker.libtorch()?);
    }
    if with_worker && chosen(Only::Story) {
        groups.push(maker.story());
    }
    let load = machine::load();
    let mut measured = Vec::new();
    for mut group in groups {
        group
            .cases
            .retain(|case| against.is_none() || case.other.is_some());
        measured.push(take(group, samples, scratch.path())?);
    }
    let mut text = head(workspace, samples, arguments, &load);
    for group in &measured {
        text += &format!("\n{}", group.markdown());
    }
    if wants_worker && !with_worker {
        text += "\nMeasured without libtorch: the groups of the worker are left out.\n";
    }
    say!("\n{text}");
    let mut paths = vec![folder.join("speed.md")];
    if arguments.save {
        paths.push(workspace.root().join("fixtures/measured/speed.md"));
    }
    for path in paths {
        fs::write(&path, &text).with_context(|| format!("{} cannot be written", path.display()))?;
        say!("written: {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes the samples of a group. Each sample starts with another case, and every second one goes
/// backwards, so that a drift of the machine affects all cases, and both programs of a pair, alike.
fn take(group: Group, count: u32, scratch: &Path) -> Result<Measured> {
    let cases = group.cases.len();
    let (mut samples, mut other) = (vec![Vec::new(); cases], vec![Vec::new(); cases]);
    for number in 0..count as usize {
        say!("{}: sample {} of {count}", group.key, number + 1);
        let backwards = number % 2 == 1;
        for turn in 0..cases {
            let index = match backwards {
                true => cases - 1 - turn,
                false => (number + turn) % cases,
            };
            let case = &group.cases[index];
            let this = (&case.command, &mut samples[index]);
            let that = case
                .other
                .as_ref()
                .map(|other_command| (other_command, &mut other[index]));
            let mut calls: Vec<_> = [Some(this), that].into_iter().flatten().collect();
            if backwards {
                calls.reverse();
            }
            for (command, samples) in calls {
                let sample = sample(command, case.rounds, scratch);
                samples.push(sample.with_context(|| format!("{}: {}", group.key, case.name))?);
            }
        }
    }
    Ok(Measured {
        group,
        samples,
        other,
    })
}

fn sample(command: impl Fn(u64) -> Result<Command>, rounds: u64, scratch: &Path) -> Result<Sample> {
    let call = |rounds| -> Result<_> {
        let cost = measure(&mut command(rounds)?)?;
        // The runs of a whole benchmark would fill the disk.
        let _ = fs::remove_dir_all(scratch.join("runs"));
        Ok((rounds, cost))
    };
    Sample::between(call(SHORT)?, call(rounds)?).context(
        "more rounds took less time: the machine is too busy, or the rounds are too few\nwhat to \
         do: measure again, without --quick",
    )
}

fn head(workspace: &Workspace, samples: u32, arguments: &Arguments, load: &str) -> String {
    let reference = match &arguments.against {
        Some(_) => {
            "Each pair runs both programs one after the other; the ratio is this one to the other, \
             pair by pair."
        }
        None => "A ratio is to the case with ratio 1, sample by sample.",
    };
    let quick = match arguments.quick {
        true => " A quick run, not a measurement.",
        false => "",
    };
    format!(
        "## Speed\n\n`{}`, {}, on {} (load {load} before, {} after). {}.\n\n{samples} samples of \
         each case: median (least..greatest). {reference}{quick} Each sample calls the program \
         twice, with {SHORT} rounds and with many, and divides the difference of the times by \
         that of the rounds; the cost of start and end is in no figure. Own CPU is the program's \
         own processor time, without its children. The peak is the kernel's `VmHWM` of the \
         program, the greatest of all samples, read every 10 ms.\n",
        machine::command(),
        machine::date(),
        machine::machine(),
        machine::load(),
        machine::versions(workspace),
    )
}
