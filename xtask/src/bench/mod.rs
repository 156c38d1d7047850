//! The benchmark: crashrate beside the least that its work can cost, and beside its peers, by turns in one run.
//!
//! | file | subject |
//! |---|---|
//! | `programs.rs` | what is measured with, built here |
//! | `ways.rs`, `heavy.rs` | what is measured |
//! | `measure.rs` | what one call costs |
//! | `figures.rs` | medians and spread |
//! | `table.rs`, `aims.rs` | what is told |
//! | `machine.rs` | what it was measured on |
//! | `readme.rs` | the README's section |
//! | `evidence/` | rate and cost of the evidence modes |

mod aims;
mod evidence;
mod figures;
mod heavy;
mod machine;
mod measure;
mod programs;
mod readme;
mod table;
mod ways;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use self::figures::Sample;
use self::measure::measure;
use self::programs::Programs;
use self::table::Measured;
use self::ways::{Group, Maker, Size, Way};
use crate::libtorch;
use crate::workspace::Workspace;

/// What to do.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    other: Option<Other>,
    /// How often each way is measured [5; with --quick: 2]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    samples: Option<u32>,
    /// An eighth of the rounds: a look at the tool, not a measurement
    #[arg(long)]
    quick: bool,
    /// Only this group; may be repeated
    #[arg(long, value_enum)]
    only: Vec<Only>,
    /// Leave out what needs libtorch
    #[arg(long)]
    no_libtorch: bool,
    /// Put the tables into the README
    #[arg(long)]
    readme: bool,
}

#[derive(clap::Subcommand)]
enum Other {
    /// Measure rate and cost of racy programs under each evidence mode, and write `fixtures/measured/evidence.md`
    Evidence(evidence::Arguments),
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Only {
    Tiny,
    Libtest,
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
    let programs = Programs::build(workspace, with_worker, &folder)?;
    let scratch = tempfile::tempdir_in(&folder).context("no temporary folder")?;
    let size = match arguments.quick {
        true => Size::Quick,
        false => Size::Full,
    };
    let samples = arguments.samples.unwrap_or(match size {
        Size::Full => 5,
        Size::Quick => 2,
    });
    let maker = Maker {
        programs: &programs,
        scratch: scratch.path(),
        size,
    };
    let mut groups = Vec::new();
    if chosen(Only::Tiny) {
        groups.push(maker.tiny()?);
    }
    if chosen(Only::Libtest) {
        let test = programs::test_binary(workspace)?;
        groups.push(maker.libtest(&test, workspace.root()));
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
    if wants_worker && !with_worker {
        say!("without libtorch: its rows are left out (`cargo xtask setup` brings it)");
    }
    let before = machine::load();
    let measured = groups
        .into_iter()
        .map(|group| take(group, samples, scratch.path()))
        .collect::<Result<Vec<_>>>()?;
    let mut text = head(workspace, samples, arguments.quick, &before);
    for group in &measured {
        text += &format!("\n{}", group.markdown());
    }
    text += &format!("\n{}", aims::markdown(&measured));
    if wants_worker && !with_worker {
        text += "\nMeasured without libtorch: the worker's rows are left out.\n";
    }
    say!("\n{text}");
    let path = folder.join("speed.md");
    fs::write(&path, &text).context("the figures cannot be written")?;
    say!("written: {}", path.display());
    if arguments.readme {
        readme::put(workspace, &text)?;
        say!("written: the section \"Speed\" of README.md");
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures each way once a sample. Each sample begins with another way, so that a drift of the machine hits all alike.
fn take(group: Group, count: u32, scratch: &Path) -> Result<Measured> {
    let mut samples = vec![Vec::new(); group.ways.len()];
    for sample in 0..count as usize {
        say!("{}: sample {} of {count}", group.key, sample + 1);
        for turn in 0..group.ways.len() {
            let place = (sample + turn) % group.ways.len();
            let way = &group.ways[place];
            let taken = sampled(way, scratch);
            samples[place].push(taken.with_context(|| format!("{}: {}", group.key, way.name))?);
        }
    }
    Ok(Measured { group, samples })
}

fn sampled(way: &Way, scratch: &Path) -> Result<Sample> {
    let call = |rounds| -> Result<_> {
        let cost = measure(&mut (way.command)(rounds)?)?;
        // One run would not make the next one slower, but a million of their files would fill a disk.
        let _ = fs::remove_dir_all(scratch.join("runs"));
        Ok((rounds, cost))
    };
    let (short, long) = (call(way.short)?, call(way.rounds)?);
    Sample::between(short, long).context(
        "more rounds took less time: this machine is too busy, or too fast for so few rounds\n\
         what to do: measure again, without --quick",
    )
}

fn head(workspace: &Workspace, samples: u32, quick: bool, load: &str) -> String {
    let quick = match quick {
        true => " A quick run: a look at the tool, not a measurement.",
        false => "",
    };
    format!(
        "## Speed\n\n`{}`, {}, on {} (load {load} before, {} after). {}.\n\n\
         {samples} samples of each way, by turns, in an order turned each sample: the median (least..most). A ratio is to \
         the way with ratio 1 in the same sample.{quick} Each way is called twice, with 2 rounds and with many, and the \
         difference is divided by the difference of the rounds: what a program does once in a call is in no figure. Own \
         CPU is that of the program itself, without its children. The peak is the kernel's `VmHWM` of the program \
         itself, the most of all samples, asked for every 10 ms.\n",
        machine::command(),
        machine::date(),
        machine::machine(),
        machine::load(),
        machine::versions(workspace),
    )
}
